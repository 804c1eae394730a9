"""Static embeddings from counts and positions from waves, as a start for contextual ones.

The lecture calls BERT a deep CBOW. The counts that CBOW and its kin factorise (Levy & Goldberg 2014,
"Neural word embedding as implicit matrix factorization") cost seconds; a model that starts from them is
spared the first, slow part of pre-training, in which it learns which pieces are alike. Positions that start as sines
and cosines spare it the next: one and the same rotation takes every position to its neighbour (Vaswani et al. 2017,
arXiv 1706.03762, section 3.5), where a table that is drawn at random has to be learnt row by row.
"""

import keras
import keras_hub
import numpy as np
from scipy import sparse
from scipy.sparse.linalg import eigsh

STDDEV = 0.05


def static_embedding(
    sequences, vocabulary_size: int, dimensions: int, window: int = 4, special_ids=(), power: float = 0.5
) -> np.ndarray:
    """Embed every piece by the positive pointwise mutual information of pieces within a window.

    The symmetric matrix of max(0, log p(a, b) / (p(a) p(b))) is factorised by its leading eigenvectors,
    each scaled by a power of its eigenvalue (Levy, Goldberg & Dagan 2015, section 2 and 3.3).

    Args:
        sequences: iterable of int arrays (tokens,), texts as ids.
        vocabulary_size: int, number of pieces.
        dimensions: int, size of a vector.
        window: int, greatest distance of two pieces that meet, in tokens.
        special_ids: ids that are not counted.
        power: float, of the eigenvalues: 0.5 for their root, 0 for all directions alike, which is better to compare
            vectors by their cosine.

    Returns:
        float32 array (vocabulary_size, dimensions) with standard deviation 1 over the pieces that were
        seen; rows of pieces that were not seen are zero.

    Raises:
        ValueError: if there are fewer seen pieces than dimensions.
    """
    counts = _cooccurrences(sequences, vocabulary_size, window)
    if len(special_ids):
        keep = np.ones(vocabulary_size)
        keep[list(special_ids)] = 0
        counts = sparse.diags(keep) @ counts @ sparse.diags(keep)
    information = _positive_information(counts.tocoo())
    seen = np.flatnonzero(np.diff(information.indptr))
    if len(seen) <= dimensions:
        raise ValueError(
            "A static embedding needs more different pieces than dimensions. "
            f"Received: {len(seen)} pieces in the text, dimensions={dimensions}"
        )
    values, vectors = eigsh(information[seen][:, seen], k=dimensions, which="LA", v0=np.ones(len(seen)))
    vectors = vectors * np.maximum(values, 0) ** power  # (seen, dimensions)
    embedding = np.zeros((vocabulary_size, dimensions), "float32")
    embedding[seen] = (vectors - vectors.mean(axis=0)) / vectors.std()
    return embedding


def _cooccurrences(sequences, vocabulary_size, window, chunk=4_000_000):
    """Symmetric counts, sparse (vocabulary_size, vocabulary_size); memory bounded by the chunk, in tokens."""
    total = sparse.csr_matrix((vocabulary_size, vocabulary_size), dtype="float32")
    pending, size = [], 0
    gap = np.full(window, -1, "int64")  # nothing meets across the border of two texts

    def count():
        flat = np.concatenate(pending)
        counted = sparse.csr_matrix((vocabulary_size, vocabulary_size), dtype="float32")
        for distance in range(1, window + 1):
            left, right = flat[:-distance], flat[distance:]
            both = (left >= 0) & (right >= 0)
            ones = np.ones(int(both.sum()), "float32")
            counted = counted + sparse.csr_matrix((ones, (left[both], right[both])), shape=counted.shape)
        return counted

    for sequence in sequences:
        pending += [np.asarray(sequence, "int64"), gap]
        size += len(sequence)
        if size >= chunk:
            total = total + count()
            pending, size = [], 0
    if pending:
        total = total + count()
    return total + total.T


def _positive_information(counts):
    row_sums = np.asarray(counts.sum(axis=1)).ravel()
    expected = row_sums[counts.row].astype("float64") * row_sums[counts.col] / max(row_sums.sum(), 1)
    with np.errstate(divide="ignore"):
        information = np.log(counts.data / expected)
    positive = information > 0
    return sparse.csr_matrix(
        (information[positive].astype("float32"), (counts.row[positive], counts.col[positive])), shape=counts.shape
    )


def first_texts(documents, tokens: int):
    """Yield the ids of documents until they have so many tokens.

    Args:
        documents: iterable of `zoo.data` documents.
        tokens: int; the document with the last of them is whole.
    """
    for document in documents:
        yield document.token_ids
        tokens -= len(document.token_ids)
        if tokens <= 0:
            return


def warm_start(backbone, embedding: np.ndarray, stddev: float | None = None) -> int:
    """Put a static embedding into a backbone's token embedding, and sines and cosines into its learned positions.

    Rows of pieces that the embedding does not know (all zero) keep their random start.

    Args:
        backbone: a backbone whose token embedding has the shape of `embedding`.
        embedding: float array (vocabulary_size, embedding size), as `static_embedding` gives it.
        stddev: float, standard deviation that the vectors of pieces and of positions get. When None, 0.05, or that
            of the token embedding as it is, if greater: T5 is made for vectors of standard deviation 1.

    Returns:
        int, number of pieces that were set.

    Raises:
        ValueError: if the shapes differ.
    """
    variable = backbone.token_embedding.embeddings
    if tuple(variable.shape) != embedding.shape:
        raise ValueError(
            "The static embedding must have the shape of the backbone's token embedding "
            f"{tuple(variable.shape)}. Received: embedding of shape {embedding.shape}"
        )
    seen = np.any(embedding != 0, axis=1)  # (vocabulary_size,)
    table = np.array(variable)
    if stddev is None:
        stddev = max(STDDEV, float(table.std()))
    variable.assign(np.where(seen[:, None], embedding * stddev, table))
    for part in backbone.position_embeddings:
        positions = part.position_embeddings
        positions.assign(sinusoids(*positions.shape) * stddev)
    return int(seen.sum())


def sinusoids(length: int, dimensions: int) -> np.ndarray:
    """Sines and cosines of the positions 0 to `length - 1` (Vaswani et al. 2017, section 3.5).

    Returns:
        float32 array (length, dimensions), of mean square 1.
    """
    waves = keras_hub.layers.SinePositionEncoding()(np.zeros((1, length, dimensions), "float32"))
    return np.sqrt(2.0, dtype="float32") * keras.ops.convert_to_numpy(waves)[0]

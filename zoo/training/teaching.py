"""What a larger model says of unlabelled text, to learn from: vectors of texts, and how alike two texts are."""

import os
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from zoo.data.documents import read_documents
from zoo.data.ragged import EncodedTexts
from zoo.data.sentences import cut_sentences

VECTORS, SIMILARITIES = "vectors", "similarities"
# Texts whose vectors are one file, so that an interruption costs little.
PART = 10_000
# How likely it is that the next sentence of its paragraph joins a text, and how many may.
ONE_MORE, MOST = 0.25, 3
# Of the pairs: a text and its altered form, a text and one of those most like it, two texts.
ALTERED, NEIGHBOURS = 1 / 2, 5 / 12
# Neighbours are looked for among so many texts; which of the nearest is taken falls off with its rank.
BLOCK, NEAREST, TYPICAL_RANK = 20_000, 60, 8
ROWS = 1_000  # whose cosines with a block are in memory at once
# How a text is altered: tokens dropped, tokens replaced by another text's, a part kept, its ends exchanged.
WAYS = {"drop": 0.35, "replace": 0.35, "keep": 0.15, "turn": 0.15}


@dataclass(frozen=True)
class Pairs:
    """Pairs of texts, and the cosine of the teacher's vectors of each.

    Attributes:
        first: list of str.
        second: list of str.
        cosines: float32 array (pairs,).
    """

    first: list[str]
    second: list[str]
    cosines: np.ndarray


@dataclass(frozen=True)
class Lessons:
    """Encoded texts with the teacher's vectors, and behind them encoded pairs with its cosines.

    Attributes:
        texts: `EncodedTexts`, both.
        names: names of the features that the backbone takes.
        pad_id: int, id of the padding.
        vectors: array (texts, embedding_dim).
        cosines: float32 array (pairs,).
    """

    texts: EncodedTexts
    names: tuple[str, ...]
    pad_id: int
    vectors: np.ndarray
    cosines: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """int64 array (texts + pairs,), in tokens."""
        return self.texts.lengths

    def batch(self, indices: np.ndarray, length: int) -> tuple:
        """Inputs, targets and weights: what is not asked of an example has the weight 0."""
        rows = self.texts.rows(indices, length, self.pad_id)
        is_text = indices < len(self.vectors)
        vectors = np.zeros((len(indices), self.vectors.shape[1]), "float32")
        vectors[is_text] = self.vectors[indices[is_text]]
        cosines = np.zeros((len(indices), 1), "float32")
        cosines[~is_text, 0] = self.cosines[indices[~is_text] - len(self.vectors)]
        return (
            {name: rows[name] for name in self.names},
            {VECTORS: vectors, SIMILARITIES: cosines},
            {VECTORS: is_text.astype("float32"), SIMILARITIES: (~is_text).astype("float32")},
        )


def draw_texts(files: Iterable, count: int, seed: int) -> list[str]:
    """Texts of one to three sentences, drawn from files at random, each once.

    Args:
        files: paths of text files.
        count: int, texts.
        seed: int.

    Raises:
        ValueError: if there are fewer.
    """
    draw = random.Random(seed)
    found = list(dict.fromkeys(text for document in read_documents(files) for text in _cut(document, draw)))
    if len(found) < count:
        raise ValueError(
            f"The files must have {count:,} different texts of one to {MOST} sentences, to learn from and held out. "
            f"Received: {len(found):,}. Give more files, or ask for fewer texts."
        )
    return draw.sample(found, count)


def _cut(document: str, draw) -> Iterator[str]:
    for paragraph in document.splitlines():
        text = []
        for sentence in cut_sentences(paragraph):
            text.append(sentence)
            if len(text) == MOST or draw.random() >= ONE_MORE:
                yield "".join(text).strip()
                text = []
        if text:
            yield "".join(text).strip()


def teacher_vectors(teacher, texts: list[str], folder) -> np.ndarray:
    """The vectors that a `zoo.TextEmbedder` makes of texts, float16 array (texts, embedding_dim).

    They are kept in files of 10,000 in a folder; what is there is not computed again.
    """
    folder = Path(folder)
    folder.mkdir(exist_ok=True)
    firsts = range(0, len(texts), PART)
    bar = keras.utils.Progbar(len(firsts), unit_name="part")
    for first in firsts:
        path = folder / f"{first // PART:05d}.npy"
        if not path.exists():
            beside = path.with_name(f".{path.name}")
            np.save(beside, teacher.embed(texts[first : first + PART], batch_size=128).astype("float16"))
            os.replace(beside, path)
        bar.add(1)
    found = [np.load(folder / f"{first // PART:05d}.npy") for first in firsts]
    return np.concatenate(found) if found else np.zeros((0, teacher.output.shape[-1]), "float16")


def draw_pairs(teacher, texts: list[str], vectors: np.ndarray, count: int, tokenizer, folder, seed: int) -> Pairs:
    """Pairs from alike to unlike, so that all degrees are seen: altered texts, neighbours, and any two.

    Pairs drawn by nearness are those of Thakur et al. (2021), Augmented SBERT, arXiv 2010.08240, section 3.1, with the
    parts exchanged: there a model of pairs teaches one of single texts.

    Args:
        teacher: `zoo.TextEmbedder`.
        texts: list of str.
        vectors: array (texts, embedding_dim), the teacher's.
        count: int, pairs.
        tokenizer: a zoo tokenizer, whose tokens are dropped, replaced and moved.
        folder: path, where the teacher's vectors of altered texts are kept.
        seed: int.
    """
    rng = np.random.default_rng(seed)
    num_altered, num_near = int(count * ALTERED), int(count * NEIGHBOURS)
    rows = rng.integers(0, len(texts), num_altered)
    others = alter([texts[row] for row in rows], tokenizer, rng)
    cosines = [_cosines(vectors[rows], teacher_vectors(teacher, others, folder))]
    near = neighbours(vectors, num_near, rng)
    far = rng.integers(0, len(texts), (count - num_altered - num_near, 2))
    both = np.concatenate([near, far])  # (pairs, 2)
    cosines.append(_cosines(vectors[both[:, 0]], vectors[both[:, 1]]))
    first = [texts[row] for row in (*rows, *both[:, 0])]
    second = [*others, *(texts[row] for row in both[:, 1])]
    swapped = rng.random(len(first)) < 0.5  # the altered one is not always the second
    pairs = [(b, a) if swap else (a, b) for a, b, swap in zip(first, second, swapped, strict=True)]
    return Pairs([a for a, _ in pairs], [b for _, b in pairs], np.concatenate(cosines))


def _cosines(one, other):
    return np.sum(one.astype("float32") * other.astype("float32"), axis=1)


def neighbours(vectors: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Pairs of texts of which the second is one of those most like the first.

    Args:
        vectors: array (texts, embedding_dim), of length 1.
        count: int, pairs.
        rng: generator of random numbers.

    Returns:
        int64 array (count, 2), rows of `vectors`.
    """
    firsts = np.sort(rng.integers(0, len(vectors), count))
    found = []
    for begin in range(0, len(vectors), BLOCK):
        block = vectors[begin : begin + BLOCK].astype("float32")
        nearest = min(NEAREST, len(block) - 1)
        asked = firsts[(firsts >= begin) & (firsts < begin + BLOCK)] - begin
        for rows in (asked[row : row + ROWS] for row in range(0, len(asked) if nearest else 0, ROWS)):
            cosines = block[rows] @ block.T  # (rows, block)
            cosines[np.arange(len(rows)), rows] = -2  # nobody is compared with itself
            candidates = np.argpartition(-cosines, nearest - 1, axis=1)[:, :nearest]
            order = np.argsort(-np.take_along_axis(cosines, candidates, axis=1), axis=1)
            ranks = np.minimum(rng.exponential(TYPICAL_RANK, len(rows)).astype("int64"), nearest - 1)
            chosen = np.take_along_axis(order, ranks[:, None], axis=1)
            found.append(np.stack([rows, np.take_along_axis(candidates, chosen, axis=1)[:, 0]], axis=1) + begin)
    return np.concatenate(found) if found else np.zeros((0, 2), "int64")


def alter(texts: list[str], tokenizer, rng: np.random.Generator) -> list[str]:
    """Other texts, made of these by dropping, replacing and moving tokens: in part of the same meaning."""
    # What the tokenizer does not know has no text to be written as.
    encoded = [ids[ids != tokenizer.unk_token_id] for ids in tokenizer.encode(texts)]
    ways = rng.choice(list(WAYS), len(texts), p=list(WAYS.values()))
    altered = []
    for ids, way in zip(encoded, ways, strict=True):
        other = encoded[rng.integers(len(encoded))]
        found = _altered(ids, other if len(other) else ids, way, rng) if len(ids) else ids
        # A piece of a character, and a lone mark of a space, are no text.
        altered.append(tokenizer.decode(found).replace("\ufffd", "").strip() or ".")
    return altered


def _altered(ids, other, way, rng):
    size = len(ids)
    if way == "drop":
        kept = rng.random(size) > rng.uniform(0.1, 0.5)
        return ids[kept] if kept.any() else ids
    if way == "keep":
        begin = rng.integers(size)
        return ids[begin : rng.integers(begin, size) + 1]
    most = 0.4 if way == "replace" else 0.3
    replaced = rng.random(size) < rng.uniform(0.05 if way == "replace" else 0.0, most)
    found = np.where(replaced, rng.choice(other, size), ids)
    return np.roll(found, -rng.integers(size)) if way == "turn" else found

"""Documents: text files read document by document, and documents of token ids."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from zoo.data.sentences import cut_sentences
from zoo.data.text_files import open_text
from zoo.objectives.words import Segmenter, mark_words

# A document without an end must not fill the memory: it comes in parts of this many characters.
_CHARACTERS_PER_PART = 1_000_000


@dataclass(frozen=True)
class Document:
    """A text as token ids, without special tokens, and where its words and sentences begin.

    Attributes:
        token_ids: integer array (tokens,).
        word_starts: bool array (tokens,), True where a token begins a word.
        sentence_lengths: integer array (sentences,), in tokens; their sum is `tokens`, none is 0.
    """

    token_ids: np.ndarray
    word_starts: np.ndarray
    sentence_lengths: np.ndarray


def read_documents(files: Iterable) -> Iterator[str]:
    """Read text files one document after the other: a paragraph a line, an empty line between documents.

    A file's end ends a document too. A document beyond a million characters comes in parts, cut between
    paragraphs, so that memory stays bounded whatever the files hold.

    Args:
        files: paths of text files, plain or compressed; see `zoo.data.expand_paths` for patterns.

    Yields:
        str: a document, its paragraphs separated by line ends; never an empty one.

    Raises:
        ValueError: for a file that cannot be read as UTF-8; says which line.
    """
    for file in files:
        with open_text(file) as lines:
            yield from _gather_paragraphs(lines)


def _gather_paragraphs(lines: Iterable[str]) -> Iterator[str]:
    paragraphs, size = [], 0
    for line in lines:
        paragraph = line.strip()
        if paragraph:
            paragraphs.append(paragraph)
            size += len(paragraph)
        if paragraphs and (not paragraph or size >= _CHARACTERS_PER_PART):
            yield "\n".join(paragraphs)
            paragraphs, size = [], 0
    if paragraphs:
        yield "\n".join(paragraphs)


def encode_documents(texts: Sequence[str], tokenizer, segmenter: str | Segmenter | None = "auto") -> list[Document]:
    """Split texts into sentences and tokenize all of them at once.

    Args:
        texts: the documents, lines being paragraphs.
        tokenizer: a zoo tokenizer.
        segmenter: what knows the words of text without spaces, see `zoo.objectives.words.mark_words`.

    Returns:
        list of `Document`, in order; texts that give no token are left out.
    """
    sentences_of_text = [cut_sentences(text) for text in texts]
    sentences = [sentence for group in sentences_of_text for sentence in group]
    if not sentences:
        return []
    ids, starts = mark_words(sentences, tokenizer, segmenter)
    token_ids, word_starts = np.concatenate(ids), np.concatenate(starts)  # (tokens,)
    lengths = np.fromiter(map(len, ids), np.int64, len(ids))  # (sentences,)
    ends = np.cumsum(lengths)
    word_starts[(ends - lengths)[lengths > 0]] = True
    documents = []
    sentence = token = 0
    for group in sentences_of_text:
        group_lengths = lengths[sentence : sentence + len(group)]
        sentence += len(group)
        stop = token + int(group_lengths.sum())
        if stop > token:
            documents.append(Document(token_ids[token:stop], word_starts[token:stop], group_lengths[group_lengths > 0]))
        token = stop
    return documents


def split_document(document: Document, max_tokens: int) -> Iterator[Document]:
    """Cut a long document into parts at sentence ends.

    Args:
        document: a `Document`.
        max_tokens: int, tokens a part may have; a longer sentence is cut to this length itself.

    Yields:
        `Document`: the parts, in order.
    """
    if len(document.token_ids) <= max_tokens:
        yield document
        return
    lengths = []
    for length in document.sentence_lengths.tolist():
        lengths += [max_tokens] * (length // max_tokens)
        if length % max_tokens:
            lengths.append(length % max_tokens)
    lengths = np.array(lengths)
    ends = np.cumsum(lengths)
    sentence = token = 0
    while sentence < len(lengths):
        last = int(np.searchsorted(ends, token + max_tokens, side="right"))
        stop = int(ends[last - 1])
        yield Document(document.token_ids[token:stop], document.word_starts[token:stop], lengths[sentence:last])
        sentence, token = last, stop

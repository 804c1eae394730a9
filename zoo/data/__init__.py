"""From text and tables to batches of features."""

import importlib

# Names are fetched when they are first used: the table of features must not load grain.
_HOMES = {
    "Document": "zoo.data.documents",
    "PretrainingDataset": "zoo.data.pretraining",
    "TaggedSentences": "zoo.data.tagging",
    "encode_documents": "zoo.data.documents",
    "expand_paths": "zoo.data.text_files",
    "load_tokenizer": "zoo.data.tokenizer_folder",
    "open_text": "zoo.data.text_files",
    "prepare": "zoo.data.preparation",
    "pretraining_dataset": "zoo.data.pretraining",
    "read_documents": "zoo.data.documents",
    "read_examples": "zoo.data.inputs",
    "read_questions": "zoo.data.question_answering",
    "read_tagged": "zoo.data.tagged_files",
    "split_sentences": "zoo.data.sentences",
}

__all__ = list(_HOMES)


def __getattr__(name):
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'zoo.data' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])

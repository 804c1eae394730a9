"""Tokenizers that KerasHub and this package have both: the same pieces, and for almost all texts the same ids.

KerasHub's follow rules of their own in some places, which no setting changes. What is written for KerasHub is
therefore compared with ours on `PROBES` beforehand.
"""

import warnings

# For each kind of text that rules differ in, a text to see whether the ids of this vocabulary do; and plain text.
PROBES = {
    "no-break and ideographic spaces": "dog\u00a0cat\u3000dog",
    "invisible characters and joined emoji": "do\u200bg \U0001f468\u200d\U0001f469",
    "control characters": "dog\x00cat",
    "full-width signs and other forms that case folding replaces": "\uff0c\uff01\uff1f \u00bd \u00df \ufb01",
    "letters with accents": "\u00e9\u00e7 \u00c9\u00dc\u0130",
    "symbols of currencies and mathematics": "\u20ac \u221e \u2192",
    "long numbers": "dog 1234567890",
    "apostrophes behind a space or a sign": "the dog 's bark, (the dog)'s bark, IT'S",
    "several spaces and line ends": "dog  cat \n\n dog",
    "names of special tokens in a text": "a [MASK] <mask> [CLS] <s> </s> <pad>",
}
MUST_AGREE = (
    "The dogs' bark isn't heard, is it? (No!) Anna-Maria paid 3 for 12.",
    "today the weather is good",
    "\u4eca\u5929\u5929\u6c14\u5f88\u597d\u3002\u6211\u4eec\u53bb\u516c\u56ed",
    "good \U0001f600 dog \U0001f44d",
)
# The class of `zoo.tokenizers`, and that of KerasHub by the architecture that it is written for.
CLASSES = {
    ("WordPiece", "BertBackbone"): "BertTokenizer",
    ("Unigram", "AlbertBackbone"): "AlbertTokenizer",
    ("BytePair", "BartBackbone"): "BartTokenizer",
}


def tokenizer_there(tokenizer, architecture: str):
    """A tokenizer of KerasHub with the pieces of ours, for a backbone of KerasHub.

    Warns of the kinds of text that get other ids there.

    Args:
        tokenizer: a tokenizer of `zoo.tokenizers`, or one of KerasHub, which is returned as it is.
        architecture: str, the class of the backbone.

    Raises:
        ValueError: if KerasHub has no such tokenizer for this architecture, or it gives other ids to plain text.
    """
    import keras_hub

    if not type(tokenizer).__module__.startswith("zoo."):
        return tokenizer
    name = CLASSES.get((type(tokenizer).__name__, architecture))
    if name is None:
        raise ValueError(
            f"KerasHub has no tokenizer like {type(tokenizer).__name__} for its {architecture}: it has "
            f"{', '.join(f'{theirs} (like {ours}) for {kind}' for (ours, kind), theirs in CLASSES.items())}. Give "
            "`tokenizer=None` to write the backbone alone, whose ids are then for you to make. "
            f"Received: tokenizer={type(tokenizer).__name__}"
        )
    made = getattr(keras_hub.tokenizers, name)(**_arguments_there(tokenizer))
    different = [text for text in MUST_AGREE if not _agree(tokenizer, made, text)]
    if different:
        raise ValueError(
            f"keras_hub.tokenizers.{name} gives other ids than this {type(tokenizer).__name__} to plain text: "
            f"{different}. Give `tokenizer=None` to write the backbone alone."
        )
    different = [kind for kind, text in PROBES.items() if not _agree(tokenizer, made, text)]
    if different:
        warnings.warn(
            f"keras_hub.tokenizers.{name} follows rules of its own and gives other ids than this "
            f"{type(tokenizer).__name__} to texts with {'; '.join(different)}. Plain text has the same ids.",
            stacklevel=4,
        )
    return made


def tokenizer_here(tokenizer):
    """Our tokenizer with the pieces and the settings of one of KerasHub's, or that one if we have none like it.

    Ours follows the rules of the released code of the model in the places where KerasHub's has its own; see `PROBES`.
    """
    import zoo.tokenizers

    made = None
    try:
        if _is(tokenizer, "BertTokenizer", _WORD_PIECE):
            made = zoo.tokenizers.WordPiece(
                tokenizer.get_vocabulary(), tokenizer.lowercase, tokenizer.strip_accents,
                tokenizer.special_tokens_in_strings,
            )  # fmt: skip
        elif _is(tokenizer, "AlbertTokenizer", {"add_bos": False, "add_eos": False}):
            made = zoo.tokenizers.Unigram(tokenizer.proto)
        elif _is(tokenizer, "BartTokenizer", {"add_prefix_space": False}):
            merges = [merge for merge in tokenizer.merges if not merge.startswith("#version:")]
            made = zoo.tokenizers.BytePair(dict(tokenizer.vocabulary), merges)
    except ValueError:
        return tokenizer  # it lacks a piece that every tokenizer of ours has, such as that of masks
    return tokenizer if made is None else made


_WORD_PIECE = {"split": True, "split_on_cjk": True, "suffix_indicator": "##", "oov_token": "[UNK]"}


def _is(tokenizer, name, settings):
    import keras_hub

    settings = {"sequence_length": None, **settings}
    return type(tokenizer) is getattr(keras_hub.tokenizers, name) and all(
        getattr(tokenizer, key) == value for key, value in settings.items()
    )


def _arguments_there(tokenizer):
    if hasattr(tokenizer, "proto"):
        return {"proto": tokenizer.proto}
    if hasattr(tokenizer, "merges"):
        return {"vocabulary": dict(tokenizer.vocabulary), "merges": list(tokenizer.merges)}
    names = ("lowercase", "strip_accents", "special_tokens_in_strings")
    return {"vocabulary": tokenizer.get_vocabulary(), **{name: getattr(tokenizer, name) for name in names}}


def _agree(ours, theirs, text):
    return ours.encode([text])[0].tolist() == [int(number) for number in theirs([text])[0]]

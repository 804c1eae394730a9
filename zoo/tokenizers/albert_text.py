"""How ALBERT's released code prepares text before SentencePiece sees it, as a part of the SentencePiece model.

Lan et al. (2020), arXiv 1909.11942, released code, `preprocess_text` and `encode_pieces` in `tokenization.py`.
"""

import functools
import unicodedata

import sentencepiece

from zoo.tokenizers.sentence_piece_proto import parse_proto

_WARNINGS = 1
# No character beyond has another form.
_CODE_POINTS = (*range(0xD800), *range(0xE000, 0x40000))
_SPACE = "▁"


def prepare_as_albert(proto: bytes, lowercase: bool, replace_quotes: bool = False) -> bytes:
    """Return a SentencePiece model that prepares a text as ALBERT's code does, before it does what it did.

    Every kind of white space is a space, characters are decomposed (Unicode's NFKD), accents removed, capitals made
    small. Then the model's own rules follow. Both together are written into the model as one table, so that a text
    is still read in one go and each piece knows where in the text it was.

    A table knows no context: a capital sigma at the end of a word becomes `σ`, where Python, and so ALBERT's code, has
    `ς`; and parts of one character of Korean that stand in a text one by one, some as compatibility characters and
    some not, are not joined.

    Args:
        proto: a SentencePiece model.
        lowercase: bool, whether the model was trained with `do_lower_case`.
        replace_quotes: bool, whether two backticks or two apostrophes are a quotation mark, as in `transformers`.
    """
    model = parse_proto(proto)
    spec = model.normalizer_spec
    own = sentencepiece.SentencePieceNormalizer(
        normalizer_spec=spec, add_dummy_prefix=False, escape_whitespaces=False, remove_extra_whitespaces=False
    )
    # Rules for several characters, which prepared text can still have.
    rules = {key: value for key, value in own.Decompile() if _prepare(key, lowercase) == key}
    prepared = {chr(code): _prepare(chr(code), lowercase) for code in _CODE_POINTS}
    prepared = {character: result for character, result in prepared.items() if result != character}
    rules |= zip(prepared, own.Normalize(list(prepared.values())), strict=True)
    if replace_quotes:
        rules |= {"``": '"', "''": '"'}
    rules = [(key, value) for key, value in rules.items() if key != value]
    # What it would say otherwise is how large the table is.
    sentencepiece.set_min_log_level(_WARNINGS)
    both = sentencepiece.SentencePieceNormalizer(norm_map=rules)
    spec.precompiled_charsmap = type(spec).FromString(both.serialized_normalizer_spec()).precompiled_charsmap
    spec.name = f"albert_{spec.name}"
    spec.remove_extra_whitespaces = True
    return model.SerializeToString(deterministic=True)


@functools.cache
def _spaces_and_accents():
    """What `str.translate` takes."""
    spaces = {code: " " for code in _CODE_POINTS if chr(code).isspace()}
    return spaces, dict.fromkeys(code for code in _CODE_POINTS if unicodedata.combining(chr(code)))


def _prepare(text, lowercase):
    spaces, accents = _spaces_and_accents()
    text = unicodedata.normalize("NFKD", text.translate(spaces)).translate(accents)
    return text.lower() if lowercase else text


def split_numbers_from_commas(processor: sentencepiece.SentencePieceProcessor) -> dict[int, list[str]]:
    """Return the pieces that ALBERT's code puts in the place of a number with a comma behind it, such as `▁11,`.

    Args:
        processor: SentencePiece model.

    Returns:
        dict from the id of such a piece to pieces, the last of which is the comma.
    """
    found = {}
    for number in range(len(processor)):
        piece = processor.id_to_piece(number)
        if len(piece) > 1 and piece[-1] == "," and piece[-2].isdigit():
            parts = processor.encode(piece[:-1].replace(_SPACE, ""), out_type=str)
            if not piece.startswith(_SPACE) and parts[0].startswith(_SPACE):
                parts = [part for part in (parts[0][1:], *parts[1:]) if part]
            found[number] = [*parts, ","]
    return found

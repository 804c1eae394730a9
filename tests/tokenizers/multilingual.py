"""Texts in many scripts, drawn at random, and a vocabulary that tells their characters apart."""

import random

SPECIAL_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]

POOLS = {
    "english": "abcdefghijklmnopqrstuvwxyz",
    "capitals": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "accents": "éàüñçÅİıßẞǅŐőĳœÆ",
    "greek": "ΣΟΦΌΣςσάϐΐ",
    "chinese": "一丁七万丈三不与龍龜你好世界說㐀𠀀豈",
    "japanese": "ひらがなカタカナーガ゙。、々",
    "korean": "한국어각힣ᄒ",
    "arabic": "العربيةًٌّ",
    "cyrillic": "ПриветйЙёЁ",
    "thai": "ไทยกำแี่",
    "hindi": "हिन्दीक़ड़",
    "marks": "\u0301\u0323\u0315\u0345\u0334\u093c\u302e\u302f\u1dfa\u1bf2\U00016ff0",
    "emoji": "😀🏽🥰🫠⭐❤\ufe0f",
    "controls": "\x00\x01\x07\x1f\x7f\x85\ufeff\u200b\u200d\u00ad\u202e",
    "spaces": " \t\n\r\u00a0\u3000\u2028\u2029\u2009\x0b\x0c\u1680\u180e",
    "punctuation": "!?.,[]#@'\"’“—-…$^`~|。，？·؟।",
    "digits": "0123456789٣½²Ⅷ",
    "no_characters": "\ufffd\ufffe\uffff\U0010ffff\U0010fff0\U0010fff1\ue000\u0378\U0001f8ff",
}
_BRACKETS = ["[MASK]", "[CLS]", "[SEP]", "[PAD]", "[UNK]", "[mask]", "[MASK", "MASK]", "[MA\U0010fff0SK]", "[[MASK]]"]
_BRACKETS += ["<mask>", " \u3000<mask>", "<<mask>>", "<MASK>", "<s>", "</s>", "<pad>", "<unk>", "'re'LL", "▁", "Ġ"]


def vocabulary() -> list[str]:
    """Special tokens, all characters of the pools with their other forms, each as a beginning and as a rest."""
    from tokenizers import normalizers

    characters = sorted({character for pool in POOLS.values() for character in pool})
    forms = [
        normalizer.normalize_str(character)
        for normalizer in (normalizers.NFD(), normalizers.Lowercase())
        for character in characters
    ]
    characters = dict.fromkeys(character for form in [*characters, *forms] for character in form)
    whole = [character for character in characters if character not in "\0\n\r"]
    words = ["the", "##ing", "##the", "uni", "##ting", "при", "##вет", "mask", "cls", "pad", "unk", "世界", "한국"]
    return list(dict.fromkeys([*SPECIAL_TOKENS, *whole, *(f"##{character}" for character in whole), *words]))


def graph_of(tokenizer):
    """A function from texts to lists of ids that tokenizes in a TensorFlow graph."""
    import tensorflow as tf

    tokenize = tf.function(tokenizer.tokenize, input_signature=[tf.TensorSpec([None], tf.string)])
    return lambda texts: tokenize(tf.constant(texts, tf.string)).to_list()


def draw_texts(number: int, seed: int) -> list[str]:
    """Texts of up to 12 words each, drawn from all pools, from single ones, and from all of Unicode."""
    rng = random.Random(seed)
    return ["".join(_draw_word(rng) + rng.choice(["", " "]) for _ in range(rng.randint(0, 12))) for _ in range(number)]


def _draw_word(rng):
    kind = rng.random()
    if kind < 0.1:
        return rng.choice(_BRACKETS)
    if kind < 0.15:
        pool = rng.choice(list(POOLS.values()))
        return "".join(rng.choice(pool) for _ in range(rng.randint(95, 105)))
    if kind < 0.25:
        spans = (range(0x3000), range(0x3000, 0xD800), range(0xE000, 0x20000), range(0x110000 - 0x10000, 0x110000))
        return "".join(chr(rng.choice(rng.choice(spans))) for _ in range(rng.randint(1, 5)))
    pool = rng.choice(list(POOLS.values())) if kind < 0.8 else "".join(POOLS.values())
    return "".join(rng.choice(pool) for _ in range(rng.randint(1, 9)))

"""Unigram pieces as the released T5 models have them."""

import keras

from zoo.tokenizers.text_tokenizer import BackboneOfPresets
from zoo.tokenizers.unigram import Unigram

PAD, END, UNKNOWN, MASK = "<pad>", "</s>", "<unk>", "<extra_id_0>"


@keras.saving.register_keras_serializable(package="zoo")
class T5Unigram(Unigram):
    """The tokenizer of the released T5 and mT5: `Unigram` with their special tokens.

    There is no start token, so that of padding stands for it, as at the decoder's first step; and no mask, so the first
    sentinel stands for it, which is what T5 puts in the place of one span (Raffel et al. 2020, arXiv 1910.10683,
    section 3.1.4). It is also the only special token that is made of what a text says; `encode_with_sentinels` makes
    all of them. One of your own for T5 is made by `zoo.tokenizers.train_unigram(...).with_sentinels()`.

    Args:
        proto: the path of a SentencePiece model with the pieces `<pad>`, `</s>`, `<unk>` and `<extra_id_0>`, or its
            bytes.
        **kwargs: as for `Unigram`.
    """

    backbone_cls = BackboneOfPresets("T5Backbone")
    tokens_of_names = {  # noqa: RUF012
        "pad": PAD, "start": PAD, "cls": PAD, "end": END, "sep": END, "unk": UNKNOWN, "mask": MASK,
    }  # fmt: skip

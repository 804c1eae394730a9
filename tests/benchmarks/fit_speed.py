"""Examples a second of `fit` on one-sentence reviews, side by side with KerasHub on the same architecture.

    python -m tests.benchmarks.fit_speed [--rows 2000] [--file reviews.tsv]

KerasHub is run as it comes (every text padded to 512 tokens) and at `sequence_length=128`. Each is fitted on
fewer rows the slower it is; the better of two epochs after a first one counts, and the first batch of a model that is
fitted for the first time, in which it is compiled. The ratios come from one run.
"""

import argparse
import time

import keras
import keras_hub
import numpy as np

import zoo
from tests import texts as written
from zoo.data.tables import read_table

LAYERS, HEADS, HIDDEN = 2, 2, 128


def ours(tokenizer):
    backbone = zoo.BertBackbone(tokenizer.vocabulary_size(), LAYERS, HEADS, HIDDEN, 4 * HIDDEN)
    return zoo.TextClassifier(backbone, tokenizer=tokenizer, num_classes=2)


def theirs(tokenizer, sequence_length):
    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=tokenizer.vocabulary_size(), num_layers=LAYERS, num_heads=HEADS, hidden_dim=HIDDEN,
        intermediate_dim=4 * HIDDEN,
    )  # fmt: skip
    bert_tokenizer = keras_hub.models.BertTokenizer(vocabulary=tokenizer.get_vocabulary(), lowercase=True)
    preprocessor = keras_hub.models.BertTextClassifierPreprocessor(bert_tokenizer, sequence_length=sequence_length)
    return keras_hub.models.BertTextClassifier(backbone, num_classes=2, preprocessor=preprocessor)


class Seconds(keras.callbacks.Callback):
    """Seconds until the end of the first batch, and of every epoch."""

    def on_train_begin(self, logs=None):
        self.first = None
        self.began = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        self.first = self.first or time.perf_counter() - self.began

    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds = [*getattr(self, "seconds", []), time.perf_counter() - self.began]


def speed_of(model, texts, labels, rows):
    """Examples a second, and seconds until the end of the first batch."""
    clock = Seconds()
    model.fit(texts[:rows], labels[:rows], batch_size=32, epochs=3, callbacks=[clock], verbose=0)
    return min(rows, len(texts)) / min(clock.seconds[1:]), clock.first


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--file", help="table of reviews; generated ones when not given")
    options = parser.parse_args()
    if options.file:
        table = read_table(options.file)
        texts, labels = table["sentence"].tolist()[: options.rows], table["label"].astype(int).tolist()[: options.rows]
    else:
        texts, labels = written.reviews(options.rows)
    tokenizer = zoo.tokenizers.train_word_piece(texts, vocabulary_size=2000, progress=False)
    texts, labels = np.array(texts, object), np.array(labels)
    speeds = {
        "zoo": speed_of(ours(tokenizer), texts.tolist(), labels.tolist(), options.rows),
        "KerasHub, sequence_length=128": speed_of(theirs(tokenizer, 128), texts, labels, options.rows // 4),
        "KerasHub, as it comes (512)": speed_of(theirs(tokenizer, 512), texts, labels, options.rows // 16),
    }
    words = np.mean([len(text.split()) for text in texts])
    print(f"{keras.config.backend()}, BERT {LAYERS}/{HIDDEN}, {len(texts)} reviews of {words:.0f} words in the mean")
    fast, soon = speeds["zoo"]
    for name, (speed, first) in speeds.items():
        print(
            f"{name:32} {speed:9.0f} examples/s   zoo is {fast / speed:5.1f} times as fast; "
            f"first batch {first:5.1f} s, {first / soon:.1f} times zoo's"
        )


if __name__ == "__main__":
    main()

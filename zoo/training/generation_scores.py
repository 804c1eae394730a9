"""What a model says while it is trained: scores and examples of generated text at the end of an epoch."""

import keras
import numpy as np

from zoo.data.inputs import is_table, read_examples
from zoo.metrics.generated_texts import generation_scores

_FRAME = 2  # the start and the end token around a target
_SHOWN = ("rouge_l", "bleu", "exact_match")


class GenerationScores(keras.callbacks.Callback):
    """Lets a `zoo.Seq2SeqLM` say texts at the end of an epoch, scores them, and prints some.

    The scores go into the logs as `val_rouge_l`, `val_bleu` and `val_exact_match`, fractions from 0 to 1, for the
    callbacks behind this one in the list, and for the history. A right text is taken as the tokenizer writes it (an
    uncased one without capitals), so that a model that says everything right has a score of 1; scores to compare
    with published ones come from `zoo.metrics` and the texts themselves.

    Called with a model, it gives the scores at once, and those of `zoo.metrics.generation_scores` that are not
    logged too.

    Args:
        x: a table with the columns `source` and `target`, or a list of sources.
        y: list of str, the targets, if `x` is a list.
        sample: int, how many of the pairs are said, drawn once; all if there are fewer. Saying a text costs a pass
            through the decoder a token.
        examples: int, how many of them are printed.
        every: int, epochs between two scorings; the last one of the training is scored in any case.
        seed: int, of the sample.
        bleu_tokenizer: str or None, see `zoo.metrics.bleu_score`.
        **generation: arguments of `zoo.Seq2SeqLM.generate`, such as `sampler`; `max_length` is that of the longest of
            the targets when not given.

    Raises:
        ValueError: if there are no targets, or a number is not positive.

    Example:

        scores = zoo.training.GenerationScores({"source": sources, "target": targets}, sample=100)
        stop = keras.callbacks.EarlyStopping("val_rouge_l", mode="max", patience=2)
        model.fit(train, validation_data=held_out, epochs=20, callbacks=[scores, stop])
    """

    def __init__(self, x, y=None, sample=100, examples=3, every=1, seed=0, bleu_tokenizer=None, **generation):
        super().__init__()
        if sample < 1 or every < 1 or examples < 0:
            raise ValueError(
                "`sample` and `every` must be at least 1 and `examples` at least 0. "
                f"Received: sample={sample}, every={every}, examples={examples}"
            )
        if y is None and not is_table(x):
            raise ValueError("Sources need targets. Received: y=None. Give both, or a table with source and target.")
        pairs = read_examples(x, y, None, *(("source", "target") if y is None else (None, None)))
        if len(pairs) > sample:
            pairs = pairs.take(np.sort(np.random.default_rng(seed).permutation(len(pairs))[:sample]))
        self.sources, self.targets = pairs.texts, pairs.labels
        self.examples = examples
        self.every = every
        self.bleu_tokenizer = bleu_tokenizer
        self.generation = generation

    def __call__(self, model) -> dict[str, float]:
        """The scores of a model: see `zoo.metrics.generation_scores`."""
        return self._score(model)[0]

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every and epoch + 1 < self.params["epochs"]:
            return
        scores, expected, said = self._score(self.model)
        if logs is not None:
            logs.update({f"val_{name}": scores[name] for name in _SHOWN})
        shown = ", ".join(f"{name} {scores[name]:.3f}" for name in _SHOWN)
        print(f"\nepoch {epoch + 1}, {len(said)} texts generated: {shown}")
        for source, right, text in list(zip(self.sources, expected, said, strict=True))[: self.examples]:
            print(f"  source    {source}\n  expected  {right}\n  said      {text}\n")

    def _score(self, model):
        """Scores, the right texts as the tokenizer writes them, and what was said."""
        tokenizer = model.tokenizer
        encoded = tokenizer.encode(self.targets)
        expected = [tokenizer.decode(ids) for ids in encoded]
        generation = dict(self.generation)
        if "max_length" not in generation:
            longest = max(map(len, encoded)) + _FRAME
            generation["max_length"] = min(longest, model.backbone.max_sequence_length)
        said = model.generate(self.sources, **generation)
        return generation_scores(said, expected, tokenizer=self.bleu_tokenizer), expected, said

"""Saying a text token by token, with what was computed before kept.

The network's part of a step is one compiled function; the search around it is plain NumPy, so that every backend says
the same text for the same seed.
"""

import keras
import numpy as np
from keras import ops

from zoo.layers import padding_bias
from zoo.tasks.samplers import Beam, BeamSearch, Contrastive, Sampling

STEPS = ("likeliest", "logits", "candidates", "best")


class Generator:
    """The compiled parts of generation for one backbone.

    Args:
        backbone: an encoder-decoder.
        first_id: int, what the decoder reads first.
        end_id: int, the token that ends a text.
        pad_id: int, what stands after it.
        start_id: int, the token that every text is made to begin with, or None.
    """

    def __init__(self, backbone, first_id: int, end_id: int, pad_id: int, start_id: int | None = None):
        self.backbone = backbone
        self.first_id, self.end_id, self.pad_id, self.start_id = first_id, end_id, pad_id, start_id
        self._begin = compiled(self._begin_of, backbone)
        self._steps = {name: compiled(getattr(self, f"_{name}"), backbone) for name in STEPS}

    def _begin_of(self, token_ids, padding_mask, room):
        """Caches for the texts to come, `room` int array (steps,)."""
        encoded = self.backbone.encode(token_ids, padding_mask)
        context = self.backbone.context_caches(encoded)
        return self.backbone.empty_caches(context, room.shape[0]), context, padding_bias(padding_mask)

    def _read(self, token_ids, index, caches, context, bias):
        """Logits (batch, vocabulary_size) after the tokens (batch,), and the decoder's output (batch, hidden_dim)."""
        hidden, caches = self.backbone.decode_step(token_ids[:, None], index, caches, context, bias)
        logits = ops.cast(self.backbone.logits(hidden)[:, 0], "float32")  # (batch, vocabulary_size)
        if self.start_id is not None:
            possible = ops.equal(ops.arange(logits.shape[-1]), self.start_id)  # (vocabulary_size,)
            logits = ops.where(ops.logical_or(ops.greater(index, 0), possible), logits, -float("inf"))
        return logits, hidden[:, 0], caches

    def _likeliest(self, last, index, caches, context, bias, room):
        """The likeliest tokens that follow, `room` int array (steps,) of them: int (batch, steps), and the caches.

        Less is computed if all texts end before: then padding follows.
        """
        steps = room.shape[0]
        said = ops.full((last.shape[0], steps), self.pad_id, "int32")

        def goes_on(done, last, said, caches):
            return ops.logical_and(done < steps, ops.logical_not(ops.all(ops.any(said == self.end_id, axis=1))))

        def say(done, last, said, caches):
            logits, _, caches = self._read(last, index + done, caches, context, bias)
            last = ops.cast(ops.argmax(logits, axis=-1), "int32")
            return done + 1, last, ops.slice_update(said, (0, done), last[:, None]), caches

        _, _, said, caches = ops.while_loop(goes_on, say, (ops.zeros((), "int32"), last, said, caches))
        return said, caches

    def _logits(self, *arguments):
        logits, _, caches = self._read(*arguments)
        return logits, caches

    def _candidates(self, token_ids, index, caches, context, bias, origins, width):
        """What may follow each token, as `width`, int array (candidates,), says how many.

        Returns:
            the decoder's outputs as unit vectors (batch, hidden_dim), probabilities and tokens (batch, candidates), and
            the caches of the rows `origins` (batch,) with this step in them.
        """
        caches = [ops.take(cache, origins, axis=0) for cache in caches]
        logits, hidden, caches = self._read(token_ids, index, caches, context, bias)
        probabilities, tokens = ops.top_k(ops.softmax(logits, axis=-1), width.shape[0])
        return ops.normalize(ops.cast(hidden, "float32")), probabilities, ops.cast(tokens, "int32"), caches

    def _best(self, token_ids, index, caches, context, bias, origins, scores):
        """The best continuations of all beams of a text: scores and places (batch, 2 * beams).

        A place is beam * vocabulary_size + token. `origins` (batch * beams,) are the rows that the beams continue.
        """
        caches = [ops.take(cache, origins, axis=0) for cache in caches]
        logits, _, caches = self._read(token_ids, index, caches, context, bias)
        total = ops.log_softmax(logits, axis=-1) + ops.reshape(scores, (-1, 1))  # (batch * beams, vocabulary_size)
        batch, beams = scores.shape
        total = ops.reshape(total, (batch, beams * logits.shape[-1]))
        values, places = ops.top_k(total, 2 * beams)
        return values, ops.cast(places, "int32"), caches

    def tokens(self, token_ids, padding_mask, max_length, sampler, at_once=1, rows=(0,)):
        """The texts, one token of each at a time, until all have ended.

        Args:
            token_ids, padding_mask: int arrays (batch, encoder_length), the sources.
            max_length: int, most tokens of a text, its end token counted.
            sampler: `Greedy`, `Sampling` or `Contrastive`.
            at_once: int, tokens that `Greedy` computes before the first of them is seen.
            rows: int array (batch,), which of all texts these are: what `Sampling` draws for a text depends on it and
                on the seed, and not on the batch.

        Yields:
            int array (batch,): the next token of each text; padding after its end.
        """
        arguments = (token_ids, padding_mask, max_length)
        if isinstance(sampler, Contrastive):
            choices = self._contrasted(*arguments, sampler)
        elif isinstance(sampler, Sampling):
            choices = self._drawn(*arguments, sampler, rows)
        else:
            choices = self._greedy(*arguments, at_once)
        ended = np.zeros(len(token_ids), bool)
        for found in choices:
            found = np.where(ended, self.pad_id, found).astype("int32")
            yield found
            ended |= found == self.end_id
            if ended.all():
                return

    def _greedy(self, token_ids, padding_mask, max_length, at_once):
        caches, context, bias = self._begin(token_ids, padding_mask, np.zeros(max_length, "int32"))
        last = np.full(len(token_ids), self.first_id, "int32")
        for index in range(0, max_length, at_once):
            room = np.zeros(min(at_once, max_length - index), "int32")
            said, caches = self._steps["likeliest"](last, np.int32(index), caches, context, bias, room)
            said = ops.convert_to_numpy(said)
            yield from said.T
            last = said[:, -1]

    def _drawn(self, token_ids, padding_mask, max_length, sampler, rows):
        caches, context, bias = self._begin(token_ids, padding_mask, np.zeros(max_length, "int32"))
        chances = np.array([np.random.default_rng([sampler.seed, row]).random(max_length) for row in rows])
        last = np.full(len(token_ids), self.first_id, "int32")
        for index in range(max_length):
            logits, caches = self._steps["logits"](last, np.int32(index), caches, context, bias)
            last = sampler.draw(ops.convert_to_numpy(logits), chances[:, index]).astype("int32")
            yield last

    def _contrasted(self, token_ids, padding_mask, max_length, sampler):
        batch, width = len(token_ids), sampler.num_candidates
        repeated = (np.repeat(array, width, axis=0) for array in (token_ids, padding_mask))
        # Every candidate is read before one is chosen: one step more than there are tokens.
        caches, context, bias = self._begin(*repeated, np.zeros(max_length + 1, "int32"))
        each, chosen = np.arange(batch), np.zeros(batch, int)
        tokens = np.full((batch, width), self.first_id, "int32")
        past, weights = [], None
        for index in range(max_length + 1):
            origins = np.repeat(each * width + chosen, width).astype("int32")  # the rows that were taken last
            *found, caches = self._steps["candidates"](
                tokens.reshape(-1), np.int32(index), caches, context, bias, origins, np.zeros(width, "int32")
            )
            vectors, likely, following = (ops.convert_to_numpy(a).reshape(batch, width, -1) for a in found)
            if index > 0:
                chosen = sampler.choose(weights, vectors, np.stack(past, axis=1))
                yield tokens[each, chosen]
            past.append(vectors[each, chosen])
            weights, tokens = likely[each, chosen], following[each, chosen]

    def beams(self, token_ids, padding_mask, max_length, beam: Beam) -> np.ndarray:
        """The best text that a beam search finds for each source: int array (batch, at most max_length)."""
        batch, width = len(token_ids), beam.num_beams
        repeated = (np.repeat(array, width, axis=0) for array in (token_ids, padding_mask))
        caches, context, bias = self._begin(*repeated, np.zeros(max_length, "int32"))
        search = BeamSearch(batch, max_length, beam, self.end_id, self.pad_id)
        last = np.full(batch * width, self.first_id, "int32")
        origins = np.arange(batch * width, dtype="int32")
        vocabulary_size = self.backbone.vocabulary_size
        for index in range(max_length):
            values, places, caches = self._steps["best"](
                last, np.int32(index), caches, context, bias, origins, search.scores
            )
            values, places = (ops.convert_to_numpy(each) for each in (values, places))
            parents, last = search.advance(values, places // vocabulary_size, places % vocabulary_size)
            if search.over():
                break
            origins = (np.arange(batch)[:, None] * width + parents).reshape(-1).astype("int32")
            last = last.reshape(-1).astype("int32")
        return search.best()


def compiled(function, model):
    """`function` of arrays and tensors, compiled by the backend, with the model's weights as they are at each call."""
    backend = keras.config.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return tf.function(function)
    if backend == "jax":
        import jax

        def with_weights(values, *arguments):
            with keras.StatelessScope(state_mapping=list(zip(model.variables, values, strict=True))):
                return function(*arguments)

        run = jax.jit(with_weights)
        return lambda *arguments: run([variable.value for variable in model.variables], *arguments)
    import torch

    def run(*arguments):
        with torch.no_grad():
            return function(
                *(ops.convert_to_tensor(each) if isinstance(each, np.ndarray) else each for each in arguments)
            )

    return run

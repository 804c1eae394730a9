"""Tokens per second of generation, beside KerasHub's on the same weights, and beside a loop without caches.

    python -m tests.benchmarks.generation --layers 2 --hidden-dim 128 --vocabulary-size 8192

All say the same number of tokens greedily for the same random sources; nothing ends early. The loop without caches
calls the whole compiled model on the padded text at every token. Runs alternate, and the fastest of each counts, by
the processor's time, which other programs disturb least. The first call of each, which compiles, is left out.
"""

import argparse
import re
import time
import warnings

import keras
import numpy as np

import zoo
from tests.benchmarks.masking import run_all
from zoo.tasks import Greedy
from zoo.tasks.generation import Generator, compiled

FIRST = 2
NEVER = -1
BART_NAMES = (
    (r"^encoder_embedding/tokens", "token_embedding"),
    (r"^(..coder)_embedding/..coder_positions", r"\1_position_embedding"),
    (r"^(..coder)_embedding/norm", r"\1_embeddings_layer_norm"),
    (r"^(..coder)_layer_", r"transformer_\1_layer_"),
    (r"(self|cross)_attention/output", r"\1_attention/attention_output"),
    (r"(encoder_layer_\d+/self_attention)/", r"\1_layer/"),
    (r"(self|cross)_attention_norm", r"\1_attention_layer_norm"),
    (r"feed_forward_norm", "feedforward_layer_norm"),
    (r"feed_forward/(\w+)/", r"feedforward_\1_dense/"),
)


def bart_pair(sizes):
    """Our BART and KerasHub's with the same weights."""
    import keras_hub

    theirs = keras_hub.models.BartBackbone(**sizes, max_sequence_length=128, dropout=0.0)
    ours = zoo.BartBackbone(**sizes, max_sequence_length=128, dropout=0.0)
    values = {weight.path: weight.numpy() for weight in theirs.weights}
    for weight in ours.weights:
        path = weight.path
        for pattern, name in BART_NAMES:
            path = re.sub(pattern, name, path)
        value = values.pop(path)
        if "position" in path:
            value = np.concatenate([np.zeros_like(value[:2]), value])
        weight.assign(value.reshape(weight.shape))
    if values:
        raise RuntimeError(f"Weights of KerasHub that were not copied: {sorted(values)}")
    return ours, keras_hub.models.BartSeq2SeqLM(theirs)


def t5_pair(sizes):
    """Our T5 (1.0) and KerasHub's with the same weights."""
    import keras_hub

    head_dim = sizes["hidden_dim"] // sizes["num_heads"]
    theirs = keras_hub.models.T5Backbone(
        **sizes, key_value_dim=head_dim, activation="relu", use_gated_activation=False, dropout=0.0
    )
    ours = zoo.T5Backbone(**sizes, head_dim=head_dim, max_sequence_length=128, dropout=0.0)
    places = {weight.path: weight for weight in ours.weights}
    order = t5_order(sizes["num_layers"])
    if len(order) != len(theirs.weights):
        raise RuntimeError(f"KerasHub's T5 has {len(theirs.weights)} weights, not the {len(order)} expected.")
    for path, weight in zip(order, theirs.weights, strict=True):
        places.pop(path).assign(weight)
    if places:
        raise RuntimeError(f"Weights of ours that were not set: {sorted(places)}")
    return ours, keras_hub.models.T5Seq2SeqLM(theirs)


def t5_order(num_layers):
    """Our weights' paths in the order in which KerasHub's T5 has them."""
    attention = [f"{part}/kernel" for part in ("query", "key", "value", "output")]
    feed_forward = ["feed_forward/intermediate/kernel", "feed_forward/output/kernel", "feed_forward_norm/scale"]
    order = ["encoder_embedding/tokens/embeddings"]
    for side in ("encoder", "decoder"):
        order.append(f"{side}_position_bias/embeddings")
        for layer in range(num_layers):
            parts = [f"self_attention/{each}" for each in attention] + ["self_attention_norm/scale"]
            if side == "decoder":
                parts += [f"cross_attention/{each}" for each in attention] + ["cross_attention_norm/scale"]
            order += [f"{side}_layer_{layer}/{each}" for each in parts + feed_forward]
        order.append(f"{side}_final_norm/scale")
    return order


PAIRS = {"bart": bart_pair, "t5": t5_pair}


def make_functions(ours, theirs, source, length):
    """Functions that say `length` tokens for each source, by name: int array (batch, length)."""
    batch, mask = len(source), np.ones_like(source)
    generator = Generator(ours, FIRST, NEVER, 0)
    start = np.zeros((batch, length + 1), "int32")
    start[:, 0] = FIRST
    theirs.compile(sampler="greedy")
    given = {
        "encoder_token_ids": source,
        "encoder_padding_mask": mask,
        "decoder_token_ids": start,
        "decoder_padding_mask": (np.arange(length + 1) < 1) * np.ones_like(start),
    }

    def whole(source, mask, decoder_ids, decoder_mask, index):
        inputs = {
            "encoder_token_ids": source,
            "encoder_padding_mask": mask,
            "decoder_token_ids": decoder_ids,
            "decoder_padding_mask": decoder_mask,
        }
        decoded = keras.ops.take(ours(inputs)["decoder_sequence_output"], index, axis=1)
        return keras.ops.argmax(ours.logits(decoded), axis=-1)

    step = compiled(whole, ours)

    def uncached():
        said = start[:, :length].copy()
        for index in range(length):
            seen = (np.arange(length) <= index) * np.ones_like(said)
            found = keras.ops.convert_to_numpy(step(source, mask, said, seen, np.int32(index)))
            if index + 1 < length:
                said[:, index + 1] = found
        return np.concatenate([said[:, 1:], found[:, None]], axis=1)

    return {
        "zoo": lambda: np.stack(list(generator.tokens(source, mask, length, Greedy(), length)), axis=1),
        "KerasHub": lambda: np.asarray(theirs.generate(given, stop_token_ids=None)["decoder_token_ids"])[:, 1:],
        "zoo without caches": uncached,
    }


def measure(kind, sizes, batch, source_length, length, repeats):
    """Prints tokens per second and ratios for one architecture."""
    ours, theirs = PAIRS[kind](sizes)
    source = np.random.default_rng(0).integers(4, sizes["vocabulary_size"], (batch, source_length)).astype("int32")
    functions = make_functions(ours, theirs, source, length)
    said = {name: function() for name, function in functions.items()}
    seconds = run_all(functions, repeats, clock=time.process_time)
    for name, value in seconds.items():
        agree = np.mean(said[name] == said["zoo"])
        print(
            f"{kind:5} {name:20} {batch * length / value:10,.0f} tokens/s   zoo is {value / seconds['zoo']:5.2f} x"
            f"   {agree:.0%} of the tokens as zoo says",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, default=2, help="of the encoder, and of the decoder")
    parser.add_argument("--hidden-dim", type=int, default=128)
    parser.add_argument("--num-heads", type=int, default=2)
    parser.add_argument("--vocabulary-size", type=int, default=8192)
    parser.add_argument("--batch-size", type=int, default=8, help="sources at a time")
    parser.add_argument("--source-length", type=int, default=32, help="tokens of a source")
    parser.add_argument("--length", type=int, default=64, help="tokens to say")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each")
    given = parser.parse_args()
    sizes = {
        "vocabulary_size": given.vocabulary_size,
        "num_layers": given.layers,
        "num_heads": given.num_heads,
        "hidden_dim": given.hidden_dim,
        "intermediate_dim": 4 * given.hidden_dim,
    }
    warnings.filterwarnings("ignore", message="Layer .* was passed an input with a mask")
    print(f"{keras.config.backend()}, {sizes}, {given.batch_size} sources of {given.source_length} tokens")
    for kind in PAIRS:
        measure(kind, sizes, given.batch_size, given.source_length, given.length, given.repeats)


if __name__ == "__main__":
    main()

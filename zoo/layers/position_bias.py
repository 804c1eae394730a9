"""Relative positions as a bias on the attention scores."""

import math

import keras
from keras import ops

from zoo.layers.masks import distances


@keras.saving.register_keras_serializable(package="zoo")
class RelativePositionBias(keras.layers.Layer):
    """One learned number a head for each bucket of distances, added to the attention scores.

    Raffel et al. (2020), arXiv 1910.10683, section 2.1: half of the buckets hold one distance each, the
    other half grow with the logarithm of the distance up to `max_distance`, beyond which all share the
    last. A bidirectional bias splits its buckets between the two directions; a causal one needs no
    buckets for keys that come later.

    Args:
        num_heads: int, number of heads.
        num_buckets: int, number of buckets.
        max_distance: int, in tokens; greater distances share the last bucket.
        bidirectional: bool, True in an encoder, False in a decoder.

    Call arguments:
        query_positions: int tensor (query,) or (batch, query), where the queries stand, in tokens.
        key_positions: int tensor (key,) or (batch, key), likewise.

    Returns:
        float32 tensor (1 or batch, heads, query, key).
    """

    def __init__(self, num_heads, num_buckets=32, max_distance=128, bidirectional=True, **kwargs):
        super().__init__(**kwargs)
        if num_buckets < 4 or max_distance <= num_buckets:
            raise ValueError(
                "`num_buckets` must be at least 4 and `max_distance` greater than it. "
                f"Received: num_buckets={num_buckets}, max_distance={max_distance}"
            )
        self.num_heads = num_heads
        self.num_buckets = num_buckets
        self.max_distance = max_distance
        self.bidirectional = bidirectional
        self.embeddings = self.add_weight(
            name="embeddings",
            shape=(num_buckets, num_heads),
            initializer="glorot_uniform",
        )
        self.built = True

    def _bucket(self, distance):
        """Bucket numbers of `distance` = key position - query position, any shape, int32."""
        buckets = self.num_buckets
        if self.bidirectional:
            buckets //= 2
            first = ops.cast(distance > 0, "int32") * buckets
            distance = ops.abs(distance)
        else:
            first = 0
            distance = -ops.minimum(distance, 0)
        exact = buckets // 2
        growth = ops.log(ops.cast(ops.maximum(distance, 1), "float32") / exact) / math.log(self.max_distance / exact)
        far = exact + ops.cast(growth * (buckets - exact), "int32")
        return first + ops.where(distance < exact, distance, ops.minimum(far, buckets - 1))

    def call(self, query_positions, key_positions):
        bucket = self._bucket(ops.cast(distances(query_positions, key_positions), "int32"))  # (batch, query, key)
        bias = ops.take(ops.cast(self.embeddings, "float32"), bucket, axis=0)  # (batch, query, key, heads)
        return ops.transpose(bias, (0, 3, 1, 2))  # (batch, heads, query, key)

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "num_buckets": self.num_buckets,
            "max_distance": self.max_distance,
            "bidirectional": self.bidirectional,
        }

"""Masks are numbers: everything that forbids or favours a position is folded into one additive bias.

The zoo has one currency for attention: a float32 tensor of shape (batch, heads, query, key), each axis
1 where it does not vary, added to the scores before the softmax. 0 allows, `FORBIDDEN` hides.
"""

from keras import ops

# Far below any score, yet finite: a row with nothing to attend to gives a uniform average and not NaN,
# and two of them added still fit into float32 and bfloat16.
FORBIDDEN = -1e9


def padding_bias(padding_mask):
    """Hide the keys that are padding.

    Args:
        padding_mask: int or bool tensor (batch, key), 1 = real token, 0 = padding.

    Returns:
        float32 tensor (batch, 1, 1, key).
    """
    real = ops.expand_dims(ops.cast(padding_mask, "bool"), axis=(1, 2))  # (batch, 1, 1, key)
    return _bias_from(real)


def causal_bias(query_length, key_length=None, offset=0):
    """Hide the keys that come after the query.

    Args:
        query_length: int, number of queries, in tokens.
        key_length: int, number of keys, in tokens; `query_length` when None.
        offset: int or scalar tensor, the position of the first query, for decoding with a cache.

    Returns:
        float32 tensor (1, 1, query, key).
    """
    key_length = query_length if key_length is None else key_length
    query = ops.expand_dims(ops.arange(query_length), axis=1) + offset  # (query, 1)
    key = ops.expand_dims(ops.arange(key_length), axis=0)  # (1, key)
    return _bias_from(ops.expand_dims(ops.less_equal(key, query), axis=(0, 1)))  # (1, 1, query, key)


def _bias_from(allowed):
    return ops.where(allowed, ops.cast(0.0, "float32"), ops.cast(FORBIDDEN, "float32"))


def combine_biases(*biases):
    """Add the biases that are not None; None when there is none."""
    total = None
    for bias in biases:
        if bias is not None:
            total = bias if total is None else total + bias
    return total

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


def causal_bias(query_positions, key_positions):
    """Hide the keys that come after the query.

    Args:
        query_positions: int tensor (query,) or (batch, query), where the queries stand, in tokens.
        key_positions: int tensor (key,) or (batch, key), likewise.

    Returns:
        float32 tensor (1 or batch, 1, query, key).
    """
    allowed = distances(query_positions, key_positions) <= 0  # (batch, query, key)
    return _bias_from(ops.expand_dims(allowed, axis=1))  # (batch, 1, query, key)


def distances(query_positions, key_positions):
    """How far each key stands behind each query.

    Args:
        query_positions: int tensor (query,) or (batch, query).
        key_positions: int tensor (key,) or (batch, key).

    Returns:
        int tensor (1 or batch, query, key), key position - query position, in tokens.
    """
    query, key = (
        ops.expand_dims(positions, axis=0) if len(positions.shape) == 1 else positions
        for positions in (query_positions, key_positions)
    )
    return ops.expand_dims(key, axis=1) - ops.expand_dims(query, axis=2)


def _bias_from(allowed):
    return ops.cast(ops.logical_not(allowed), "float32") * FORBIDDEN


def combine_biases(*biases):
    """Add the biases that are not None; None when there is none."""
    total = None
    for bias in biases:
        if bias is not None:
            total = bias if total is None else total + bias
    return total

"""How the parts become an encoder."""

import keras

from zoo.data import features
from zoo.layers import padding_bias
from zoo.models.backbone import Backbone


class Encoder(Backbone):
    """Embedding, a stack of layers in some order, and what follows the last of them.

    An architecture is a subclass whose constructor makes the parts and hands them over; it defines no
    layer itself. The stack is layers plus an execution order, so a layer that is repeated is one layer.

    Args:
        arguments: dict, what the architecture was made with, see `Backbone`.
        embedding: `zoo.layers.TextEmbedding`.
        layers: list of `zoo.layers.TransformerLayer`.
        order: list of int, indices into `layers` in the order in which they run; each once when None.
        final_norm: a normalization after the last layer (pre-norm stacks need one), or None.
        pooler: a layer from the first token's vector to `pooled_output`, or None.
        dtype: the Keras dtype policy of the model.

    Call arguments (a dict):
        token_ids: int tensor (batch, length).
        padding_mask: int tensor (batch, length), 1 = real token, 0 = padding.
        segment_ids: int tensor (batch, length), only where the embedding has segments.

    Returns:
        A dict with `sequence_output`, float tensor (batch, length, hidden_dim), and with a pooler
        `pooled_output`, float tensor (batch, hidden_dim).
    """

    def __init__(self, arguments, embedding, layers, order=None, final_norm=None, pooler=None, dtype=None, **kwargs):
        self.embedding = embedding
        self.token_embedding = embedding.token_embedding
        self.transformer_layers = layers
        self.order = list(range(len(layers))) if order is None else list(order)
        self.final_norm = final_norm
        self.pooler = pooler
        inputs = self._inputs()
        outputs = {"sequence_output": self.hidden_states(inputs)[-1]}
        if pooler is not None:
            outputs["pooled_output"] = pooler(outputs["sequence_output"][:, 0, :])  # (batch, hidden_dim)
        super().__init__(inputs, outputs, arguments, dtype=dtype, **kwargs)

    @property
    def position_embeddings(self):
        """The layers that hold learned positions."""
        return [self.embedding.position_embedding]

    def _inputs(self):
        names = [features.TOKEN_IDS, features.PADDING_MASK]
        if self.embedding.segment_embedding is not None:
            names.append(features.SEGMENT_IDS)
        return {name: keras.Input((None,), dtype="int32", name=name) for name in names}

    def hidden_states(self, inputs):
        """The vectors of the tokens after every layer that runs.

        Args:
            inputs: a dict as in a call.

        Returns:
            A list of float tensors (batch, length, hidden_dim), one a layer in the order in which they run; a
            layer that is repeated has one a time. The last is `sequence_output`, with the final normalization
            where there is one.
        """
        hidden = self.embedding(inputs[features.TOKEN_IDS], inputs.get(features.SEGMENT_IDS))
        bias = padding_bias(inputs[features.PADDING_MASK])  # (batch, 1, 1, key)
        states = []
        for index in self.order:
            hidden = self.transformer_layers[index](hidden, bias=bias)
            states.append(hidden)
        return states if self.final_norm is None else [*states[:-1], self.final_norm(hidden)]

"""From token ids to vectors: token, position and segment embeddings, summed, normalized, projected."""

import keras

from zoo.layers.building import build_once
from zoo.layers.normalizations import normalization as make_normalization


@keras.saving.register_keras_serializable(package="zoo")
class TextEmbedding(keras.layers.Layer):
    """The sum of the embeddings that it is given, normalized, dropped out and projected as asked.

    Devlin et al. (2019), arXiv 1810.04805, figure 2; the projection from a small embedding to the hidden
    size is Lan et al. (2020), arXiv 1909.11942, section 3.1.

    Args:
        token_embedding: `keras.layers.ReversibleEmbedding`, so that a head can share its matrix.
        position_embedding: `keras_hub.layers.PositionEmbedding`, or None (T5).
        segment_embedding: `keras.layers.Embedding` over segment ids, or None.
        normalization: `"layer"`, `"rms"` or None.
        epsilon: float, of the normalization.
        dropout: float, probability that a unit is dropped in training.
        hidden_dim: int, size to project to, or None to leave the embedding's size.
        position_offset: int, rows at the head of the position table that no position uses (BART).

    Call arguments:
        token_ids: int tensor (batch, length).
        segment_ids: int tensor (batch, length), needed with a `segment_embedding`.
        positions: int tensor (batch, length) or (length,), where the tokens stand; 0, 1, ... when None.

    Raises:
        ValueError: if there are more tokens than positions.

    Returns:
        float tensor (batch, length, hidden_dim or embedding size).
    """

    def __init__(
        self,
        token_embedding,
        position_embedding=None,
        segment_embedding=None,
        normalization="layer",
        epsilon=1e-12,
        dropout=0.0,
        hidden_dim=None,
        position_offset=0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.token_embedding = token_embedding
        self.position_embedding = position_embedding
        self.segment_embedding = segment_embedding
        self.normalization = normalization
        self.epsilon = epsilon
        self.dropout = dropout
        self.hidden_dim = hidden_dim
        self.position_offset = position_offset
        dtype = self.dtype_policy
        self._norm = make_normalization(normalization, epsilon, dtype=dtype, name="norm") if normalization else None
        self._drop = keras.layers.Dropout(dropout, dtype=dtype, name="dropout")
        self._projection = None
        if hidden_dim is not None:
            self._projection = keras.layers.Dense(
                hidden_dim,
                kernel_initializer=keras.initializers.TruncatedNormal(stddev=0.02),
                dtype=dtype,
                name="projection",
            )

    def build(self, token_ids_shape, *args, **kwargs):
        embedded = (*token_ids_shape, self.token_embedding.output_dim)
        build_once(self.token_embedding, token_ids_shape)
        build_once(self.segment_embedding, token_ids_shape)
        for part in (self.position_embedding, self._norm, self._projection):
            build_once(part, embedded)
        self.built = True

    def call(self, token_ids, segment_ids=None, positions=None, training=None):
        hidden = self.token_embedding(token_ids)  # (batch, length, embedding_dim)
        if self.segment_embedding is not None:
            hidden = hidden + self.segment_embedding(segment_ids)
        if self.position_embedding is not None:
            hidden = hidden + self._position_vectors(hidden, positions)
        if self._norm is not None:
            hidden = self._norm(hidden)
        hidden = self._drop(hidden, training=training)
        if self._projection is not None:
            hidden = self._projection(hidden)  # (batch, length, hidden_dim)
        return hidden

    def _position_vectors(self, hidden, positions):
        length, limit = hidden.shape[1], self.position_embedding.sequence_length - self.position_offset
        if length is not None and length > limit:
            raise ValueError(
                f"A text can be at most as long as the table of positions, {limit} tokens. Received: {length} tokens. "
                "Cut it, or build the backbone with a greater `max_sequence_length`."
            )
        if positions is None:
            return self.position_embedding(hidden, start_index=self.position_offset)
        return self.position_embedding(hidden, positions=positions + self.position_offset)

    def compute_output_shape(self, token_ids_shape, *args, **kwargs):
        return (*token_ids_shape, self.hidden_dim or self.token_embedding.output_dim)

    def compute_output_spec(self, token_ids, segment_ids=None, positions=None, training=None):
        return keras.KerasTensor(self.compute_output_shape(token_ids.shape), dtype=self.compute_dtype)

    def get_config(self):
        serialize = keras.layers.serialize
        parts = {name: getattr(self, name) for name in _PARTS}
        return {
            **super().get_config(),
            **{name: serialize(part) if part is not None else None for name, part in parts.items()},
            "normalization": self.normalization,
            "epsilon": self.epsilon,
            "dropout": self.dropout,
            "hidden_dim": self.hidden_dim,
            "position_offset": self.position_offset,
        }

    @classmethod
    def from_config(cls, config):
        made = {name: keras.layers.deserialize(config[name]) for name in _PARTS if config[name] is not None}
        return cls(**{**config, **made})


_PARTS = ("token_embedding", "position_embedding", "segment_embedding")

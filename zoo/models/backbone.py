"""What every backbone has in common."""

import keras_hub

from zoo.weights.files import remove_weights
from zoo.weights.quantization import modes_of_policy, quantize_layers, quantizing


class Backbone(keras_hub.models.Backbone):
    """From features to vectors: the base of `Encoder` and `EncoderDecoder`.

    Args:
        inputs: dict of symbolic tensors by feature name.
        outputs: dict of symbolic tensors.
        arguments: dict, what the architecture was made with. They become attributes, and the configuration that
            a preset holds.
        dtype: the Keras dtype policy of the model.
    """

    def __init__(self, inputs, outputs, arguments, dtype=None, **kwargs):
        super().__init__(inputs=inputs, outputs=outputs, dtype=dtype, **kwargs)
        self._arguments = tuple(arguments)
        for name, value in arguments.items():
            setattr(self, name, value)

    def get_config(self):
        return {**super().get_config(), **{name: getattr(self, name) for name in self._arguments}}

    @classmethod
    def from_config(cls, config):
        modes = modes_of_policy(config.get("dtype"))
        if not modes:
            return super().from_config(config)
        backbone = super().from_config({**config, "dtype": None})
        quantize_layers(backbone, modes, "the configuration")
        return backbone

    def save_to_preset(self, preset_dir, max_shard_size=10):
        """Write configuration and weights into a folder that `from_preset` loads.

        Weights that are there already, in one file or in shards, are replaced.

        Args:
            preset_dir: str or path, the folder.
            max_shard_size: float, GiB, largest file of weights; None for one file of any size.
        """
        remove_weights(preset_dir)
        super().save_to_preset(preset_dir, max_shard_size=max_shard_size)

    def quantize(self, mode=None, **kwargs):
        """Quantize the layers that can be: `"int8"` and other modes of `keras.Model.quantize`."""
        with quantizing():
            super().quantize(mode, **kwargs)

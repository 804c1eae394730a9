"""What every backbone has in common."""

from pathlib import Path

import keras_hub

from zoo.weights.files import CONFIG_FILE, TASK_FILE, TASK_WEIGHTS_FILE, remove_weights
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

    @property
    def arguments(self) -> dict:
        """What the architecture was made with, by name."""
        return {name: getattr(self, name) for name in self._arguments}

    def get_config(self):
        return {**super().get_config(), **self.arguments}

    @classmethod
    def from_config(cls, config):
        modes = modes_of_policy(config.get("dtype"))
        if not modes:
            return super().from_config(config)
        backbone = super().from_config({**config, "dtype": None})
        quantize_layers(backbone, modes, "the configuration")
        return backbone

    @classmethod
    def from_preset(cls, preset, load_weights=True, dtype=None, **overrides):
        """Load a backbone by name.

        Args:
            preset: str, a name of `zoo.list_presets()`, a local folder, or a handle `hf://...`, `kaggle://...`.
            load_weights: bool, False for the same architecture with random weights.
            dtype: a Keras dtype policy; Keras's global one when None.
            **overrides: arguments of the backbone that replace those of the preset, such as `dropout`.

        Raises:
            ValueError: if there is no such preset (with the nearest names), its files are damaged, or its
                architecture is another.
        """
        from zoo import presets

        kind = presets.backbone_class(preset)
        if kind is None or issubclass(kind, cls):  # None: it is known when it is fetched
            backbone = presets.load_backbone(preset, load_weights=load_weights, dtype=dtype, **overrides)
            if isinstance(backbone, cls):
                return backbone
            kind = type(backbone)
        raise ValueError(
            f"`{cls.__name__}.from_preset` loads presets of that class. Received: preset={str(preset)!r}, of "
            f"{kind.__name__}. Use the class of the preset."
        )

    def save_to_preset(self, preset_dir, max_shard_size=10):
        """Write configuration and weights into a folder that `from_preset` loads.

        Weights that are there already, in one file or in shards, are replaced; the head of a task that was saved there
        is removed, its tokenizer stays.

        Args:
            preset_dir: str or path, the folder.
            max_shard_size: float, GiB, largest file of weights; None for one file of any size.
        """
        remove_weights(preset_dir)
        if Path(preset_dir, CONFIG_FILE).exists():  # a head that is there belongs to the backbone that was there
            for name in (TASK_FILE, TASK_WEIGHTS_FILE):
                Path(preset_dir, name).unlink(missing_ok=True)
        super().save_to_preset(preset_dir, max_shard_size=max_shard_size)

    def quantize(self, mode=None, **kwargs):
        """Quantize the layers that can be: `"int8"` and other modes of `keras.Model.quantize`."""
        with quantizing():
            super().quantize(mode, **kwargs)

"""What every backbone has in common."""

from pathlib import Path

import keras
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

    @staticmethod
    def get_layout_map(device_mesh, model_parallel_dim_name="model", data_parallel_dim_name="batch"):
        """How the devices of a mesh divide the weights among them, for `keras.distribution.ModelParallel` on JAX.

        In attention and in the feed-forward part the first matrices are divided by columns and the last by rows, so
        that each part needs one sum over the devices (Shoeybi et al. 2019, arXiv 1909.08053, section 3); the other
        side of a matrix is divided among the devices that share the batch (Rajbhandari et al. 2020, arXiv 1910.02054).
        The vectors of the pieces are divided along `hidden_dim`; what is small is whole everywhere, heads among it.

        The map is for weights that do not exist yet: set the distribution before the model is made or loaded.

        Args:
            device_mesh: a `keras.distribution.DeviceMesh` of two dimensions. Their sizes must divide the model's
                `hidden_dim` and `intermediate_dim`, and `num_heads * head_dim` where that is another.
            model_parallel_dim_name: str, its dimension along which a model is divided.
            data_parallel_dim_name: str, its dimension along which a batch is.

        Returns:
            `keras.distribution.LayoutMap`.

        Example::

            mesh = keras.distribution.DeviceMesh((2, 4), ("batch", "model"))  # 8 devices
            layout_map = zoo.BertBackbone.get_layout_map(mesh)
            distribution = keras.distribution.ModelParallel(layout_map=layout_map, auto_shard_dataset=False)
            keras.distribution.set_distribution(distribution)
            model = zoo.TextClassifier.from_preset("bert_base_en_uncased", num_classes=2)
        """
        unknown = {model_parallel_dim_name, data_parallel_dim_name} - set(device_mesh.axis_names)
        if unknown:
            raise ValueError(
                f"The mesh has no dimension of this name. Received: {sorted(unknown)}, and a mesh of "
                f"{list(device_mesh.axis_names)}. Name its dimensions so, or give their names."
            )
        model, batch = model_parallel_dim_name, data_parallel_dim_name
        layout_map = keras.distribution.LayoutMap(device_mesh)
        layout_map[".*tokens/embeddings"] = (None, model)
        layout_map[".*tokens/reverse_embeddings"] = (model, None)
        layout_map[".*attention/(query|key|value)/kernel"] = (batch, model)
        layout_map[".*attention/(query|key|value)/bias"] = (model,)
        layout_map[".*attention/output/kernel"] = (model, batch)
        layout_map[".*feed_forward/(intermediate|gate)/kernel"] = (batch, model)
        layout_map[".*feed_forward/(intermediate|gate)/bias"] = (model,)
        layout_map[".*feed_forward/output/kernel"] = (model, batch)
        return layout_map

    def quantize(self, mode=None, **kwargs):
        """Quantize the layers that can be: `"int8"` and other modes of `keras.Model.quantize`."""
        with quantizing():
            super().quantize(mode, **kwargs)

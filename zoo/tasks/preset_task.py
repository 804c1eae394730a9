"""How a task is loaded by name, saved, and exported."""

import contextlib

import keras
import keras_hub

from zoo import presets
from zoo.layers.activations import gelu_by_erf
from zoo.tasks.serving import write_saved_model
from zoo.weights.quantization import quantize_layers, quantized_layers, quantizing
from zoo.weights.trained_parts import set_trained_parts, trained_parts


class PresetTask(keras_hub.models.Task):
    """A task that presets hold: KerasHub's, loaded strictly and saved whole or not at all."""

    @classmethod
    def from_preset(cls, preset, load_weights=True, **kwargs):
        """Load a task by name.

        Args:
            preset: str, a name of `zoo.list_presets()`, a local folder, or a handle `hf://...`, `kaggle://...`.
            load_weights: bool, False for the same architecture with random weights.
            **kwargs: what the task's constructor takes, and `dtype`.

        Returns:
            The task. Its head comes from the preset too when the preset is of this task and no argument
            asks for another head; otherwise the head is new.

        Raises:
            ValueError: if there is no such preset (with the nearest names), or its files are damaged.
        """
        return presets.load_task(cls, preset, load_weights=load_weights, **kwargs)

    def save_to_preset(self, preset_dir, max_shard_size=10):
        """Write a folder that `from_preset` loads: backbone, head and tokenizer.

        The folder is written beside and renamed, so an error leaves an older preset as it was.

        Args:
            preset_dir: str or path, the folder.
            max_shard_size: float, GB, largest file of weights.
        """
        with presets.writing_folder(preset_dir, presets.bytes_to_save(self)) as folder:
            super().save_to_preset(str(folder), max_shard_size=max_shard_size)

    def save_task_weights(self, filepath):
        """Save the weights that are not the backbone's, without the optimizer's state."""
        presets.save_weights(self, filepath, skip=[self.backbone])

    def quantize(self, mode=None, **kwargs):
        """Quantize the layers that can be, of backbone and head: `"int8"` and other modes of `keras.Model.quantize`."""
        with quantizing():
            super().quantize(mode, **kwargs)

    def get_config(self):
        modes = quantized_layers(self, skip=[self.backbone])
        return {**super().get_config(), **({"quantized_layers": modes} if modes else {}), **trained_parts(self)}

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        modes, ranks, frozen = (config.pop(*each) for each in presets.STATES_OF_LAYERS.items())
        task = super().from_config(config)
        quantize_layers(task, modes, "the configuration")
        set_trained_parts(task, ranks, frozen, "the configuration")
        return task

    def export(self, filepath, format="tf_saved_model", verbose=None, input_signature=None, **kwargs):
        """Export the task for use without Keras and this package; see `keras.Model.export`.

        A SavedModel of a classifier of texts or words, of a regressor, or of an embedder has the tokenizer inside:
        `tf.saved_model.load(filepath)` gives an object with these functions, for which `tensorflow_text` must have
        been imported:

        - `serve(texts)`, and `serve_pairs(first, second)`: string tensors (batch,); or, of a `TokenClassifier`,
          `serve(words)`: a string tensor (batch, words), the empty string where there is no word. Each returns a dict
          of tensors: `logits`, `probabilities`, `labels`; `scores`; `embeddings`, of single texts; `logits`, `tags`.
        - `serve_features(features)`: what a call of the task takes and returns.

        Other tasks and formats, and a task without a tokenizer, take features as Keras has it. `format="onnx"` needs
        the packages of the extra `onnx`, and the TensorFlow backend; what it writes of a T5, ONNX Runtime does not run.

        Args:
            filepath: str or path of the folder or file.
            format: str, one of Keras's formats.
            verbose: bool, whether to print what was written.
            input_signature: of the features, to export a SavedModel without the tokenizer.
            **kwargs: further arguments of `keras.Model.export`.

        Raises:
            ValueError: if the tokenizer cannot run in TensorFlow, or the backend cannot be exported from.
        """
        endpoints = {}
        if format == "tf_saved_model" and input_signature is None and getattr(self, "preprocessor", None) is not None:
            endpoints = self._endpoints()
        if endpoints:
            if kwargs:
                raise TypeError(f"A task with its tokenizer inside is exported without {', '.join(sorted(kwargs))}.")
            write_saved_model(self, filepath, endpoints, verbose)
            return
        with contextlib.ExitStack() as stack:
            if format == "onnx":
                # Keras asks for a model that was called before.
                self({name: keras.ops.ones((1, 2), "int32") for name in self.input})
                stack.enter_context(gelu_by_erf())
            super().export(filepath, format=format, verbose=verbose, input_signature=input_signature, **kwargs)

    def _endpoints(self) -> dict:
        """The functions from text to answers that a SavedModel has, see `zoo.tasks.serving`; none by default."""
        return {}

"""The optimizer of BERT as a Keras object, with its paper's numbers."""

import re
import warnings

import keras
from keras import ops

from zoo.training.schedules import warmup_linear_decay

# Biases and the two weights of a normalization are not decayed: Devlin et al. (2019), released optimization.py.
NOT_DECAYED = ("bias", "beta", "gamma", "scale")
# What a weight of zeros counts as where rates are relative: Shazeer & Stern (2018), table 1.
LEAST_SIZE = 1e-3


@keras.saving.register_keras_serializable(package="zoo")
class AdamW(keras.optimizers.AdamW):
    """AdamW with BERT's defaults: no decay on biases and normalizations, clipping by the global norm.

    Loshchilov & Hutter (2019), arXiv 1711.05101, algorithm 2, with the numbers of Devlin et al. (2019),
    arXiv 1810.04805, appendix A.2 (the clipping and the exclusions are in the released code).

    Args:
        learning_rate: float or a schedule, such as `WarmupLinearDecay(1e-4, total_steps=...)`.
        weight_decay: float, decoupled decay a step, times the learning rate.
        beta_1: float, decay of the first moment.
        beta_2: float, decay of the second moment.
        epsilon: float, added to the denominator.
        global_clipnorm: float, greatest norm of all gradients together, or None.
        bias_correction: bool, whether the moments are corrected for their start at zero. True is Adam
            (Kingma & Ba 2015, algorithm 1); the released code of BERT leaves it out (False).
        layer_decay: float in (0, 1], what the rate of a layer is multiplied with to give that of the layer below it;
            1 gives all the same. See `layer_factors`.
        relative_rate: bool, whether the rate of each weight is multiplied with the root mean square of its values,
            and at least with 0.001 (Shazeer & Stern 2018, arXiv 1804.04235, section 8). T5 needs it: its embeddings
            start a hundred times as large as its queries.
        **kwargs: other arguments of `keras.optimizers.AdamW`, such as `gradient_accumulation_steps`
            (int, batches whose gradients are averaged before a step) and `use_ema`.
    """

    def __init__(
        self,
        learning_rate=1e-4,
        weight_decay=0.01,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-6,
        global_clipnorm=1.0,
        bias_correction=True,
        layer_decay=1.0,
        relative_rate=False,
        **kwargs,
    ):
        check_layer_decay(layer_decay)
        super().__init__(
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            global_clipnorm=global_clipnorm,
            **kwargs,
        )
        self.bias_correction = bias_correction
        self.layer_decay = layer_decay
        self.relative_rate = relative_rate
        self.exclude_from_weight_decay(var_names=list(NOT_DECAYED))

    def build(self, variables):
        self._layer_factors = layer_factors([variable.path for variable in variables], self.layer_decay)
        if self.layer_decay < 1 and set(self._layer_factors) == {1.0}:
            warnings.warn(
                "`layer_decay` changes nothing: none of the weights to train is in a layer of a zoo backbone, with "
                f"`layer_0/` or the like in its path. Received: layer_decay={self.layer_decay}, and weights such as "
                f"{variables[0].path!r}.",
                stacklevel=2,
            )
        super().build(variables)

    def _apply_weight_decay(self, variables):
        """Nothing: `update_step` does, which has the rate. Keras would compute it anew for every weight."""

    def _clip_gradients(self, grads):
        one_type = len({gradient.dtype for gradient in grads}) == 1
        if keras.config.backend() == "tensorflow" and self.global_clipnorm and one_type:
            import tensorflow as tf

            return tf.clip_by_global_norm(grads, self.global_clipnorm)[0]  # the same in fewer operations
        return super()._clip_gradients(grads)

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        # What is the same for all weights is computed once.
        decay = rate = ops.cast(learning_rate, "float32")
        if self.bias_correction:
            step = ops.cast(self.iterations + 1, "float32")
            rate = rate * ops.sqrt(1 - ops.power(self.beta_2, step)) / (1 - ops.power(self.beta_1, step))
        numbers = [ops.convert_to_tensor(each, "float32") for each in (0.0, self.beta_1, self.beta_2, self.epsilon)]
        super()._backend_update_step(grads, trainable_variables, (rate, decay * self.weight_decay, numbers))

    def update_step(self, gradient, variable, learning_rate):
        """One step of one weight.

        Args:
            gradient: tensor.
            variable: the weight.
            learning_rate: a tuple: the rate with its bias correction, the part of a weight that decays, and the
                numbers of Adam as tensors.
        """
        rate, decay, numbers = learning_rate
        index = self._get_variable_index(variable)
        if self.weight_decay and self._use_weight_decay(variable):
            self.assign_sub(variable, variable * ops.cast(decay, variable.dtype))
        if self.layer_decay != 1:
            rate = rate * self._layer_factors[index]
        if self.relative_rate:
            rate = rate * ops.maximum(ops.sqrt(ops.mean(ops.square(ops.cast(variable, "float32")))), LEAST_SIZE)
        first, second = self._momentums[index], self._velocities[index]
        rate = ops.cast(rate, variable.dtype)
        if keras.config.backend() == "tensorflow" and variable.dtype == "float32" and not self.amsgrad:
            _fused_adam(variable, first, second, gradient, rate, *numbers)
            return
        gradient = ops.cast(gradient, variable.dtype)
        self.assign_add(first, (gradient - first) * (1 - self.beta_1))
        self.assign_add(second, (ops.square(gradient) - second) * (1 - self.beta_2))
        if self.amsgrad:
            self.assign(self._velocity_hats[index], ops.maximum(self._velocity_hats[index], second))
            second = self._velocity_hats[index]
        self.assign_sub(variable, first * rate / (ops.sqrt(second) + self.epsilon))

    def get_config(self):
        return {
            **super().get_config(),
            "bias_correction": self.bias_correction,
            "layer_decay": self.layer_decay,
            "relative_rate": self.relative_rate,
        }


def _fused_adam(variable, first, second, gradient, rate, zero, beta_1, beta_2, epsilon) -> None:
    """The same in one operation of TensorFlow, which passes over a weight once and not a dozen times."""
    import tensorflow as tf

    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=first.value.handle,
        v=second.value.handle,
        beta1_power=zero,  # the rate is corrected already
        beta2_power=zero,
        lr=rate,
        beta1=beta_1,
        beta2=beta_2,
        epsilon=epsilon,
        grad=tf.cast(tf.convert_to_tensor(gradient), "float32"),
    )


def check_layer_decay(layer_decay) -> None:
    """Raises a ValueError if it is not above 0 and at most 1."""
    if not 0 < layer_decay <= 1:
        raise ValueError(f"`layer_decay` must be above 0 and at most 1. Received: layer_decay={layer_decay}")


def layer_factors(paths: list[str], decay: float) -> list[float]:
    """What the learning rate of each weight is multiplied with, so that lower layers change less.

    Howard & Ruder (2018), arXiv 1801.06146, section 3.2, "discriminative fine-tuning"; in this form Clark et al.
    (2020), arXiv 2003.10555, appendix B. Of n layers the uppermost has `decay`, the lowest `decay ** n`, the
    embeddings below it `decay ** (n + 1)`; heads, poolers and final normalizations have 1. Encoder and decoder are
    counted apart; ALBERT's shared layer is one. Weight decay is that of the optimizer's rate for all.

    Args:
        paths: list of str, the paths of the weights of a zoo task.
        decay: float.

    Returns:
        A list of float, one a path.
    """
    layers = [re.search(r"(?:^|/)((?:encoder_|decoder_)?)layer_(\d+)/", path) for path in paths]
    heights = {}  # of each stack, in layers
    for layer in filter(None, layers):
        heights[layer[1]] = max(heights.get(layer[1], 0), int(layer[2]) + 1)

    def below_the_head(path, layer):
        if layer:
            return heights[layer[1]] - int(layer[2])
        embedded = re.search(r"(?:^|/)((?:encoder_|decoder_)?)(?:embedding|position_bias)/", path)
        return heights.get(embedded[1], 0) + 1 if embedded else 0

    return [decay ** below_the_head(path, layer) for path, layer in zip(paths, layers, strict=True)]


@keras.saving.register_keras_serializable(package="zoo")
class FineTuningAdamW(AdamW):
    """AdamW for `fit` of a zoo task: it warms up over a tenth of the run, and decays to zero over the rest.

    `fit` tells it how long the run is, and begins it anew. The run's length is a variable and no number of a schedule:
    so a second run, of whatever length, needs no new compiling, which for a small model takes longer than the run.
    Outside of `fit` (`train_on_batch`, other models), and in one that does not know its length, the rate is constant.

    Devlin et al. (2019), arXiv 1810.04805, appendix A.2 and A.3.

    Args:
        learning_rate: float, the highest rate.
        **kwargs: see `AdamW`.

    Example:

        model.compile(optimizer=zoo.training.FineTuningAdamW(1e-3))
        model.fit(texts, labels, epochs=3)
    """

    def __init__(self, learning_rate=1e-4, **kwargs):
        if callable(learning_rate):
            raise TypeError(
                "The highest rate of a schedule of its own was expected, a float. Received: learning_rate="
                f"{learning_rate!r}. With another schedule use `zoo.training.AdamW`."
            )
        if not learning_rate > 0:
            raise ValueError(f"`learning_rate` must be above 0. Received: learning_rate={learning_rate}")
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.run_steps = self.add_variable((), dtype="int", aggregation="only_first_replica", name="run_steps")

    def start_run(self, steps: int, done: int = 0) -> None:
        """Begin a run, with moments of zero.

        Args:
            steps: int, optimizer steps of the whole run; 0 for a constant rate.
            done: int, how many of them are done already; if there are any, the moments stay.
        """
        for variable in self.variables:
            if not done and variable is not self._learning_rate:
                variable.assign(ops.zeros(variable.shape, variable.dtype))
        self._iterations.assign(done)
        self.run_steps.assign(steps)

    @property
    def learning_rate(self):
        """The rate of the step that comes; what is set is the highest rate, and not while a `fit` goes by it."""
        return self._get_current_learning_rate()

    @learning_rate.setter
    def learning_rate(self, value):
        if int(self.run_steps) > 0:
            raise ValueError(
                "FineTuningAdamW warms up and decays by itself, which a callback that sets the rate would undo. "
                "Compile with `optimizer=zoo.training.AdamW(...)` for `LearningRateScheduler` or `ReduceLROnPlateau`. "
                f"Received: learning_rate={float(value)}"
            )
        AdamW.learning_rate.fset(self, value)

    def end_run(self) -> None:
        """End the run: the rate is constant again."""
        self.run_steps.assign(0)

    def _get_current_learning_rate(self):
        peak = ops.convert_to_tensor(super()._get_current_learning_rate())
        return ops.where(self.run_steps > 0, warmup_linear_decay(self._iterations, peak, self.run_steps), peak)


def fine_tuning_rate(hidden_dim: int) -> float:
    """A peak learning rate to fine-tune an encoder of this hidden size with.

    Sizes from base up: the middle of Devlin et al. (2019), section 4.1 (5e-5, 3e-5, 2e-5). Smaller ones:
    the released table of small models, whose grid is 3e-4, 1e-4, 5e-5, 3e-5; the smaller, the higher. The smallest
    get more, 1e-3 and at a size of 256 5e-4: with a few thousand rows, at 3e-4 the presets of this project learn
    less.
    """
    for size, rate in ((128, 1e-3), (256, 5e-4), (512, 1e-4), (768, 3e-5)):
        if hidden_dim <= size:
            return rate
    return 2e-5


def fine_tuning_grid(hidden_dim: int) -> list[tuple[float, int]]:
    """The learning rates and numbers of epochs that are tried for an encoder of this hidden size.

    Sizes from base up: Devlin et al. (2019), appendix A.3. Smaller ones: the released table of small models.
    Their batch sizes are left out.

    Returns:
        A list of pairs: peak learning rate, epochs.
    """
    rates, epochs = ((3e-4, 1e-4, 5e-5, 3e-5), (4,)) if hidden_dim < 768 else ((5e-5, 3e-5, 2e-5), (2, 3, 4))
    return [(rate, number) for rate in rates for number in epochs]

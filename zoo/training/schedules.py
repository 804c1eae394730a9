"""Learning-rate schedules."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="zoo")
class WarmupLinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A linear rise from 0 to the peak, then a linear fall to 0.

    Devlin et al. (2019), arXiv 1810.04805, appendix A.2. A rise of less than one step is none, as in the released
    code: so a run of one step is made at the peak.

    Args:
        peak: float, the highest learning rate.
        total_steps: int, optimizer steps until the rate is 0 again; it stays 0 after them.
        warmup: float below 1, the fraction of `total_steps` that rises, or int, the number of those steps.

    Raises:
        ValueError: if `peak` or `total_steps` is not positive, or the warmup does not fit into the steps.

    Example:

    >>> import zoo
    >>> schedule = zoo.training.WarmupLinearDecay(1e-3, total_steps=100, warmup=0.1)
    >>> [round(float(schedule(step)), 6) for step in (0, 5, 10, 55, 100, 150)]
    [0.0, 0.0005, 0.001, 0.0005, 0.0, 0.0]
    """

    def __init__(self, peak, total_steps, warmup=0.1):
        if peak <= 0 or total_steps < 1:
            raise ValueError(
                f"`peak` and `total_steps` must be positive. Received: peak={peak}, total_steps={total_steps}"
            )
        if not 0 <= warmup <= total_steps or (isinstance(warmup, float) and warmup >= 1):
            raise ValueError(
                "`warmup` must be a fraction below 1, or an int, a number of steps up to `total_steps`. "
                f"Received: warmup={warmup}, total_steps={total_steps}"
            )
        self.peak = peak
        self.total_steps = total_steps
        self.warmup = warmup

    def __call__(self, step):
        return warmup_linear_decay(step, self.peak, self.total_steps, self.warmup)

    def get_config(self):
        return {"peak": self.peak, "total_steps": self.total_steps, "warmup": self.warmup}


def warmup_linear_decay(step, peak, total_steps, warmup=0.1):
    """The rate at a step: see `WarmupLinearDecay`. All arguments may be numbers or scalar tensors.

    Returns:
        float32 scalar tensor.
    """
    step, total_steps = ops.cast(step, "float32"), ops.cast(total_steps, "float32")
    rising = warmup * total_steps if warmup < 1 else warmup
    rise = ops.where(rising < 1, 1.0, step / ops.maximum(rising, 1.0))
    fall = (total_steps - step) / ops.maximum(total_steps - rising, 1e-9)
    return peak * ops.clip(ops.minimum(rise, fall), 0.0, 1.0)

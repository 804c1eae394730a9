"""What stands in the place of a token that is to be predicted: the mask, a random token, or the token itself."""

from numbers import Real

import numpy as np

from zoo.objectives.vocabulary import Vocabulary


def check_numbers(**values) -> None:
    """Refuses arguments that are no numbers, with a TypeError."""
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, Real):
            raise TypeError(f"`{name}` must be a number. Received: {name}={value!r} of type {type(value).__name__}.")


def check_rates(mask_token_rate: float, random_token_rate: float) -> None:
    """Refuses what are no probabilities of two things that exclude each other, with a ValueError."""
    check_numbers(mask_token_rate=mask_token_rate, random_token_rate=random_token_rate)
    rates = (mask_token_rate, random_token_rate)
    if not (min(rates) >= 0.0 and sum(rates) <= 1.0 + 1e-9):
        raise ValueError(
            "`mask_token_rate` and `random_token_rate` must be probabilities whose sum is at "
            "most 1 (the rest is kept unchanged). Received: "
            f"mask_token_rate={rates[0]}, random_token_rate={rates[1]}."
        )


def check_random_rate(random_token_rate: float) -> None:
    """Refuses what is no probability, where all other tokens become the mask, with a ValueError."""
    check_numbers(random_token_rate=random_token_rate)
    if not 0.0 <= random_token_rate <= 1.0:
        raise ValueError(f"`random_token_rate` must be a probability. Received: random_token_rate={random_token_rate}.")


def replace_tokens(
    original: np.ndarray,
    roll: np.ndarray,
    mask_token_rate: float,
    random_token_rate: float,
    vocabulary: Vocabulary,
    rng: np.random.Generator,
) -> np.ndarray:
    """New ids for tokens that were chosen.

    Args:
        original: int32 array (tokens,).
        roll: float array (tokens,), the dice in 0..1 that decide: masked below `mask_token_rate`, replaced by a
            random ordinary token from there up to the sum of the two rates, kept beyond it.
        mask_token_rate: probability of the mask.
        random_token_rate: probability of a random token.
        vocabulary: the vocabulary.
        rng: draws the random tokens.

    Returns:
        int32 array (tokens,).
    """
    ordinary = vocabulary.ordinary_ids
    drawn = ordinary[rng.integers(0, len(ordinary), len(original))]
    replaced = np.where(roll < mask_token_rate + random_token_rate, drawn, original)
    return np.where(roll < mask_token_rate, vocabulary.mask_id, replaced)

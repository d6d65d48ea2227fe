"""What a row weighs when rows had different chances of being in the sample, or of ever getting a label.

A flagged payment is blocked, and a blocked payment keeps no label of its own. Where a random control share of would-be
flags is let through, each of those rows has a known propensity, and weighing it by the inverse makes it stand for the
blocked ones like it: sums over the labelled rows are then unbiased for sums over all rows.

Source: Horvitz & Thompson (1952), A generalization of sampling without replacement from a finite universe.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from antifraud.errors import DataError

LOWEST_PROPENSITY: Final = 1e-3
"""Below it a single row would stand for more than a thousand, and its luck would lead the model."""
Doubles = npt.NDArray[np.float64]


def inverse_propensity(propensity: Doubles) -> Doubles:
    """``1 / propensity`` (n,): how many rows each labelled row stands for.

    Raises:
        DataError: A propensity is not a chance of `LOWEST_PROPENSITY` to 1.

    >>> inverse_propensity(np.array([1.0, 0.25])).tolist()
    [1.0, 4.0]
    """
    fits = (propensity >= LOWEST_PROPENSITY) & (propensity <= 1)
    if not fits.all():
        odd = propensity[~fits]
        raise DataError(
            f"{odd.size} of {propensity.size} rows have a propensity such as {odd[0]:g}, expected "
            f"{LOWEST_PROPENSITY:g} to 1: raise the control share, or correct what it logged"
        )
    return 1.0 / propensity


def population_weight(is_fraud: npt.NDArray[np.bool_], propensity: Doubles, kept_share: float) -> Doubles:
    """Rows of the population that each sampled row stands for (n,).

    Frauds were all kept, legitimate rows with chance `kept_share`; either had its label with its propensity.

    >>> population_weight(np.array([True, False]), np.array([0.5, 0.5]), kept_share=0.1).tolist()
    [2.0, 20.0]
    """
    return np.where(is_fraud, 1.0, 1.0 / kept_share) * inverse_propensity(propensity)

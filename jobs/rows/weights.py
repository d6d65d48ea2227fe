"""Weights of rows that had different chances of being in the sample, or of ever getting a label.

A flagged payment is blocked, and a blocked payment never gets a label. A random control share of would-be flags may be
let through. Each of these rows has a known propensity, and its inverse as weight makes the row stand for the blocked
ones like it. Sums over the labelled rows are then unbiased for sums over all rows.

Source: Horvitz & Thompson (1952), A generalization of sampling without replacement from a finite universe.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from antifraud.errors import DataError

LOWEST_PROPENSITY: Final = 1e-3
"""Below it, a single row would stand for more than a thousand rows, and its chance would dominate the model."""
Doubles = npt.NDArray[np.float64]


def inverse_propensity(propensity: Doubles) -> Doubles:
    """Return ``1 / propensity`` (n,): the number of rows that each labelled row stands for.

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
    """Return the number of rows of the population that each sampled row stands for (n,).

    All frauds were kept, legitimate rows with chance `kept_share`. Both got their labels with their propensity.

    >>> population_weight(np.array([True, False]), np.array([0.5, 0.5]), kept_share=0.1).tolist()
    [2.0, 20.0]
    """
    return np.where(is_fraud, 1.0, 1.0 / kept_share) * inverse_propensity(propensity)

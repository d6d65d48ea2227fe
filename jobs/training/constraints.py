"""Monotone constraints: features that may only raise the risk."""

from collections.abc import Sequence
from typing import Final

from antifraud.features.registry import REGISTRY, Feature

RISING_PREFIX: Final = "terminal_fraud_"
"""Frauds learnt at the terminal, as counts and as shares."""
CLEAR_DAYS: Final = 7
"""The longest window in which more frauds are never a reason to trust the terminal more.

If the shorter windows stay the same, more frauds in 30 days are older frauds, of a compromise that has probably ended.
"""


def rising_features(features: Sequence[Feature] = REGISTRY) -> tuple[int, ...]:
    """Return the positions of the features that may only raise the risk as they rise.

    >>> [REGISTRY[position].name for position in rising_features()][:2]
    ['terminal_fraud_1d', 'terminal_fraud_share_1d']
    """
    return tuple(
        position
        for position, feature in enumerate(features)
        if feature.name.startswith(RISING_PREFIX) and feature.window is not None and feature.window <= CLEAR_DAYS
    )

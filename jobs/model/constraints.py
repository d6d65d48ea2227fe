"""Where a model may not contradict what a feature means."""

from collections.abc import Sequence
from typing import Final

from antifraud.features import FEATURE_NAMES

RISING_PREFIX: Final = "terminal_fraud_"
"""Matured frauds at the terminal, as counts and as shares: more of them is never a reason to trust it more."""


def rising_features(names: Sequence[str] = FEATURE_NAMES) -> tuple[int, ...]:
    """Positions of the features that may only raise the risk as they rise.

    >>> rising_features(["amount", "terminal_fraud_7d", "terminal_fraud_share_7d"])
    (1, 2)
    """
    return tuple(position for position, name in enumerate(names) if name.startswith(RISING_PREFIX))

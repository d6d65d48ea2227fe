"""What may only raise the risk is named by the registry's own features."""

from antifraud.features import FEATURE_NAMES
from jobs.model.constraints import rising_features

RISING = {f"terminal_fraud_{days}d" for days in (1, 7, 30)} | {f"terminal_fraud_share_{days}d" for days in (1, 7, 30)}


def test_matured_frauds_rise_and_nothing_else_does():
    """All six counts and shares of matured frauds are constrained; no amount, time or customer feature is."""
    names = {FEATURE_NAMES[position] for position in rising_features()}
    assert names >= RISING
    assert all(name.startswith("terminal_fraud") for name in names)

"""What may only raise the risk is named by the registry's own features."""

from antifraud.features import FEATURE_NAMES
from jobs.model.constraints import rising_features

RISING = {f"terminal_fraud_{days}d" for days in (1, 7)} | {f"terminal_fraud_share_{days}d" for days in (1, 7)}


def test_fresh_matured_frauds_rise_and_nothing_else_does():
    """Counts and shares of a day and a week are constrained; those of a month, amounts and times are not."""
    names = {FEATURE_NAMES[position] for position in rising_features()}
    assert names >= RISING
    assert not {"terminal_fraud_30d", "terminal_fraud_share_30d"} & names
    assert all(name.startswith("terminal_fraud") for name in names)

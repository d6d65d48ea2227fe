"""The gate judges by the limits, margins and quantities in the settings."""

import pytest

from antifraud.errors import SettingsError
from antifraud.gate.judge import Demand, Limits
from antifraud.settings.core import JobSettings
from antifraud.settings.serving import GuardSettings
from antifraud.stats.comparison import Margins
from jobs.judging.limits import demand_of, limits_of, margins_of


def test_defaults_are_the_gates_own():
    """Without any variable the limits, quantities and margins are the gate's own defaults."""
    settings = JobSettings.from_environment({})

    assert limits_of(settings) == Limits()
    assert demand_of(settings) == Demand()
    assert margins_of(settings) == Margins()


def test_every_limit_can_be_set():
    """Variables set the limit of alerts, delta as a budget for a year, the declared quantities and the margins."""
    values = {
        "ALERTS_A_DAY": "120", "DELTA_A_YEAR": "0.0365", "DECLARED_FRAUD_SHARE": "0.02", "FRAUD_SHARE_ERROR": "0.1",
        "DECLARED_TRANSACTIONS_A_MONTH": "9000", "VOLUME_ERROR": "0.2", "MARGIN_LOSS_MINOR": "7", "MARGIN_FPR": "0.001",
    }  # fmt: skip
    settings = JobSettings.from_environment({f"ANTIFRAUD_{name}": value for name, value in values.items()})
    limits = limits_of(settings)

    assert (limits.alerts_a_day, limits.delta) == (120, pytest.approx(0.0001))
    assert demand_of(settings) == Demand(9_000, 0.02, 0.2, 0.1)
    assert margins_of(settings) == Margins(7, 0.001)


def of(kind=JobSettings, **values):
    """Read settings from variables."""
    return kind.from_environment({f"ANTIFRAUD_{name}": value for name, value in values.items()})


def test_the_businesss_own_limits_reach_the_gate():
    """Variables set rate, target, loss and attainable value recall; other limits keep their defaults."""
    settings = of(FPR_LIMIT="0.03", FPR_TARGET="0.025", LOSS_LIMIT_MINOR="70000000", ATTAINABLE_VALUE_RECALL="0.9")

    assert limits_of(settings) == Limits(
        fpr_limit=0.03, fpr_target=0.025, loss_limit_minor=70_000_000, attainable_value_recall=0.9
    )


def test_gate_and_guard_share_the_limit_of_the_rate():
    """Guard and gate read one variable with one default, so that they never disagree on the rate's limit."""
    assert of(GuardSettings).fpr_limit == of().fpr_limit == Limits().fpr_limit
    assert of(GuardSettings, FPR_LIMIT="0.03").fpr_limit == of(FPR_LIMIT="0.03", FPR_TARGET="0.02").fpr_limit == 0.03


@pytest.mark.parametrize(
    "name", ["FPR_LIMIT", "FPR_TARGET", "ATTAINABLE_VALUE_RECALL", "DELTA", "DECLARED_FRAUD_SHARE"]
)
@pytest.mark.parametrize("value", ["0", "1", "-0.01", "5", "nan"])
def test_a_share_lies_between_0_and_1(name, value):
    """A share outside 0 to 1, such as a percentage or a negative number, is refused by name."""
    # A bound with a delta of 0.5 or more is none.
    most = "0.5" if name == "DELTA" else "1"
    expected = rf"ANTIFRAUD_{name} is {float(value)}: expected a share between 0 and {most}, "
    with pytest.raises(SettingsError, match=expected):
        of(**{name: value})


def test_a_target_above_the_limit_is_refused():
    """A target above the limit is refused, because its threshold would break the limit; an equal one is allowed."""
    with pytest.raises(SettingsError, match=r"is 0\.06, above its limit 0\.05: lower ANTIFRAUD_FPR_TARGET"):
        of(FPR_TARGET="0.06")
    assert of(FPR_TARGET="0.05").fpr_target == 0.05


@pytest.mark.parametrize("minor", ["0", "-50000000"])
def test_a_loss_limit_is_an_amount(minor):
    """A loss limit of 0 or less is refused, and the error gives the allowed range."""
    with pytest.raises(
        SettingsError, match=f"ANTIFRAUD_LOSS_LIMIT_MINOR is {minor}: expected 1 to 1,000,000,000,000,000"
    ):
        of(LOSS_LIMIT_MINOR=minor)

"""The gate judges by the declared settings."""

import pytest

from antifraud.errors import SettingsError
from antifraud.gate.judge import Demand, Limits
from antifraud.settings.core import JobSettings
from antifraud.settings.serving import GuardSettings
from antifraud.stats.comparison import Margins
from jobs.judging.limits import demand_of, limits_of, margins_of


def test_defaults_are_the_gates_own():
    """Without any variable: delta 0.01 a release, no limit on alerts, volume and fraud share as observed."""
    settings = JobSettings.from_environment({})

    assert limits_of(settings) == Limits()
    assert demand_of(settings) == Demand()
    assert margins_of(settings) == Margins()


def test_every_limit_can_be_set():
    """Alerts, a year's budget of delta, declared quantities with their errors, and the margins."""
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
    """Rate, target, loss a month and the value recall that counts as attainable; what is not set stays the default."""
    settings = of(FPR_LIMIT="0.03", FPR_TARGET="0.025", LOSS_LIMIT_MINOR="70000000", ATTAINABLE_VALUE_RECALL="0.9")

    assert limits_of(settings) == Limits(
        fpr_limit=0.03, fpr_target=0.025, loss_limit_minor=70_000_000, attainable_value_recall=0.9
    )


def test_gate_and_guard_share_the_limit_of_the_rate():
    """One variable, one default: the guard does not suspend at another rate than the gate certifies."""
    assert of(GuardSettings).fpr_limit == of().fpr_limit == Limits().fpr_limit
    assert of(GuardSettings, FPR_LIMIT="0.03").fpr_limit == of(FPR_LIMIT="0.03", FPR_TARGET="0.02").fpr_limit == 0.03


@pytest.mark.parametrize(
    "name", ["FPR_LIMIT", "FPR_TARGET", "ATTAINABLE_VALUE_RECALL", "DELTA", "DECLARED_FRAUD_SHARE"]
)
@pytest.mark.parametrize("value", ["0", "1", "-0.01", "5", "nan"])
def test_a_share_lies_between_0_and_1(name, value):
    """Percent in place of a fraction, or a sign too many, is named."""
    with pytest.raises(SettingsError, match=rf"ANTIFRAUD_{name} is {float(value)}: expected a share between 0 and 1"):
        of(**{name: value})


def test_a_target_above_the_limit_is_refused():
    """A threshold certified at a target above the limit would break the limit; equal is allowed."""
    with pytest.raises(SettingsError, match=r"is 0\.06, above its limit 0\.05: lower ANTIFRAUD_FPR_TARGET"):
        of(FPR_TARGET="0.06")
    assert of(FPR_TARGET="0.05").fpr_target == 0.05


@pytest.mark.parametrize("minor", ["0", "-50000000"])
def test_a_loss_limit_is_an_amount(minor):
    """No month has less than no missed fraud."""
    with pytest.raises(
        SettingsError, match=f"ANTIFRAUD_LOSS_LIMIT_MINOR is {minor}: expected 1 to 1,000,000,000,000,000"
    ):
        of(LOSS_LIMIT_MINOR=minor)

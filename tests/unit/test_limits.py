"""What the settings declare is what the gate judges by."""

import pytest

from antifraud.comparison import Margins
from antifraud.gate import Demand, Limits
from antifraud.settings import JobSettings
from jobs.model.limits import demand_of, limits_of, margins_of


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

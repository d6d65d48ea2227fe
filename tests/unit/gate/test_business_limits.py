"""A limit of the business is one object, and all code that names limits uses their list."""

from dataclasses import replace

import pytest

from antifraud.gate.findings import Verdict
from antifraud.gate.limits import ALERTS, LIMITS, LOSS, RATE, Limits, broken, declared, unmet
from antifraud.gate.rules import action, verdict
from tests.report_example import NO_LIMIT, PASS

MANY = replace(PASS, limits=Limits(alerts_a_day=1_500))
COSTLY = replace(PASS, loss=replace(PASS.loss, bound=60_000_000.0))


def test_every_limit_says_what_it_measures():
    """Every limit has a title with its unit, a measured figure, a figure that is compared, and an allowed amount."""
    shown = [(each.title, each.measured(MANY), each.compared(MANY), each.allowed(MANY.limits)) for each in LIMITS]

    assert shown == [
        ("false-positive rate", 0.0432, 0.045, 0.05),
        ("missed fraud, RUB a month", 18_946_300.0, 26_941_100.0, 50_000_000),
        ("alerts a day", 1_584.25, 1_584.25, 1_500),
    ]


def test_a_limit_that_is_not_declared_is_never_broken():
    """A limit of alerts that is not declared is not broken, however many alerts there are."""
    assert declared(PASS.limits) == [RATE, LOSS]
    assert declared(MANY.limits) == [RATE, LOSS, ALERTS]
    assert broken(replace(PASS, alerts_a_day=1e9)) == []
    assert broken(MANY) == [ALERTS]


def test_what_equals_its_limit_is_within():
    """A figure that equals its limit keeps the limit, be it a bound or a number of alerts."""
    edge = replace(PASS, fpr_bounds={"terminals": 0.05}, loss=replace(PASS.loss, bound=50_000_000.0))

    assert broken(edge) == []
    assert broken(replace(edge, fpr_bounds={"terminals": 0.0501})) == [RATE]
    assert broken(replace(MANY, alerts_a_day=1_500.0)) == []


def test_a_limit_that_says_nothing_is_not_met():
    """A loss limit above all fraud is not broken but not met either, so the verdict is FAIL."""
    nothing = replace(PASS, **NO_LIMIT)

    assert (broken(nothing), unmet(nothing), verdict(nothing)) == ([], [LOSS], Verdict.FAIL)
    assert action(nothing).startswith("Declare the volume that the model will serve, or a loss limit that fits")
    assert (unmet(PASS), verdict(PASS), action(PASS)) == ([], Verdict.PASS, "Promote.")


@pytest.mark.parametrize(
    ("found", "advice"),
    [
        (
            replace(MANY, threshold_at_alerts_limit=60_000),
            "Raise the threshold from 52982 to 60000 ppm and judge again: ",
        ),
        (replace(MANY, fpr_bounds={"terminals": 0.06}), "Raise the threshold from 52982 to 52982 ppm and judge again."),
        (replace(COSTLY, limits=MANY.limits), "Lower the threshold from 52982 towards 52982 ppm and judge again."),
    ],
)
def test_the_most_basic_obstacle_is_removed_first(found, advice):
    """The action removes one obstacle: the rate before the loss, and the loss before alerts."""
    assert action(found).startswith(advice)

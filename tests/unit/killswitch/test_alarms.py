"""The alarms of the evidence: when they begin, how long they stay, and how they get into the switch."""

import dataclasses

import pytest

from antifraud.killswitch.alarms import (
    Alarm,
    AlarmName,
    describe_alarms,
    raise_alarms,
    watch_coverage,
    watch_harmless,
)
from antifraud.killswitch.cohorts import CohortCounts
from antifraud.killswitch.coverage import Coverage
from antifraud.killswitch.detectors.flagged_share import Minute
from antifraud.killswitch.detectors.loss import MissedDay
from antifraud.killswitch.detectors.missed_rate import MissedFraud
from antifraud.killswitch.eras import Eras
from antifraud.killswitch.losses import LOSS, Loss, close_losses, describe_loss
from antifraud.killswitch.machine import INITIAL, Level
from antifraud.killswitch.running import month_of, watch_flagged, watch_month

BUDGET = 30_000_00


def alarm(begins, stays=None, name=AlarmName.LOSS_BUDGET, words="much is missed"):
    """An alarm with these levels."""
    return Alarm(name, begins, begins if stays is None else stays, words, 0.5)


@pytest.mark.parametrize(
    ("before", "begins", "stays", "after"),
    [
        ("none", "none", "warn", "none"),
        ("warn", "none", "warn", "warn"),
        ("page", "none", "warn", "warn"),
        ("page", "warn", "page", "page"),
        ("warn", "page", "page", "page"),
        ("warn", "none", "none", "none"),
    ],
)
def test_an_alarm_stays_until_the_easier_limit_is_kept(before, begins, stays, after):
    """It begins at one limit, and ends at a better value."""
    assert alarm(Level(begins), Level(stays)).settle(Level(before)) is Level(after)


def test_alarms_are_warnings_of_the_switch_beside_those_of_others():
    """A technical signal stays; what is news is told with the number behind it."""
    before = dataclasses.replace(INITIAL, warnings={"p99": Level.WARN, "burn_rate": Level.PAGE})
    alarms = [alarm(Level.WARN), alarm(Level.PAGE, name=AlarmName.BURN_RATE, words="it burns")]

    after = raise_alarms(before, alarms, now=60)

    assert dict(after.warnings) == {"p99": Level.WARN, "loss_budget": Level.WARN, "burn_rate": Level.PAGE}
    assert (after.warned.reason, after.warned.by, after.warned.at) == ("much is missed", "guard", 60)
    assert after.warned.evidence == {"loss_budget": 0.5, "burn_rate": 0.5}
    assert raise_alarms(after, alarms, now=90) is None


def test_the_end_of_an_alarm_is_told():
    """The others of the switch stay."""
    before = dataclasses.replace(INITIAL, warnings={"p99": Level.WARN, "loss_budget": Level.WARN})
    after = raise_alarms(before, [alarm(Level.NONE)], now=60)

    assert (dict(after.warnings), after.warned.reason) == (
        {"p99": Level.WARN},
        "a warning of the evidence has ended",
    )


def test_the_status_shows_the_level_of_the_switch():
    """An alarm that stays has its level, although it would not begin now."""
    assert describe_alarms([alarm(Level.NONE, Level.WARN)], {"loss_budget": Level.WARN}) == {
        "loss_budget": {"level": "warn", "value": 0.5, "words": "much is missed"}
    }


@pytest.mark.parametrize(
    ("labelled", "begins", "stays"), [(79, "warn", "warn"), (81, "none", "warn"), (83, "none", "none")]
)
def test_too_few_labels_warn(labelled, begins, stays):
    """Below 80 % of the passed decisions, until there are 83 %."""
    found = watch_coverage(Coverage.of([CohortCounts(0, "a", 100, 0, legit_passed=labelled)]))
    assert (found.begins, found.stays, found.value) == (Level(begins), Level(stays), labelled / 100)


def test_evidence_that_had_tripped_warns_only_of_days_that_close_later():
    """The trip has told of the days before; missed fraud of a day closes 28 days after it."""
    frauds = [MissedFraud(day, 4_000.0, f"c{day}", f"t{day}") for day in range(10)]
    said = describe_loss(0, close_losses(Loss(), frauds, dict.fromkeys(range(10), 1_000.0)))

    told, new = (watch_harmless({(0, LOSS): said}, Eras((0, 4)), "a", answered)[1] for answered in (37, 36))
    assert (told.begins, told.stays, new.begins) == (Level.NONE, Level.WARN, Level.WARN)
    assert new.words.startswith("missed fraud is above its limit")
    assert watch_harmless({(0, LOSS): said}, Eras(), "a")[1].begins is Level.NONE


def days(amount, count=30):
    """Days that miss this amount each, of which everything is known."""
    return [MissedDay(age, amount) for age in range(count)]


@pytest.mark.parametrize(
    ("amount", "budget", "burn"),
    [(700_00, "none", "none"), (790_00, "none", "none"), (850_00, "warn", "none"), (1_050_00, "page", "none"),
     (2_100_00, "page", "warn"), (4_100_00, "page", "page")],
)  # fmt: skip
def test_the_month_warns_and_pages(amount, budget, burn):
    """The budget is 1,000 RUB a day; twice that is a fast burn, four times is a page."""
    month, burning = watch_month(days(amount), [1.0], BUDGET)
    assert (month.begins, burning.begins) == (Level(budget), Level(burn))


def test_the_month_is_told_in_roubles():
    """Known and expected amounts, and the burn rate."""
    month, burning = watch_month(days(2_100_00), [1.0], BUDGET)
    assert month.words == (
        "63,000 RUB of missed fraud are known for the last 30 days, 63,000 RUB are expected once all labels have come, "
        "and the budget is 30,000 RUB"
    )
    assert burning.words == (
        "missed fraud of the last 7 days that are known uses the month's budget of 30,000 RUB up 2.1 times too fast"
    )
    assert (month.value, burning.value) == (2.1, 2.1)


def test_a_month_near_its_budget_stays_warned():
    """76 % of the budget begins nothing, and ends nothing either; 70 % does."""
    (near, _), (far, _) = (watch_month(days(amount), [1.0], BUDGET) for amount in (760_00, 700_00))
    assert (near.settle(Level.NONE), near.settle(Level.WARN), far.settle(Level.WARN)) == (
        Level.NONE,
        Level.WARN,
        Level.NONE,
    )


def test_the_month_has_thirty_days_at_most_and_ends_today():
    """Days without decisions miss nothing."""
    month = month_of({0: 5.0, 50: 7.0}, today=60)
    assert (month[0].age, month[-1].age, sum(day.missed for day in month)) == (29, 0, 7.0)


def test_the_flagged_share_warns_within_minutes():
    """At 5 % and 2 % of frauds, 6.9 % are explained; 20 % of 400 a minute are not, after two minutes."""
    usual = {minute: Minute(400, 28) for minute in range(60)}
    found = watch_flagged({**usual, 58: Minute(400, 80), 59: Minute(400, 80)}, 60, 0.05, 0.02)

    assert (found.begins, found.value) == (Level.PAGE, 244 / 2_000)
    assert found.words.startswith("244 of 2000 decisions of the last 5 minutes were flagged")
    assert watch_flagged(usual, 60, 0.05, 0.02).begins is Level.NONE
    assert watch_flagged({}, 60, 0.05, 0.02).value is None

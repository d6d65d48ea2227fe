"""The loss: accounting of the running month, burn rates, episodes, and the test of the release's own rate."""

import json
import math

import numpy as np
import pytest

from antifraud.killswitch.detectors.level import Level
from antifraud.killswitch.detectors.loss import (
    MissedDay,
    RunningLoss,
    burn_rate,
    running_loss,
    watch_budget,
    watch_burn,
)
from antifraud.killswitch.detectors.missed_rate import (
    FRACTIONS,
    LossEvidence,
    MissedFraud,
    group_episodes,
    update_loss,
)

CURVE = (0.0, 0.1, 0.5, 1.0)


def watch_loss(days, known_share, budget):
    """The higher level of both alarms: that of the budget, and that of the burn rate."""
    return max(watch_budget(days, known_share, budget), watch_burn(days, known_share, budget))


def by_day(episodes):
    """The missed amount of episodes by the day they began."""
    return {episode.began: amount for episode, amount in episodes.items()}


def steady(amount, ages=30):
    """Return days on which this amount will be known at last, and less of it while they are young."""
    return [MissedDay(age, round(amount * CURVE[min(age, 3)])) for age in range(ages)]


def test_young_days_are_corrected_by_the_curve():
    """Half of day 2 is known; of days 0 and 1 too little is, so they count as the others."""
    assert running_loss(steady(1_000), CURVE) == RunningLoss(known=27_600, expected=30_000.0)


def test_later_labels_correct_the_month():
    """A fraud of 5,000 that turns up on an old day is added to both figures at once."""
    days = steady(1_000)
    days[20] = MissedDay(20, 6_000)
    found = running_loss(days, CURVE)
    assert found.known == 32_600
    assert found.expected == pytest.approx(30_000 + 5_000 * 30 / 28)


def test_nothing_known_is_no_loss():
    """No day, or only days of which nothing is known yet."""
    assert running_loss([], CURVE) == running_loss([MissedDay(0, 0)], CURVE) == RunningLoss(0, 0.0)
    assert burn_rate([], CURVE, 1_000) == 0.0


@pytest.mark.parametrize(
    ("amount", "level"), [(500, Level.NONE), (790, Level.NONE), (810, Level.WARNING), (1_010, Level.PAGE)]
)
def test_the_month_warns_near_its_budget(amount, level):
    """The budget is 30,000, or 1,000 a day."""
    assert watch_loss(steady(amount), CURVE, 30_000) is level


@pytest.mark.parametrize(
    ("days", "amount", "level"), [(9, 4_100, Level.PAGE), (2, 4_100, Level.NONE), (16, 2_100, Level.PAGE)]
)
def test_a_fast_burn_is_known_before_the_budget_is_spent(days, amount, level):
    """The last days burn four times, or twice, the budget of 100,000, or for two days only."""
    recent = [day for day in steady(amount * 100_000 / 30_000, days + 2) if day.age >= 2]
    older = [MissedDay(age, 100) for age in range(days + 2, 30)]
    found = watch_loss([*recent[:days], *older], CURVE, 100_000)
    assert found is level


def test_an_episode_counts_on_its_first_day():
    """A terminal's frauds of 28 days are one episode; what comes later begins another."""
    frauds = [MissedFraud(day, 10, f"c{day}", "t") for day in (0, 5, 27, 28, 40)]
    assert by_day(group_episodes(reversed(frauds))) == {0: 30, 28: 20}


def test_a_customer_is_an_episode_across_terminals():
    """A stolen card is used at three terminals within 14 days; later it is another theft."""
    frauds = [MissedFraud(day, 10, "c", f"t{day}") for day in (3, 9, 16, 17)]
    assert by_day(group_episodes(frauds)) == {3: 30, 17: 10}


def test_a_day_multiplies_the_opening_by_one_plus_the_excess():
    """Three times what is allowed, then nothing."""
    first = update_loss(LossEvidence(), 3_000, 1_000)
    second = update_loss(first, 0, 1_000)
    assert np.exp(first.log_wealth) * 365 == pytest.approx([1 + 2 * each for each in FRACTIONS])
    assert np.exp(second.log_wealth) * 365 == pytest.approx([(2 + 2 * each) * (1 - each) for each in FRACTIONS])


def test_growth_in_volume_is_no_evidence():
    """Ten times the decisions may miss ten times as much."""
    assert update_loss(LossEvidence(), 900, 1_000) == update_loss(LossEvidence(), 9_000, 10_000)


def test_heavy_episodes_at_the_limit_trip_rarely():
    """Two episodes a day with a Pareto tail of index 1.5, of the allowed mean: at most 2 % of 400 years."""
    rng, trips = np.random.default_rng(3), 0
    for _ in range(400):
        counts = rng.poisson(2.0, 365)
        amounts = rng.pareto(1.5, counts.sum()) + 1
        missed = np.bincount(np.repeat(np.arange(365), counts), amounts, 365)
        evidence, tripped = LossEvidence(), False
        for each in missed.tolist():
            evidence = update_loss(evidence, each, 2.0 * 3.0)
            tripped = tripped or evidence.is_tripped(0.01)
        trips += tripped
    assert trips <= 8


@pytest.mark.parametrize(("times", "most"), [(1.5, 180), (2.0, 60), (4.0, 16)])
def test_too_much_missed_fraud_is_found(times, most):
    """Log-normal episodes, three a day, after a quarter at the allowed mean; median of 21 runs."""
    rng, delays = np.random.default_rng(8), []
    for _ in range(21):
        evidence, mean = LossEvidence(), math.exp(0.32)
        for day in range(90 + most + 1):
            missed = rng.lognormal(0, 0.8, rng.poisson(3 if day < 90 else 3 * times)).sum()
            evidence = update_loss(evidence, float(missed), 3 * mean)
            if day >= 90 and evidence.is_tripped(0.01):
                break
        delays.append(day - 89)
    assert np.median(delays) <= most


def test_a_day_without_decisions_says_nothing():
    """It allows nothing and misses nothing."""
    evidence = update_loss(LossEvidence(), 500, 1_000)
    assert update_loss(evidence, 0, 0).log_wealth == evidence.log_wealth


def test_the_memory_of_the_loss_survives_storage():
    """Evidence is the same after JSON, also before the first day."""
    for evidence in (LossEvidence(), update_loss(LossEvidence(), 5, 10)):
        assert LossEvidence.from_dict(json.loads(json.dumps(evidence.to_dict()))) == evidence


@pytest.mark.parametrize("values", [(-1, 5, 1.0), (1, math.inf, 1.0), (math.nan, 5, 1.0), (1, 5, 0.0)])
def test_impossible_losses_are_refused(values):
    """Negative, infinite or unknown amounts, and no share."""
    with pytest.raises(ValueError, match="expected amounts"):
        update_loss(LossEvidence(), *values)

"""The detector of the rate: its factors, its promise where it is proved, and its memory."""

import json
import math

import numpy as np
import pytest

from antifraud.killswitch.detectors.rate import ALTERNATIVES, Cohort, RateEvidence, update

BUDGET = 0.025
PATIENCES = (4, 2, 1, 1, 1, 1, 1)
"""Additional inflation of each alternative."""


def after(*cohorts):
    """Return the evidence after some days."""
    evidence = RateEvidence()
    for cohort in cohorts:
        evidence = update(evidence, cohort)
    return evidence


def test_one_day_multiplies_the_opening_by_the_likelihood_ratio():
    """After one day, each wealth is the likelihood ratio over 365; small excesses are inflated more."""
    evidence = after(Cohort(rows=100, flagged=8, limit=0.05))
    expected = [
        math.log((times**8 * ((1 - times * 0.05) / 0.95) ** 92) ** (1 / patience) / 365)
        for times, patience in zip(ALTERNATIVES, PATIENCES, strict=True)
    ]
    assert evidence.log_wealth == pytest.approx(expected)
    assert (evidence.days, evidence.rows, evidence.flagged, evidence.rate) == (1, 100, 8, 0.08)


def test_each_day_opens_a_bet_on_an_onset():
    """After two days, the wealth is the sum of a bet since the first day and one since the second."""
    first, second = Cohort(100, 8, 0.05), Cohort(200, 9, 0.05, inflation=2)
    ratios = [
        [
            (times**c.flagged * ((1 - times * 0.05) / 0.95) ** (c.rows - c.flagged)) ** (1 / (patience * c.inflation))
            for times, patience in zip(ALTERNATIVES, PATIENCES, strict=True)
        ]
        for c in (first, second)
    ]
    expected = [math.log((one * two + two) / 365) for one, two in zip(*ratios, strict=True)]
    assert after(first, second).log_wealth == pytest.approx(expected)


def test_the_expectation_of_a_factor_is_at_most_one_within_the_limit():
    """Summed over all outcomes of 20 independent rows, every factor is worth 1 at the limit, and less below it."""
    for rate, bound in ((0.05, 1.0), (0.04, 1.0), (0.01, 1.0)):
        chances = [math.comb(20, k) * rate**k * (1 - rate) ** (20 - k) for k in range(21)]
        worth = np.array([after(Cohort(20, k, 0.05)).log_wealth for k in range(21)])
        assert (np.array(chances) @ np.exp(worth) * 365 <= bound + 1e-12).all()


def test_the_expectation_of_a_block_is_at_most_one_with_its_size_as_inflation():
    """Twenty rows that are flagged together or not at all, at the limit, are worth at most 1."""
    together, none = (after(Cohort(20, k, 0.05, inflation=20)).log_wealth for k in (20, 0))
    assert (0.05 * np.exp(together) * 365 + 0.95 * np.exp(none) * 365 <= 1 + 1e-12).all()


def test_independent_years_at_the_limit_trip_within_the_budget():
    """Independent rows at exactly 5 %: at most 5 % of 400 years trip with a budget of 2.5 %."""
    rng = np.random.default_rng(7)
    trips = 0
    for _ in range(400):
        evidence, tripped = RateEvidence(), False
        for flagged in rng.binomial(1_000, 0.05, 365).tolist():
            evidence = update(evidence, Cohort(1_000, flagged, 0.05))
            tripped = tripped or evidence.is_tripped(BUDGET)
        trips += tripped
    assert trips <= 20


@pytest.mark.parametrize(("rate", "most"), [(0.08, 2), (0.10, 2), (0.20, 1)])
def test_an_excess_is_found_within_days(rate, most):
    """At 10,000 rows a day and an inflation of 4, after a quiet quarter."""
    evidence = after(*[Cohort(10_000, 450, 0.05, inflation=4)] * 90)
    assert not evidence.is_tripped(BUDGET)
    for _ in range(most):
        evidence = update(evidence, Cohort(10_000, int(10_000 * rate), 0.05, inflation=4))
    assert evidence.is_tripped(BUDGET)


@pytest.mark.parametrize("rate", [0.08, 0.10, 0.14, 0.16])
def test_one_odd_day_is_not_enough(rate):
    """A sale or a holiday: one day far above the limit, between days at the limit, trips at no inflation."""
    for inflation in (1, 4, 16):
        usual = [Cohort(10_000, 500, 0.05, inflation)] * 90
        assert not after(*usual, Cohort(10_000, int(10_000 * rate), 0.05, inflation), *usual).is_tripped(BUDGET)


def test_a_factor_is_cut_off_for_all_alternatives_but_the_largest():
    """A day at 20 % is worth exp(6.1) to rates up to 20 %, and its whole likelihood ratio to 35 %."""
    *cut, whole = after(Cohort(10_000, 2_000, 0.05)).log_wealth
    assert cut == pytest.approx([6.1 - math.log(365)] * 6)
    assert whole == pytest.approx(2_000 * math.log(7) + 8_000 * math.log(0.65 / 0.95) - math.log(365))


def test_releases_that_share_the_days_share_the_opening():
    """Two releases with half of the decisions each open as much as one with all."""
    halves = after(Cohort(50, 4, 0.05, share=0.5))
    whole = after(Cohort(50, 4, 0.05))
    assert [2 * math.exp(each) for each in halves.log_wealth] == pytest.approx([math.exp(e) for e in whole.log_wealth])


def test_a_day_without_rows_only_opens():
    """Nothing is known about it."""
    evidence = after(Cohort(0, 0, 0.05))
    assert evidence.log_wealth == pytest.approx([-math.log(365)] * len(ALTERNATIVES))
    assert evidence.rate is None


def test_the_memory_survives_storage():
    """Evidence is the same after JSON, also before the first day."""
    for evidence in (RateEvidence(), after(Cohort(100, 8, 0.05), Cohort(90, 2, 0.04, 3.5))):
        assert RateEvidence.from_dict(json.loads(json.dumps(evidence.to_dict()))) == evidence


@pytest.mark.parametrize(
    "cohort",
    [Cohort(5, 6, 0.05), Cohort(5, -1, 0.05), Cohort(5, 1, 0.0), Cohort(5, 1, 0.8), Cohort(5, 1, 0.05, 0.9),
     Cohort(5, 1, 0.05, 1.0, 0.0), Cohort(5, 1, 0.05, math.nan)],
    ids=["more flagged", "negative", "no limit", "high limit", "low inflation", "no share", "not a number"],
)  # fmt: skip
def test_impossible_cohorts_are_refused(cohort):
    """A cohort that cannot be is an error of the caller."""
    with pytest.raises(ValueError, match=r"expected|must"):
        update(RateEvidence(), cohort)


def test_a_long_excess_does_not_overflow():
    """Wealth grows for a year at 20 %."""
    evidence = after(*[Cohort(200_000, 40_000, 0.05)] * 365)
    assert math.isfinite(evidence.log_e)
    assert evidence.is_tripped(BUDGET)

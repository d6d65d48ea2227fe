"""The long test and the onset test of the standing judgement, on windows with written-out counts."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from antifraud.clock import Span, day_number
from antifraud.gate.blocked import BandDay, Hidden, find_hidden
from antifraud.gate.certify import Certify, Demand
from antifraud.gate.findings import Verdict
from antifraud.gate.limits import Limits
from antifraud.gate.standing import (
    Evidence,
    bound_rate,
    certify_on,
    choose_days,
    judge_long,
    judge_onset,
    merge_cohorts,
    without_onset,
)
from antifraud.killswitch.detectors.noise import ALIKE, Noise
from antifraud.killswitch.detectors.rate import Cohort
from antifraud.killswitch.judgement import Standing
from antifraud.stats.episodes import Frauds
from antifraud.stats.score_tables import ScoreTable
from tests.report_example import PASS

FIRST = dt.date(2026, 3, 2)
"""A Monday."""
START = day_number(FIRST)
DAYS = 28
SPAN = Span(FIRST, dt.date(2026, 3, 29))
WEEK = Span(dt.date(2026, 3, 23), dt.date(2026, 3, 29))
QUIET = Noise(within=1.0, day_variance=0.0, factors=ALIKE, rows=1_000)
LIMITS = Limits(delta=0.0025)


def evidence(flagged=40, rows=1_000, missed=3_000_00, blocked=(), noise=QUIET):
    """Return evidence of 28 days, each with so many legitimate rows and flags, one missed fraud and one caught."""
    day = np.repeat(START + np.arange(DAYS), 4)
    score = np.tile([10, 900, 20, 950], DAYS)
    columns = {
        "day": day,
        "score": score,
        "legit": np.tile([rows - flagged, flagged, 0, 0], DAYS),
        "fraud": np.tile([0, 0, 1, 1], DAYS),
        "fraud_amount": np.tile([0, 0, missed, 500], DAYS),
        "fraud_amount_sq": np.tile([0, 0, missed**2, 500**2], DAYS).astype(object),
        "fraud_amount_max": np.tile([0, 0, missed, 500], DAYS),
    }
    codes, when = np.arange(2 * DAYS), np.repeat(START + np.arange(DAYS), 2)
    frauds = Frauds(np.tile([20, 950], DAYS), np.tile([missed, 500], DAYS), codes, codes, DAYS, when)
    certify = Certify(ScoreTable.from_columns(columns), frauds)
    return Evidence(certify, blocked, 500, noise, Demand())


def test_the_long_test_takes_the_gates_verdict():
    """A PASS of the gate passes, with its bounds; a FAIL fails, and says what to do."""
    found = judge_long(evidence(), PASS, SPAN)
    assert (found.verdict, found.fpr_bound, found.missed_minor, found.rows) == (
        Standing.PASS, 0.045, 26_941_100.0, 276_563,
    )  # fmt: skip
    assert found.sentence == (
        "2026-03-02 to 2026-03-29: the false-positive rate is at most 4.50% (limit 5.00%), missed fraud at most "
        "269,411 RUB a month (limit 500,000 RUB)."
    )
    assert found.warning == ""
    failed = judge_long(evidence(), replace(PASS, verdict=Verdict.FAIL, action="Improve the model."), SPAN)
    assert (failed.verdict, failed.sentence[-19:]) == (Standing.FAIL, " Improve the model.")


def test_fewer_than_four_weeks_are_a_warning():
    """Days are the blocks then."""
    span = Span(FIRST, dt.date(2026, 3, 28))
    assert judge_long(evidence(), PASS, span).warning == (
        "The bound takes days as blocks, because 27 days are fewer than 4 weeks."
    )


def test_blocked_payments_without_a_label_add_to_the_missed_fraud():
    """10,000 RUB in a band where 20 of 200 labelled ones are fraud hide at most 1,601 RUB in 28 days."""
    known = [BandDay(START, 4, 10, 1_000_000, 0, 0), BandDay(START + 1, 4, 0, 0, 200, 20)]
    found = judge_long(evidence(blocked=known), PASS, SPAN)
    assert (found.missed_minor - 26_941_100.0) == pytest.approx(160_080 * 30 / 28, abs=10)
    assert found.sentence.endswith("It would have passed 10 blocked payments without a label.")
    large = [replace(known[0], amount=200_000_000), known[1]]
    assert judge_long(evidence(blocked=large), PASS, SPAN).verdict is Standing.FAIL


def test_blocked_payments_of_an_unknown_band_cannot_be_judged():
    """Without a labelled flagged payment in their band nobody knows; a release that fails anyway fails."""
    unknown = [BandDay(START, 5, 7, 1_000, 0, 0)]
    found = judge_long(evidence(blocked=unknown), PASS, SPAN)
    assert found.verdict is Standing.NOT_JUDGEABLE
    assert found.sentence.endswith(
        "It would have passed 7 blocked payments without a label. 7 of them lie in score bands without any labelled "
        "flagged payment: a control share would tell how much fraud they are."
    )
    failed = judge_long(evidence(blocked=unknown), replace(PASS, verdict=Verdict.FAIL), SPAN)
    assert failed.verdict is Standing.FAIL
    assert judge_onset(evidence(blocked=unknown), LIMITS, SPAN).verdict is Standing.NOT_JUDGEABLE
    assert judge_onset(evidence(blocked=unknown), LIMITS, WEEK).verdict is Standing.PASS


@pytest.mark.parametrize(
    ("flagged", "noise", "verdict", "bound"),
    [
        (40, QUIET, Standing.PASS, 0.0441),
        (46, QUIET, Standing.FAIL, 0.0504),
        (40, Noise(16.0, 0.0, ALIKE, 1_000), Standing.FAIL, 0.0591),
    ],
    ids=["within", "above", "a noisy release"],
)
def test_the_onset_test_allows_for_the_noise_of_the_release(flagged, noise, verdict, bound):
    """7,000 rows of a week at 4 % pass alone, and not where they count as 438 independent ones."""
    found = judge_onset(evidence(flagged=flagged, noise=noise), LIMITS, WEEK)
    assert (found.verdict, found.rows, found.days) == (verdict, 7_000, 7)
    assert found.fpr_bound == pytest.approx(bound, abs=1e-4)


def test_the_limit_of_the_onset_test_is_that_of_its_weekdays():
    """A Monday with 1.3 times the limit may have a rate of 5.8 %, other days may not."""
    factors = tuple(1.3 if day == START % 7 else 0.95 for day in range(7))
    monday = Span(FIRST, FIRST)
    found = judge_onset(evidence(flagged=350, rows=6_000, noise=replace(QUIET, factors=factors)), LIMITS, monday)
    assert found.fpr_bound == pytest.approx(0.0636, abs=1e-4)
    assert found.verdict is Standing.PASS
    assert "(limit 6.50%)" in found.sentence
    assert judge_onset(evidence(flagged=350, rows=6_000), LIMITS, monday).verdict is Standing.FAIL


def test_missed_fraud_of_the_onset_test_is_an_estimate():
    """3,000 RUB a day are 90,000 a month; 17,000 a day are 510,000, above the limit of 500,000."""
    found = judge_onset(evidence(), LIMITS, WEEK)
    assert found.missed_minor == pytest.approx(9_000_000)
    assert "missed fraud about 90,000 RUB a month (limit 500,000 RUB)." in found.sentence
    assert judge_onset(evidence(missed=1_700_000), LIMITS, WEEK).verdict is Standing.FAIL


def test_too_few_rows_are_not_judged():
    """4,000 legitimate rows of four days are fewer than 5,000."""
    span = Span(dt.date(2026, 3, 26), SPAN.last)
    found = judge_onset(evidence(), LIMITS, span)
    assert (found.verdict, found.rows, found.fpr_bound) == (Standing.NOT_JUDGEABLE, 4_000, None)
    assert found.sentence == (
        "2026-03-26 to 2026-03-29 have 4,000 legitimate transactions with a label, 5,000 are needed: wait for more "
        "days."
    )


def test_the_days_of_the_onset_test_begin_with_the_onset():
    """An onset before the span takes all of it, and one after it leaves no day."""
    certify = evidence().certify
    assert choose_days(certify, SPAN, day_number(dt.date(2026, 3, 25))) == Span(dt.date(2026, 3, 25), SPAN.last)
    assert choose_days(certify, SPAN, START - 5) == SPAN
    assert choose_days(certify, SPAN, day_number(dt.date(2026, 3, 30))) is None
    assert without_onset(day_number(dt.date(2026, 3, 30)), SPAN).sentence == (
        "No day since the estimated onset on 2026-03-30 has matured labels yet: they end with 2026-03-29."
    )


@pytest.mark.parametrize(
    ("rows", "first"),
    [(1_000, dt.date(2026, 3, 23)), (500, dt.date(2026, 3, 20)), (100, FIRST)],
    ids=["week", "10", "all"],
)
def test_without_an_onset_the_newest_days_are_taken(rows, first):
    """A week, or as many days as have 5,000 legitimate rows, or all there are."""
    assert choose_days(evidence(flagged=4, rows=rows).certify, SPAN, None) == Span(first, SPAN.last)


def test_evidence_of_some_days_has_their_rows_only():
    """A week of the window keeps its rows, frauds and counts of unknown rows."""
    whole = replace(evidence().certify, unknown_a_day=np.arange(DAYS), quiet_days=())
    part = certify_on(whole, WEEK)
    assert (part.table.days, part.frauds.days, part.frauds.score.size) == (7, 7, 14)
    assert part.unknown_a_day.tolist() == [21, 22, 23, 24, 25, 26, 27]


def test_days_without_a_row_make_no_cohort():
    """Nothing is to be bounded there."""
    assert merge_cohorts([]) is None
    assert merge_cohorts([Cohort(0, 0, 0.05)]) is None


def test_a_larger_inflation_widens_the_bound():
    """16 times the variance leave a sixteenth of the independent rows."""
    assert bound_rate(Cohort(16_000, 640, 0.05, 16.0)) == bound_rate(Cohort(1_000, 40, 0.05, 1.0))


def test_shares_of_bands_come_from_all_days():
    """The payments of two days in one band take the share that labels of a third day tell."""
    rows = [BandDay(1, 2, 3, 300, 0, 0), BandDay(2, 2, 4, 400, 0, 0), BandDay(9, 2, 0, 0, 50, 50)]
    assert find_hidden(rows, 1, 2) == Hidden(rows=7, amount=700.0, unknown=0)
    assert find_hidden(rows, 2, 2) == Hidden(rows=4, amount=400.0, unknown=0)
    assert find_hidden([], 1, 2) == Hidden(rows=0, amount=0.0, unknown=0)

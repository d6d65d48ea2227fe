"""The noise of a candidate is measured on the legitimate certify rows, and reaches the release's manifest."""

import datetime as dt

import numpy as np
import pytest

from antifraud.gate.history import History
from antifraud.killswitch.detectors.measuring import DayCounts
from antifraud.stats.episodes import Frauds
from antifraud.stats.score_tables import ScoreTable
from jobs.judging.noise import day_counts, earlier_days, noise_of

SCHEMA = "window string, day date, terminal string, status string, score int"
FIRST = dt.date(1970, 1, 11)
"""Day 10."""


def row(day, terminal, score, status="legitimate", window="certify"):
    """Return a scored row."""
    return window, FIRST + dt.timedelta(days=day), terminal, status, score


def test_rows_of_a_day_are_counted_by_hand(spark):
    """Two terminals with 3 and 1 rows, 2 and 0 of them flagged: the share is 1/2, the squares .25 and .25."""
    rows = [row(0, "a", 60), row(0, "a", 70), row(0, "a", 50), row(0, "b", 1), row(3, "b", 99)]
    found = day_counts(spark.createDataFrame(rows, SCHEMA), 50)
    assert found == [DayCounts(10, 4, 2, 0.5), DayCounts(13, 1, 1, 0.0)]


def test_only_legitimate_certify_rows_count(spark):
    """Frauds, unknown rows and other windows change nothing; the noise is that of the counts."""
    rows = [row(day, f"t{n % 7}", 100 if (n * 7 + day) % 20 == 0 else 1) for day in range(28) for n in range(60)]
    kinds = (("fraud",), ("unknown",), ("legitimate", "select"))
    others = [row(day, "t1", 100, *kind) for day in range(28) for kind in kinds]
    found = noise_of(spark.createDataFrame(rows + others, SCHEMA), 50, 0.05)
    assert found == noise_of(spark.createDataFrame(rows, SCHEMA), 50, 0.05)
    assert found.rows == 60
    assert found.within >= 1


@pytest.mark.parametrize(("days", "score"), [(20, 100), (28, 1)], ids=["too short", "nothing flagged"])
def test_a_window_that_cannot_tell_has_no_noise(spark, days, score):
    """Twenty days, or none flagged: the guard then assumes a noise."""
    rows = [row(day, "a", score if n else 1) for day in range(days) for n in range(3)]
    assert noise_of(spark.createDataFrame(rows, SCHEMA), 50, 0.05) is None


def test_sampled_days_before_training_are_counted_from_their_table():
    """Three legitimate rows on day 4, one of them above the threshold; two on day 6, both above; no fraud counts."""
    table = ScoreTable.from_rows(
        [4, 4, 4, 5, 6, 6], [10, 20, 90, 90, 80, 90], [False, False, False, True, False, False], [1, 1, 1, 1, 1, 1]
    )
    frauds = Frauds(*(np.array([90]), np.array([1]), np.array([0]), np.array([0])), 3, np.array([5]), first_day=4)
    history = History(table, frauds, np.array([3.0, 1.0, 2.0]))
    assert earlier_days(history, 50) == [DayCounts(4, 3, 1), DayCounts(6, 2, 2)]


def test_the_report_of_a_validated_candidate_has_its_noise(judged):
    """The noise of the whole path, and the maturation curve beside it."""
    _, _, _, report = judged
    assert report.noise is None or report.noise.within >= 1
    assert report.known_shares[-1] == pytest.approx(1.0)

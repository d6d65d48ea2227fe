"""The trade-off table equals scikit-learn on the raw rows, frames the limits, and is made fast."""

import time
from dataclasses import fields

import numpy as np
import pytest
from sklearn import metrics

from antifraud.gate.judge import Certify, Demand, Limits, judge
from antifraud.gate.tradeoff import SHARES, lowest_shown, tradeoff
from antifraud.stats.episodes import Frauds
from antifraud.stats.score_tables import ScoreTable
from antifraud.stats.threshold import LegitBlocks

DAYS, ROWS = 28, 60_000
KEYS = {
    "threshold", "fpr", "fpr_bound", "false_positives_share", "precision", "alerts_a_day", "recall", "value_recall",
    "loss", "loss_bound", "beta",
}  # fmt: skip


def rows(seed=1, count=ROWS):
    rng = np.random.default_rng(seed)
    fraud = rng.random(count) < 0.02
    score = (1_000_000 / (1 + np.exp(4 - rng.normal(3.0 * fraud, 1)))).astype(int)
    return rng.integers(0, DAYS, count), score, fraud, rng.exponential(150_000, count).astype(int) + 1


def certify(day, score, fraud, amount):
    entity = np.arange(day.size) % 700
    kept = np.flatnonzero(fraud)
    frauds = Frauds(score[kept], amount[kept], entity[kept], entity[kept] // 2, DAYS, day[kept])
    blocks = [LegitBlocks(name, entity[~fraud], score[~fraud], np.ones((~fraud).sum(), int)) for name in ("a", "b")]
    return Certify(ScoreTable.from_rows(day, score, fraud, amount), frauds, blocks)


@pytest.fixture(scope="module")
def shown():
    """Return raw rows, report and table."""
    raw = rows()
    evidence = certify(*raw)
    report = judge(evidence.table, evidence, Limits(), demand=Demand(200_000))
    return raw, report, tradeoff(evidence, report, Demand(200_000), seed=20_260_101)


def test_every_row_equals_scikit_learn_on_the_raw_scores(shown):
    """Rates, precision and recalls of every threshold equal scikit-learn's, to 1e-12."""
    (_, score, fraud, amount), _, table = shown
    for row in table:
        flagged = score > row.threshold
        _, alarms, _, _ = metrics.confusion_matrix(fraud, flagged).ravel()
        expected = {
            "fpr": alarms / (~fraud).sum(),
            "false_positives_share": alarms / fraud.size,
            "precision": metrics.precision_score(fraud, flagged),
            "recall": metrics.recall_score(fraud, flagged),
            "value_recall": metrics.recall_score(fraud, flagged, sample_weight=amount),
        }
        assert {name: getattr(row, name) for name in expected} == pytest.approx(expected, abs=1e-12)


def test_the_table_frames_the_limits(shown):
    """The table has at least twelve thresholds, with rates from far below the limit to beyond it.

    The report's own two thresholds are among them.
    """
    _, report, table = shown
    thresholds = [row.threshold for row in table]

    assert all({field.name for field in fields(row)} == KEYS for row in table)
    assert thresholds == sorted(set(thresholds))
    assert 12 <= len(table) <= len(SHARES) + 2
    assert table[0].fpr > 0.07
    assert table[-1].fpr < 0.006
    assert {report.threshold, report.threshold_at_fpr_target} <= set(thresholds)


def test_the_chosen_row_says_what_the_report_says(shown):
    """The row of the chosen threshold has the report's bounds, loss and alerts."""
    _, report, table = shown
    chosen = next(row for row in table if row.threshold == report.threshold)

    assert (chosen.loss, chosen.loss_bound) == (report.loss.mean, report.loss.bound)
    assert (chosen.fpr_bound, chosen.alerts_a_day) == (report.fpr_bound, report.alerts_a_day)


def test_beta_grows_as_the_threshold_falls(shown):
    """A lower threshold has a larger beta, for which hardly any other threshold has a larger F_beta."""
    (_, score, fraud, _), _, table = shown
    betas = [row.beta for row in table if row.beta is not None]
    row = table[len(table) // 2]
    values = [metrics.fbeta_score(fraud, score > each.threshold, beta=row.beta) for each in table]

    assert betas == sorted(betas, reverse=True)
    assert max(values) - values[len(table) // 2] < 0.01


def test_the_lowest_shown_is_the_lowest_of_the_table(shown):
    """Blocks are counted from a score that is not above the table's lowest threshold."""
    raw, report, table = shown

    assert lowest_shown(certify(*raw).table, report.limits) <= table[0].threshold


def test_the_cost_of_a_judgement_grows_no_faster_than_its_rows():
    """Ten times the rows, up to half a million, cost at most fifteen times the processor time."""

    def seconds(count):
        evidence = certify(*rows(2, count))

        def once():
            began = time.process_time()
            report = judge(evidence.table, evidence, Limits())
            judged = time.process_time()
            tradeoff(evidence, report, Demand(), seed=1)
            return judged - began, time.process_time() - judged

        measured = [once() for _ in range(3)]
        return min(judged for judged, _ in measured), min(shown for _, shown in measured)

    small, large = seconds(50_000), seconds(500_000)
    assert large[0] < 15 * small[0]
    assert large[1] < 15 * small[1]

"""Slices count every labelled row exactly once each, and agree with the verdict."""

import numpy as np
import pytest

from antifraud.lake.catalog import open_catalog, read_days
from antifraud.lake.schemas import FEATURES, LABELS
from antifraud.model.evaluator import read_evaluator
from jobs.judging.scoring import scored
from jobs.judging.slices import slice_counts, slices_of
from jobs.rows.inputs import Inputs
from jobs.rows.source import labelled_rows
from jobs.rows.vectors import vectors_of
from jobs.rows.windows import Windows
from tests.spark.model_lake import AS_OF

HAND_MADE = [
    # status, amount_minor, hour, customer_30d_count, terminal_fraud_30d, flagged
    ("legitimate", 4_999, 0.0, 0.0, 0.0, False),
    ("legitimate", 5_000, 0.0, 3.0, 0.0, True),
    ("legitimate", 5_000, 23.0, 3.0, 2.0, False),
    ("fraud", 100_000, 23.0, 0.0, 2.0, True),
    ("fraud", 99_999, 23.0, 3.0, 0.0, False),
    ("unknown", 99_999, 23.0, 3.0, 0.0, True),
]
FLAGGED = (
    "status string, amount_minor bigint, hour double, customer_30d_count double, terminal_fraud_30d double, "
    "flagged boolean"
)
EXPECTED = {
    # slice, place, value: legitimate, false positives, frauds, caught, amount of frauds, of those caught
    ("amount, RUB", 0, "0 to 50"): (1, 0, 0, 0, 0, 0),
    ("amount, RUB", 1, "50 to 100"): (2, 1, 0, 0, 0, 0),
    ("amount, RUB", 4, "500 to 1,000"): (0, 0, 1, 0, 99_999, 0),
    ("amount, RUB", 5, "1,000 and more"): (0, 0, 1, 1, 100_000, 100_000),
    ("hour of day, UTC", 0, "00"): (2, 1, 0, 0, 0, 0),
    ("hour of day, UTC", 23, "23"): (1, 0, 2, 1, 199_999, 100_000),
    ("customer", 0, "seen in 30 days"): (2, 1, 1, 0, 99_999, 0),
    ("customer", 1, "new: none in 30 days"): (1, 0, 1, 1, 100_000, 100_000),
    ("terminal", 0, "fraud learnt in 30 days"): (1, 0, 1, 1, 100_000, 100_000),
    ("terminal", 1, "no fraud learnt"): (2, 1, 1, 0, 99_999, 0),
}


def test_counts_by_hand(spark):
    """Each labelled row counts once in every slice, and the unknown row in none; a band includes its lower bound."""
    rows = slice_counts(spark.createDataFrame(HAND_MADE, FLAGGED)).collect()
    assert {tuple(row[:3]): tuple(row[3:]) for row in rows} == EXPECTED


@pytest.fixture(scope="module")
def recount(judged):
    """Return labelled certify rows with fraud status and decision, made by NumPy from lake and candidate."""
    _, settings, candidate, report = judged
    catalog, certify = open_catalog(settings), Windows.from_dict(candidate.info["windows"]).certify
    features = read_days(catalog, FEATURES, certify.first, certify.last)
    labels = read_days(catalog, LABELS, certify.first, certify.last, ["day", "transaction_id", "status"])
    rows = features.join(labels, ["day", "transaction_id"], join_type="inner").combine_chunks()
    flagged = read_evaluator(candidate.path).score(vectors_of(rows)) > report.threshold
    is_fraud = np.array(rows["status"].to_pylist()) == "fraud"
    return rows, is_fraud, flagged


def test_a_slice_equals_a_recount(judged, recount):
    """The figures of the band from 500 to 1,000 RUB equal a count of the lake's rows."""
    rows, is_fraud, flagged = recount
    amount = rows["amount_minor"].to_numpy()
    band = (amount >= 50_000) & (amount < 100_000)
    (found,) = [row for row in judged[3].slices if row.value == "500 to 1,000"]
    assert found.legitimate == int((band & ~is_fraud).sum())
    assert found.false_positives == int((band & ~is_fraud & flagged).sum())
    assert found.caught_amount == int(amount[band & is_fraud & flagged].sum())
    assert found.recall == pytest.approx((flagged & is_fraud & band).sum() / (is_fraud & band).sum())


def test_every_slice_adds_up_to_the_verdict(judged):
    """Each slice adds up to the legitimate rows, false positives and recall of the gate's report."""
    report = judged[3]
    for name in {row.slice for row in report.slices}:
        rows = [row for row in report.slices if row.slice == name]
        assert sum(row.legitimate for row in rows) == report.legitimate
        assert sum(row.false_positives for row in rows) == report.false_positives
        frauds, caught = (sum(getattr(row, key) for row in rows) for key in ("frauds", "caught"))
        assert caught / frauds == pytest.approx(report.recall)
    assert len({row.slice for row in report.slices}) == 4


def test_an_impossible_threshold_flags_nobody(judged):
    """At 1,000,000 ppm no row is flagged, so that nothing is caught and value recall is 0."""
    session, settings, candidate, _ = judged
    inputs = Inputs.of(settings, Windows.from_dict(candidate.info["windows"]).spans, AS_OF)
    found = slices_of(scored(labelled_rows(session, inputs), candidate.path), 1_000_000)
    assert {(row.false_positives, row.caught) for row in found} == {(0, 0)}
    assert {row.value_recall for row in found if row.frauds} == {0.0}

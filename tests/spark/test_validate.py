"""Validation on a small lake: what is judged, what is stored, and what refuses to be judged."""

import dataclasses
import datetime as dt
import json
from html import unescape

import numpy as np
import pyarrow as pa
import pytest

from antifraud.errors import DataError, ReleaseError
from antifraud.gate_report import GateReport
from antifraud.lake import open_catalog, read_days, read_release
from antifraud.schemas import FEATURES, LABELS, SCORES
from antifraud.score_tables import ScoreTable
from jobs.model.inputs import Inputs
from jobs.model.reduction import largest_difference, score_table_rows, table_of, terminal_blocks
from jobs.model.scoring import SCORED, score_batches
from jobs.model.source import labelled_rows
from jobs.model.vectors import vectors_of
from jobs.model.windows import Windows
from jobs.validate import validate
from tests.spark.model_lake import AS_OF

DAY = dt.date(2026, 3, 1)
HAND_MADE = [
    ("certify", DAY, "k1.a", "k1.x", 700, "fraud", 50, 50),
    ("certify", DAY, "k1.b", "k1.x", 900, "fraud", 50, 51),
    ("certify", DAY, "k1.c", "k1.x", 100, "legitimate", 10, 10),
    ("certify", DAY, "k1.c", "k1.y", 100, "legitimate", 60, 60),
    ("certify", DAY, "k1.c", "k1.y", 100, "legitimate", 60, 60),
    ("certify", DAY, "k1.c", "k1.y", 100, "unknown", 60, 60),
    ("select", DAY, "k1.c", "k1.y", 100, "legitimate", 60, 60),
]


def test_reduction_by_hand(spark):
    """Seven rows become one table: unknown rows are left out, squares and maxima are over the frauds."""
    rows = score_table_rows(spark.createDataFrame(HAND_MADE, SCORED), "r").toArrow()
    columns = table_of(rows, "certify").columns()
    assert columns["score"] == [10, 50, 60]
    assert columns["legit"] == [1, 0, 2]
    assert columns["fraud"] == [0, 2, 0]
    assert columns["fraud_amount"] == [0, 1_600, 0]
    assert columns["fraud_amount_sq"] == [0, 700**2 + 900**2, 0]
    assert columns["fraud_amount_max"] == [0, 900, 0]


def test_terminal_blocks_fold_what_is_never_flagged(spark):
    """With 50 as the lowest threshold the row at 10 counts at 50, in its own terminal."""
    rows = spark.createDataFrame(HAND_MADE, SCORED).where("window = 'certify'")
    blocks = terminal_blocks(rows, lowest=50)
    assert sorted(zip(blocks.score.tolist(), blocks.legit.tolist(), strict=True)) == [(50, 1), (60, 2)]
    assert sorted(set(blocks.block.tolist())) == [0, 1]


def test_an_export_that_differs_is_refused(spark):
    """More than 2 ppm between evaluator and CatBoost stops validation; the 1 ppm above is fine."""
    rows = spark.createDataFrame(HAND_MADE, SCORED)
    assert largest_difference(rows) == 1
    with pytest.raises(DataError, match="by up to 3 ppm, at most 2"):
        largest_difference(rows.selectExpr("score", "score + 3 as peer"))


def test_stored_scores_equal_a_recount(judged):
    """The stored certify table equals one made in NumPy from the lake's rows and the candidate's files."""
    _, settings, candidate, _ = judged
    catalog, certify = open_catalog(settings), Windows.from_dict(candidate.info["windows"]).certify
    features = read_days(catalog, FEATURES, certify.first, certify.last)
    labels = read_days(catalog, LABELS, certify.first, certify.last, ["transaction_id", "status"])
    rows = features.join(labels, "transaction_id", join_type="inner").combine_chunks()
    batch = rows.append_column("window", pa.array(["certify"] * rows.num_rows)).to_batches()[0]
    score = _score(candidate, batch)
    day = np.array([date.toordinal() - dt.date(1970, 1, 1).toordinal() for date in rows["day"].to_pylist()])
    is_fraud = np.array(rows["status"].to_pylist()) == "fraud"
    expected = ScoreTable.from_rows(day, score, is_fraud, rows["amount_minor"].to_numpy())
    stored = table_of(read_release(catalog, SCORES, candidate.id), "certify")
    assert stored.columns() == expected.columns()


def _score(candidate, batch):
    from antifraud.evaluator import read_evaluator

    model, calibration = (candidate.path / "model.onnx").read_bytes(), (candidate.path / "calibration.json").read_text()
    (scored,) = score_batches(model, calibration, None)([batch])
    assert scored.column("peer").null_count == batch.num_rows
    assert scored.column("score").to_pylist() == read_evaluator(candidate.path).score(vectors_of(batch)).tolist()
    return scored.column("score").to_numpy()


def test_the_report_holds_both_verdicts(judged):
    """PASS at the observed volume, INFEASIBLE at 50 transactions a second; it reads back as a GateReport."""
    _, settings, candidate, report = judged
    written = json.loads((settings.under_home("reports", str(AS_OF)) / "report.json").read_text())
    assert GateReport.from_dict(written).to_dict() == GateReport.from_dict(report).to_dict()
    assert (written["verdict"], written["at_full_volume"]["verdict"]) == ("PASS", "INFEASIBLE")
    assert written["candidate"] == candidate.id
    assert written["at_full_volume"]["judged_transactions_a_month"] == 129_600_000
    assert written["fpr_bound"] <= 0.05
    assert 0 <= written["evaluator_difference_ppm"] <= 2


def test_the_page_shows_verdict_limits_and_curve(judged):
    """The page names the verdict, both limits and every reason, and draws the curve."""
    _, _, candidate, report = judged
    page = (candidate.path / "report.html").read_text()
    assert '<header class="PASS">' in page
    assert "5.00 %" in page
    assert "500,000" in page
    for reason in [*report["reasons"], *report["at_full_volume"]["reasons"]]:
        assert reason in unescape(page)
    assert page.count('<line class="limit"') == 2
    assert '<circle class="chosen"' in page
    assert "new: none in 30 days" in page


def test_data_that_changed_since_training_is_refused(judged):
    """A candidate is judged on the days it was trained with, or not at all."""
    session, settings, candidate, _ = judged
    inputs = Inputs.of(settings, Windows.from_dict(candidate.info["windows"]).spans, AS_OF)
    with pytest.raises(ReleaseError, match="trained on other days"):
        validate(session, settings, candidate, dataclasses.replace(inputs, days="other"))


def test_certify_rows_hold_only_labels_known_on_the_day(judged):
    """One day earlier the last certify day's labels have not arrived, and its rows are unknown."""
    session, settings, candidate, _ = judged
    inputs = Inputs.of(settings, Windows.from_dict(candidate.info["windows"]).spans, AS_OF - dt.timedelta(days=1))
    last = labelled_rows(session, inputs).where("day = DATE '2026-03-08'")
    assert {row["status"] for row in last.select("status").distinct().collect()} == {"unknown"}

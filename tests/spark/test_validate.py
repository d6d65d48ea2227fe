"""Validation on a small lake: what is judged, what is stored, and what refuses to be judged."""

import dataclasses
import datetime as dt
import json
from html import unescape

import numpy as np
import pyarrow as pa
import pytest

from antifraud.clock import DAY_SECONDS, day_number
from antifraud.comparison import Decider
from antifraud.errors import DataError, NotANumber, ReleaseError
from antifraud.gate_report import GateReport, Limits
from antifraud.lake import open_catalog, read_days, read_release
from antifraud.release import activate, write_bundle
from antifraud.schemas import FEATURES, LABELS, SCORES
from antifraud.score_tables import ScoreTable
from jobs.model.champion import judge_rivals, scorable, succession
from jobs.model.evidence import scored_windows
from jobs.model.inputs import Inputs
from jobs.model.limits import demand_of
from jobs.model.reduction import (
    customer_blocks,
    frauds_of,
    largest_difference,
    maturation_of,
    require_numbers,
    score_table_rows,
    table_of,
    terminal_blocks,
)
from jobs.model.rivals import find_rivals
from jobs.model.scoring import SCORED, score_batches
from jobs.model.source import labelled_rows
from jobs.model.vectors import vectors_of
from jobs.model.windows import Windows
from jobs.validate import validate
from tests.release_keys import PUBLIC, SIGNING, put_keys
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


def test_reduction_of_many_rows_equals_a_recount(spark):
    """Random rows of three windows, a tenth unknown, few scores: every window's table is NumPy's own of its rows."""
    draw = np.random.default_rng(5)
    count, names = 3_000, np.array(["train", "select", "certify"])
    window, status = (
        names[draw.integers(0, 3, count)],
        draw.choice(["fraud", "legitimate", "unknown"], count, p=[0.3, 0.6, 0.1]),
    )
    day, score, amount = draw.integers(0, 9, count), draw.integers(0, 40, count), draw.integers(1, 10**9, count)
    dates = [DAY + dt.timedelta(days=int(n)) for n in day]
    columns = {
        "window": window,
        "day": dates,
        "amount_minor": amount,
        "status": status,
        "score": score.astype(np.int32),
    }
    rows = score_table_rows(spark.createDataFrame(pa.table(columns)), "r").toArrow()
    assert rows.schema.names == [column.name for column in SCORES.columns]
    for name in names:
        kept = (window == name) & (status != "unknown")
        expected = ScoreTable.from_rows(day[kept] + day_number(DAY), score[kept], status[kept] == "fraud", amount[kept])
        assert table_of(rows, name).columns() == expected.columns()


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


def test_customer_blocks_are_counted_like_terminal_blocks(spark):
    """All three legitimate rows are one customer's: one block with two scores, counted from 50 up."""
    rows = spark.createDataFrame(HAND_MADE, SCORED).where("window = 'certify'")
    blocks = customer_blocks(rows, lowest=50)
    assert (blocks.name, blocks.lowest, blocks.totals.tolist()) == ("customers", 50, [3.0])
    assert list(zip(blocks.score.tolist(), blocks.legit.tolist(), strict=True)) == [(50, 1), (60, 2)]


def test_frauds_keep_their_day_and_lose_their_tokens(spark):
    """Two frauds at one terminal by two customers, on the day they happened."""
    found = frauds_of(spark.createDataFrame(HAND_MADE, SCORED), 28)
    assert found.day.tolist() == [day_number(DAY)] * 2
    assert (len(set(found.terminal.tolist())), len(set(found.customer.tolist()))) == (1, 2)


def test_maturation_counts_when_a_fraud_was_first_called_one(spark):
    """Of three frauds two are known after two days, one after four; what is learnt after the day does not count."""

    def said(number, event, days, status, source="feed"):
        learned = (day_number(DAY) + event + days) * DAY_SECONDS + 7
        return (DAY + dt.timedelta(days=event), number, status, learned, source, number, 0)

    rows = [
        *(said(1, 0, 2, "fraud"), said(1, 0, 5, "fraud", "client"), said(2, 0, 4, "fraud")),
        *(said(3, 0, 1, "legitimate"), said(4, 5, 2, "fraud"), said(5, 5, 9, "fraud")),
    ]
    labels = spark.createDataFrame(rows, ", ".join(f"{c.name} {c.type}" for c in LABELS.columns))
    curve = maturation_of(labels, DAY + dt.timedelta(days=7))
    assert curve.known[[1, 2, 3, 4, 7]].tolist() == pytest.approx([0.0, 0.5, 0.5, 1.0, 1.0])


def test_features_that_are_no_numbers_are_refused(spark):
    """Null is unknown and fine; NaN and infinity are named with their counts."""
    rows = spark.createDataFrame([(1.0, None), (2.0, 3.0)], "a double, b double")
    require_numbers(rows, ["a", "b"])
    odd = rows.union(spark.createDataFrame([(float("nan"), 1.0), (float("-inf"), 1.0)], "a double, b double"))
    with pytest.raises(NotANumber, match=r"features: \{'a': 2\}"):
        require_numbers(odd, ["a", "b"])


def test_the_report_shows_the_trade_off_and_every_bound(judged):
    """Rows, days, terminals and customers bound the rate; the table's row of the threshold is the report's own."""
    _, _, _, report = judged
    chosen = next(row for row in report["tradeoff"] if row["threshold"] == report["threshold"])
    assert set(report["fpr_bounds"]) == {"rows", "days", "terminals", "customers", "all kinds together"}
    assert (chosen["fpr_bound"], chosen["loss_bound"]) == (report["fpr_bound"], report["loss"]["bound"])
    assert (report["maturity"]["factor"], report["maturity"]["days"]) == (1.0, 0)
    assert (report["champion"], report["promotable"]) == (None, True)


def serve(settings, candidate, release, **changes):
    """Put the candidate's own files into service as a release of another name."""
    files = {name: (candidate.path / name).read_bytes() for name in ("model.onnx", "calibration.json", "golden.json")}
    manifest = {**candidate.info, "threshold": json.loads((candidate.path / "report.json").read_text())["threshold"]}
    write_bundle(settings.releases_dir, release, files, {**manifest, **changes}, SIGNING)
    activate(settings.releases_dir, release, PUBLIC)
    put_keys(settings.home)


def beside(session, settings, candidate):
    """The releases of `settings`, judged beside the candidate on its own rows."""
    inputs = Inputs.of(settings, Windows.from_dict(candidate.info["windows"]).spans, AS_OF)
    rivals = find_rivals(settings, inputs, candidate.id)
    with scored_windows(session, inputs, candidate.path, [bundle.path for bundle in scorable(rivals)]) as results:
        return judge_rivals(results, rivals, inputs, settings, Limits())


@pytest.fixture
def elsewhere(judged, tmp_path):
    """Settings with a home of their own for releases, on the same lake."""
    settings = judged[1]
    lake = {"catalog_uri": settings.lake_catalog_uri, "warehouse": settings.lake_warehouse}
    return dataclasses.replace(settings, home=tmp_path, **lake)


def test_a_champion_is_judged_on_the_same_rows(judged, elsewhere):
    """The candidate against itself: no difference, so it is not inferior; with a reckless threshold it is."""
    session, settings, candidate, alone = judged
    assert beside(session, elsewhere, candidate) == []
    serve(elsewhere, candidate, "2026-03-14-same")
    (same,) = beside(session, elsewhere, candidate)
    here = GateReport.from_dict(alone)
    said = succession(same, Decider(same.certify.table, here.threshold), here, settings)
    assert (said["promotable"], said["champion"]["verdict"], said["champion"]["note"]) == (True, "PASS", "")
    assert said["champion"]["comparison"]["loss_difference"] == 0.0
    assert said["promotable_reason"].startswith("Not worse than the champion on 14 paired days")
    other = same.alternative(demand_of(settings), settings.seed)
    assert other.loss_bound == pytest.approx(alone["loss_at_fpr_target"]["bound"])
    worse = succession(same, Decider(same.certify.table, 1_000_000), here, settings)
    assert not worse["promotable"]
    assert "May be worse than the champion" in worse["promotable_reason"]


ODD_WINDOWS = {w: {"first": "2026-03-05", "last": "2026-03-06"} for w in ("train", "select", "certify")}


@pytest.mark.parametrize(
    ("changes", "why"),
    [({"feature_set": "other"}, "Its feature set differs from today's"), ({"windows": ODD_WINDOWS}, "Fewer")],
)
def test_a_champion_that_cannot_be_compared_keeps_nobody_out(judged, elsewhere, changes, why):
    """Other features, or too few days that both models had not seen: the report says so, and a PASS is enough."""
    session, settings, candidate, alone = judged
    serve(elsewhere, candidate, "2026-03-14-odd", **changes)
    (champion,) = beside(session, elsewhere, candidate)
    here = GateReport.from_dict(alone)
    said = succession(champion, Decider(ScoreTable.from_rows([], [], [], []), 0), here, settings)
    assert said["promotable"]
    assert why in said["promotable_reason"]
    assert (said["champion"]["verdict"], said["champion"]["comparison"]) == (None, None)


def test_a_damaged_champion_keeps_nobody_out(judged, elsewhere):
    """One byte flipped in what serves: said in the report; the damaged bundle itself is left as it is."""
    session, _, candidate, _ = judged
    serve(elsewhere, candidate, "2026-03-14-torn")
    model = elsewhere.releases_dir / "2026-03-14-torn" / "model.onnx"
    model.write_bytes(model.read_bytes()[:-1] + b"\x00\x01")
    (champion,) = beside(session, elsewhere, candidate)
    assert "does not verify" in champion.note


def test_every_earlier_release_at_hand_is_named(judged, elsewhere):
    """Champion, previous and anchor are scored beside the candidate; one that saw certify days is no model at hand."""
    session, _, candidate, alone = judged
    serve(elsewhere, candidate, "2026-03-11-anchor")
    serve(elsewhere, candidate, "2026-03-12-seen", windows=ODD_WINDOWS)
    serve(elsewhere, candidate, "2026-03-13-previous")
    serve(elsewhere, candidate, "2026-03-14-champion")
    inputs = Inputs.of(elsewhere, Windows.from_dict(candidate.info["windows"]).spans, AS_OF)
    report = validate(session, elsewhere, candidate, inputs)
    names = ["champion 2026-03-14-champion", "previous 2026-03-13-previous", "anchor 2026-03-11-anchor"]
    bounds = {each["name"]: each["loss_bound"] for each in report["alternatives"]}
    assert bounds == dict.fromkeys(names, pytest.approx(alone["loss_at_fpr_target"]["bound"]))
    assert "the best of 4 models (this one) reaches" in report["at_full_volume"]["reasons"][-1]
    activate(elsewhere.releases_dir, "2026-03-12-seen", PUBLIC)
    activate(elsewhere.releases_dir, "2026-03-14-champion", PUBLIC)
    assert [rival.role for rival in find_rivals(elsewhere, inputs, candidate.id)] == ["champion", "anchor"]


def test_squares_of_the_largest_amounts_are_exact(spark):
    """Forty frauds of the largest amount: their squares' sum needs 66 bits, and every one of them is right."""
    rows = [("certify", DAY, "k1.a", "k1.x", 10**9 - index, "fraud", 50, 50) for index in range(40)]
    columns = table_of(score_table_rows(spark.createDataFrame(rows, SCORED), "r").toArrow(), "certify").columns()
    assert columns["fraud_amount_sq"] == [sum((10**9 - index) ** 2 for index in range(40))]

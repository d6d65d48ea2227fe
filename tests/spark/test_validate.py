"""Validation on a small lake: what it judges, what it stores, and what it refuses to judge."""

import dataclasses
import datetime as dt
import json
from html import unescape

import numpy as np
import pyarrow as pa
import pytest

from antifraud.artifacts.bundle import write_bundle
from antifraud.artifacts.pointer import activate
from antifraud.errors import ReleaseError
from antifraud.gate.limits import Limits
from antifraud.gate.report import read_report
from antifraud.lake.catalog import open_catalog, read_days, read_release
from antifraud.lake.schemas import FEATURES, LABELS, SCORES
from antifraud.stats.comparison import Decider
from antifraud.stats.episodes import Frauds
from antifraud.stats.score_tables import ScoreTable
from jobs.judging.certify_rows import scored_windows
from jobs.judging.champion import judge_rivals, scorable, succession
from jobs.judging.limits import demand_of
from jobs.judging.reduction import table_of
from jobs.judging.rivals import find_rivals
from jobs.judging.scoring import LEARNT, score_batches
from jobs.judging.validate import validate
from jobs.rows.dataset import count_by_status
from jobs.rows.inputs import Inputs
from jobs.rows.source import labelled_rows
from jobs.rows.vectors import vectors_of
from jobs.rows.windows import Windows
from tests.release_keys import PUBLIC, SIGNING, put_keys
from tests.spark.model_lake import AS_OF, name


def test_stored_scores_equal_a_recount(judged):
    """The stored certify table equals one that NumPy makes from the lake's rows and the candidate's files."""
    _, settings, candidate, _ = judged
    catalog, certify = open_catalog(settings), Windows.from_dict(candidate.info["windows"]).certify
    features = read_days(catalog, FEATURES, certify.first, certify.last)
    labels = read_days(catalog, LABELS, certify.first, certify.last, ["day", "transaction_id", "status"])
    rows = features.join(labels, ["day", "transaction_id"], join_type="inner").combine_chunks()
    rows = rows.append_column("window", pa.array(["certify"] * rows.num_rows))
    # Scores do not depend on when labels were learnt.
    batch = rows.append_column(LEARNT, pa.nulls(rows.num_rows, pa.int32())).to_batches()[0]
    score = _score(candidate, batch)
    day = np.array([date.toordinal() - dt.date(1970, 1, 1).toordinal() for date in rows["day"].to_pylist()])
    is_fraud = np.array(rows["status"].to_pylist()) == "fraud"
    expected = ScoreTable.from_rows(day, score, is_fraud, rows["amount_minor"].to_numpy())
    stored = table_of(read_release(catalog, SCORES, candidate.id), "certify")
    assert stored.columns() == expected.columns()


def _score(candidate, batch):
    from antifraud.model.evaluator import read_evaluator

    model, calibration = (candidate.path / "model.onnx").read_bytes(), (candidate.path / "calibration.json").read_text()
    (scored,) = score_batches(model, calibration, None)([batch])
    assert scored.column("peer").null_count == batch.num_rows
    assert scored.column("score").to_pylist() == read_evaluator(candidate.path).score(vectors_of(batch)).tolist()
    return scored.column("score").to_numpy()


def test_rows_without_a_label_are_counted_as_volume(judged):
    """All 400 rows of a day count as volume, but the 4 rows without a label count in no rate."""
    _, settings, candidate, report = judged
    assert report.unknown == 14 * 4
    assert report.observed_transactions_a_month == 400 * 30
    stored = read_release(open_catalog(settings), SCORES, candidate.id)
    assert table_of(stored, "certify").transactions == 14 * 396


def test_the_report_holds_both_verdicts(judged):
    """The report says PASS at the observed volume and INFEASIBLE at 50 transactions a second, and can be read back."""
    _, settings, candidate, report = judged
    file = settings.under_home("reports", str(AS_OF)) / "report.json"
    written = json.loads(file.read_text())
    assert read_report(file) == report
    assert (written["verdict"], written["at_full_volume"]["verdict"]) == ("PASS", "INFEASIBLE")
    assert written["candidate"] == candidate.id
    assert written["at_full_volume"]["judged_transactions_a_month"] == 129_600_000
    assert written["fpr_bound"] <= 0.05
    assert 0 <= written["evaluator_difference_ppm"] <= 2


def test_the_page_shows_verdict_limits_and_curve(judged):
    """The page names the verdict, both limits and every reason, and draws limits and choice."""
    _, _, candidate, report = judged
    page = (candidate.path / "report.html").read_text()
    assert '<header class="PASS">' in page
    assert "5.00 %" in page
    assert "500,000" in page
    for reason in [*report.reasons, report.action, *report.at_full_volume.reasons, report.at_full_volume.action]:
        assert reason in unescape(page)
    assert page.count('<line class="limit"') == 2
    assert '<circle class="chosen"' in page
    assert "new: none in 30 days" in page


def test_data_that_changed_since_training_is_refused(judged):
    """A candidate is refused if the days that it was trained on have changed."""
    session, settings, candidate, _ = judged
    inputs = Inputs.of(settings, Windows.from_dict(candidate.info["windows"]).spans, AS_OF)
    with pytest.raises(ReleaseError, match="trained on other days"):
        validate(session, settings, candidate, dataclasses.replace(inputs, days="other"))


def test_certify_rows_hold_only_labels_known_on_the_day(judged):
    """As of a day earlier, labels of the last certify day have not arrived, so its rows are unknown."""
    session, settings, candidate, _ = judged
    inputs = Inputs.of(settings, Windows.from_dict(candidate.info["windows"]).spans, AS_OF - dt.timedelta(days=1))
    last = labelled_rows(session, inputs).where("day = DATE '2026-03-08'")
    assert {row["status"] for row in last.select("status").distinct().collect()} == {"unknown"}


def test_labels_published_in_between_change_nothing(judged):
    """A job reads the labels that were there when it began; only the next job reads newer ones."""
    session, settings, candidate, report = judged
    spans = Windows.from_dict(candidate.info["windows"]).spans
    inputs, table = Inputs.of(settings, spans, AS_OF), name("labels")
    assert candidate.info["labels_snapshot"] == inputs.labels_snapshot
    corrected = session.table(table).where("day between '2026-02-10' and '2026-03-06'").selectExpr(
        "day", "transaction_id", "'fraud' as status", "learned_at + 86400 as learned_at", "'client' as source",
        *(column.name for column in LABELS.columns[5:]),
    )  # fmt: skip
    try:
        corrected.writeTo(table).append()
        after = Inputs.of(settings, spans, AS_OF)
        now, before = (count_by_status(labelled_rows(session, each)) for each in (after, inputs))
        again = validate(session, settings, candidate, inputs)
    finally:
        session.sql(f"CALL lake.system.rollback_to_snapshot('antifraud.labels', {inputs.labels_snapshot})")
    assert after.labels_snapshot not in {inputs.labels_snapshot, 0}
    assert before["train"] == candidate.info["counts"]["train"] != now["train"]
    assert again == report


def test_the_report_shows_the_trade_off_and_every_bound(judged):
    """The rate is bounded by four kinds of blocks and all together, and the table has the report's own row."""
    _, _, _, report = judged
    chosen = next(row for row in report.tradeoff if row.threshold == report.threshold)
    assert set(report.fpr_bounds) == {"rows", "days", "terminals", "customers", "all kinds together"}
    assert (chosen.fpr_bound, chosen.loss_bound) == (report.fpr_bound, report.loss.bound)
    assert (report.maturity.factor, report.maturity.days) == (1.0, 0)
    assert (report.champion, report.promotable, report.looks) == (None, True, 1)
    counted = report.counts["certify"]
    assert (counted["legitimate"], counted["unknown"]) == (report.legitimate, report.unknown)
    assert counted["fraud"] == sum(row.frauds for row in report.slices if row.slice == "customer")


def serve(settings, candidate, release, **changes):
    """Put the candidate's own files into service as a release of another name."""
    files = {name: (candidate.path / name).read_bytes() for name in ("model.onnx", "calibration.json", "golden.json")}
    manifest = {**candidate.info, "threshold": json.loads((candidate.path / "report.json").read_text())["threshold"]}
    write_bundle(settings.releases_dir, release, files, {**manifest, **changes}, SIGNING)
    activate(settings.releases_dir, release, PUBLIC)
    put_keys(settings.home)


def beside(session, settings, candidate):
    """Return the verdicts on the releases of `settings`, judged on the candidate's own rows."""
    inputs = Inputs.of(settings, Windows.from_dict(candidate.info["windows"]).spans, AS_OF)
    rivals = find_rivals(settings, inputs, candidate.id)
    with scored_windows(session, inputs, candidate.path, scorable(rivals)) as results:
        return judge_rivals(results, rivals, inputs, settings, Limits())


@pytest.fixture
def elsewhere(judged, tmp_path):
    """Return settings with a home of their own for releases, on the same lake."""
    settings = judged[1]
    lake = {"catalog_uri": settings.lake_catalog_uri, "warehouse": settings.lake_warehouse}
    return dataclasses.replace(settings, home=tmp_path, **lake)


def test_a_champion_is_judged_on_the_same_rows(judged, elsewhere):
    """A candidate that equals the champion may replace it; with a threshold that flags nothing it may not."""
    session, settings, candidate, alone = judged
    assert beside(session, elsewhere, candidate) == []
    serve(elsewhere, candidate, "2026-03-14-same")
    (same,) = beside(session, elsewhere, candidate)
    said = succession(same, Decider(same.certify.table, alone.threshold, same.certify.frauds), alone, settings)
    assert (said.promotable, said.champion.verdict, said.champion.note) == (True, "PASS", "")
    assert said.champion.comparison.loss_difference == 0.0
    assert said.promotable_reason.startswith("Not worse than the champion on 14 paired days")
    other = same.alternative(demand_of(settings), settings.seed)
    assert other.loss_bound == pytest.approx(alone.loss_at_fpr_target.bound)
    worse = succession(same, Decider(same.certify.table, 1_000_000, same.certify.frauds), alone, settings)
    assert not worse.promotable
    assert "May be worse than the champion" in worse.promotable_reason


ODD_WINDOWS = {w: {"first": "2026-03-05", "last": "2026-03-06"} for w in ("train", "select", "certify")}


@pytest.mark.parametrize(
    ("changes", "why"),
    [({"feature_set": "other"}, "Its feature set differs from today's"), ({"windows": ODD_WINDOWS}, "Fewer")],
)
def test_a_champion_that_cannot_be_compared_keeps_nobody_out(judged, elsewhere, changes, why):
    """A champion with other features or too few unseen days cannot be compared, so a PASS is enough.

    The report says why.
    """
    session, settings, candidate, alone = judged
    serve(elsewhere, candidate, "2026-03-14-odd", **changes)
    (champion,) = beside(session, elsewhere, candidate)
    nothing = Decider(ScoreTable.from_rows([], [], [], []), 0, Frauds(*[np.zeros(0, int)] * 4, days=0))
    said = succession(champion, nothing, alone, settings)
    assert said.promotable
    assert why in said.promotable_reason
    assert said.promotable_reason.startswith("The champion could not be compared with the candidate. ")
    named = "It is replaced only if it is named: --replace-unjudged 2026-03-14-odd." in said.promotable_reason
    assert named == ("feature_set" in changes)
    assert (said.champion.verdict, said.champion.comparison) == (None, None)


def test_a_damaged_champion_keeps_nobody_out(judged, elsewhere):
    """A champion with a damaged model file is reported as one that does not verify."""
    session, _, candidate, _ = judged
    serve(elsewhere, candidate, "2026-03-14-torn")
    model = elsewhere.releases_dir / "2026-03-14-torn" / "model.onnx"
    model.write_bytes(model.read_bytes()[:-1] + b"\x00\x01")
    (champion,) = beside(session, elsewhere, candidate)
    assert "does not verify" in champion.note


@pytest.mark.prove
def test_every_earlier_release_at_hand_is_named(judged, elsewhere):
    """Champion, previous and anchor are scored beside the candidate, but no release that saw certify days."""
    session, _, candidate, alone = judged
    serve(elsewhere, candidate, "2026-03-11-anchor")
    serve(elsewhere, candidate, "2026-03-12-seen", windows=ODD_WINDOWS)
    serve(elsewhere, candidate, "2026-03-13-previous")
    serve(elsewhere, candidate, "2026-03-14-champion")
    inputs = Inputs.of(elsewhere, Windows.from_dict(candidate.info["windows"]).spans, AS_OF)
    report = validate(session, elsewhere, candidate, inputs)
    names = ["champion 2026-03-14-champion", "previous 2026-03-13-previous", "anchor 2026-03-11-anchor"]
    bounds = {each.name: each.loss_bound for each in report.alternatives}
    assert bounds == dict.fromkeys(names, pytest.approx(alone.loss_at_fpr_target.bound))
    assert "the best of 4 models (this one) reaches" in report.at_full_volume.action
    activate(elsewhere.releases_dir, "2026-03-12-seen", PUBLIC)
    activate(elsewhere.releases_dir, "2026-03-14-champion", PUBLIC)
    assert [rival.role for rival in find_rivals(elsewhere, inputs, candidate.id)] == ["champion", "anchor"]

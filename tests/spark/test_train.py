"""Training on a small lake: what it reads, what it writes, and that repeating it changes nothing."""

import dataclasses
import datetime as dt
import json

import numpy as np
import pytest
from pyspark.sql.functions import lit

from antifraud.clock import Span
from antifraud.errors import MissingDay
from antifraud.features.registry import FEATURE_NAMES
from antifraud.model.evaluator import read_evaluator
from jobs.rows.dataset import count_by_status, downsample, labelled, read_sample, write_sample
from jobs.training.train import logged_metrics, train
from tests.spark.model_lake import AS_OF, FIRST

DAY = dt.date(2026, 2, 2)
SAMPLE = (
    "date'2026-02-02' as day",
    "id as transaction_id",
    "if(id % 50 = 0, 'fraud', 'legitimate') as status",
)
FEATURE_SCHEMA = "day date, transaction_id bigint"
LABEL_SCHEMA = "day date, transaction_id bigint, status string"
SPANS = {"train": Span(DAY, DAY), "select": Span(dt.date(2026, 2, 3), dt.date(2026, 2, 3))}


@pytest.fixture
def home(judged):
    return judged[:3]


def test_unlabelled_rows_are_unknown_never_legitimate(spark):
    """Rows without a label count as unknown, as rows labelled unknown do; days outside the windows are left out."""
    features = spark.createDataFrame([(DAY, 1), (DAY, 2), (DAY, 3), (FIRST, 4)], FEATURE_SCHEMA)
    labels = spark.createDataFrame([(DAY, 1, "fraud"), (DAY, 2, "unknown"), (FIRST, 4, "fraud")], LABEL_SCHEMA)
    counts = count_by_status(labelled(features, labels, SPANS))
    assert counts == {"train": {"fraud": 1, "legitimate": 0, "unknown": 2}}


def test_propensities_travel_with_the_labels(spark, tmp_path):
    """A row whose label came by chance weighs for others by its propensity; a row without one counts as certain."""
    values = [f"0.1D as {name}" for name in FEATURE_NAMES]
    features = spark.range(1, 4).selectExpr(
        "date'2026-02-02' as day", "id as transaction_id", "id as event_time", "id as amount_minor", *values
    )
    labels = spark.createDataFrame(
        [(DAY, 1, "fraud", 0.5), (DAY, 2, "legitimate", 0.25), (DAY, 3, "legitimate", None)],
        f"{LABEL_SCHEMA}, propensity double",
    )
    write_sample(labelled(features, labels, SPANS), tmp_path / "sample")
    sample = read_sample(tmp_path / "sample", "train", share=0.5)
    assert sample.propensity.tolist() == [0.5, 0.25, 1.0]
    assert sample.weight.tolist() == [2.0, 8.0, 2.0]
    assert (sample.vectors == np.float32(0.1)).all()


def test_downsampling_keeps_frauds_and_a_share(spark):
    """Downsampling keeps all frauds and about a share of the rest.

    The seed alone decides on the rows, however they are partitioned.
    """
    rows = spark.range(20_000).selectExpr(*SAMPLE)
    kept, again = (sorted(row[1] for row in downsample(rows.repartition(n), 0.1, seed=3).collect()) for n in (2, 7))
    assert kept == again
    assert set(range(0, 20_000, 50)) <= set(kept)
    assert len(kept) - 400 == pytest.approx(1_960, abs=150)
    assert kept != sorted(row[1] for row in downsample(rows, 0.1, seed=4).collect())


def test_every_day_draws_for_itself(spark):
    """Where ids restart every day, an id that is kept on one day is kept on the next by chance only: one in ten."""
    days = [spark.range(10_000).selectExpr(*SAMPLE).withColumn("day", lit(day)) for day in (FIRST, DAY)]
    kept = [{row[1] for row in downsample(rows, 0.1, seed=3).where("status = 'legitimate'").collect()} for rows in days]
    assert [len(each) for each in kept] == [pytest.approx(980, abs=110)] * 2
    assert len(kept[0] & kept[1]) == pytest.approx(98, abs=45)


def test_the_candidate_describes_itself(home):
    """A candidate's file has its windows, its counts by status and its metrics on the select window."""
    _, _, candidate = home
    info = json.loads((candidate.path / "candidate.json").read_text())
    assert info["windows"]["train"] == {"first": "2026-02-02", "last": "2026-02-14"}
    assert info["windows"]["certify"] == {"first": "2026-02-23", "last": "2026-03-08"}
    assert sum(info["counts"]["train"].values()) == 13 * 400
    assert info["counts"]["train"]["unknown"] == 13 * 4
    assert set(info["counts"]) == {"train", "select"}
    assert info["metrics"]["select_auc"] > 0.95
    assert info["metrics"]["select_risk_over_share"] == pytest.approx(1, abs=0.05)


def test_the_candidate_tells_what_was_tried(home):
    """The candidate lists one trial in addition to the tuned parameters, and uses the better one.

    Its baselines learnt from drawn rows, and their figures reach MLflow.
    """
    _, _, candidate = home
    info = candidate.info
    tried = {trial["select_average_precision"]: trial["parameters"] for trial in info["search"]["tried"]}
    assert (info["search"]["done"], info["search"]["stopped_by"]) == (1, "trials")
    assert info["parameters"] == tried[max(tried)]
    baselines = {"logistic_regression", "random_forest", "xgboost_tutorial", "catboost_same_rows"}
    assert set(info["baselines"]) == {*baselines, "catboost"}
    drawn = info["counts"]["train"]["fraud"] + info["counts"]["train"]["legitimate"] * info["kept_share"]
    assert info["train_rows"] == pytest.approx(drawn, rel=0.05)
    assert info["baseline_rows"] == 1_000 < info["train_rows"]
    assert info["baselines"]["catboost"]["auc"] == info["metrics"]["select_auc"]
    logged = logged_metrics(info)
    assert logged["baseline_random_forest_auc"] == info["baselines"]["random_forest"]["auc"]
    assert logged["search_trials"] == 1


def test_golden_rows_are_vectors_with_their_scores(home):
    """Golden rows hold vectors and scores, and the candidate's own files reproduce the scores exactly."""
    _, _, candidate = home
    golden = json.loads((candidate.path / "golden.json").read_text())
    vectors = np.array(golden["vectors"], dtype=float)
    assert vectors.shape == (64, len(FEATURE_NAMES))
    assert read_evaluator(candidate.path).score(vectors).tolist() == golden["scores"]
    assert len(set(golden["scores"])) > 30


def test_same_inputs_are_not_trained_again(home, capsys):
    """A second run with the same inputs says that it is skipped and leaves the files alone."""
    session, settings, candidate = home
    before = (candidate.path / "candidate.json").stat().st_mtime_ns
    assert train(session, settings, AS_OF) == candidate
    assert "is up to date, skipped" in capsys.readouterr().out
    assert (candidate.path / "candidate.json").stat().st_mtime_ns == before


@pytest.mark.prove
def test_the_id_follows_the_seed(home, tmp_path):
    """In another home, the same seed makes the same candidate and another seed makes another one."""
    session, settings, candidate = home
    elsewhere = dataclasses.replace(
        settings, home=tmp_path, catalog_uri=settings.lake_catalog_uri, warehouse=settings.lake_warehouse
    )
    assert train(session, elsewhere, AS_OF).info == candidate.info
    assert train(session, dataclasses.replace(elsewhere, seed=5), AS_OF).id != candidate.id


def test_a_missing_day_is_named(home):
    """Training on days before the lake begins is refused, and the message lists the missing days."""
    session, settings, _ = home
    with pytest.raises(MissingDay, match="2026-01-30, 2026-01-31: run the lake DAG") as missing:
        train(session, settings, AS_OF - dt.timedelta(days=3))
    assert missing.value.exit_code == 22

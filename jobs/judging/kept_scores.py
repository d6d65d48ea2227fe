"""Scores of releases on past days, kept in the lake: each day is scored once, and labels are joined when it is judged.

A score is kept with the hash of the inputs of its day's features. If a day is published again from other inputs, it is
scored again.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from antifraud.artifacts.bundle import Bundle
from antifraud.artifacts.shelf import find_bundles
from antifraud.clock import Span, date_of
from antifraud.errors import DataError
from antifraud.features.registry import FEATURE_NAMES
from antifraud.files import hash_of
from antifraud.lake.catalog import full_name, open_catalog, open_table, published
from antifraud.lake.judged_table import JUDGED_SCORES
from antifraud.lake.schemas import FEATURES
from antifraud.model.evaluator import Calibration, Evaluator, read_model_files
from antifraud.settings.core import JobSettings
from jobs.publishing.conflicts import with_retries
from jobs.publishing.tables import read_table
from jobs.rows.ids import KEYS
from jobs.rows.vectors import vectors_of

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

Batches = Iterable[pa.RecordBatch]
ROWS: Final = "release string, day date, transaction_id bigint, score int"
Key = tuple[str, dt.date, str]
"""Release, day, and the hash of what the day's features were made from."""


def keep_scores(spark: SparkSession, settings: JobSettings, wanted: Mapping[str, tuple[Bundle, Span]]) -> int:
    """Score the days of each release that are not kept yet; return how many days of releases that were.

    The commit of new scores removes those of days before all wanted ones, and those of releases that are gone. Scores
    of other releases stay, because another judge may read them now.
    """
    catalog = open_catalog(settings)
    inputs = _inputs_of_days(catalog, [span for _, span in wanted.values()])
    kept = find_kept(catalog)
    missing = find_missing(kept, inputs, {release: span for release, (_, span) in wanted.items()})
    gone = ~F.col("release").isin([path.name for path in find_bundles(settings.releases_dir)])
    gone |= F.col("day") < min((span.first for _, span in wanted.values()), default=dt.date.max)
    for releases, days in group_days(missing).items():
        bundles = [wanted[release][0] for release in releases]
        rows = _score(spark, bundles, {day: inputs[day] for day in days})
        replaced = F.col("release").isin(list(releases)) & F.col("day").isin(days)
        _replace(rows, replaced | gone)
    return sum(map(len, missing.values()))


def _replace(rows: DataFrame, condition: Column) -> None:
    columns = [F.col(name) for name in JUDGED_SCORES.column_names]
    write = rows.select(*columns).writeTo(full_name(JUDGED_SCORES))
    seed = hash_of(rows.sparkSession.sparkContext.applicationId)
    with_retries(lambda: write.overwrite(condition), JUDGED_SCORES.name, seed)


def find_kept(catalog: "Catalog") -> set[Key]:
    """Return what is kept, by the table's manifests. A commit has whole days, so a day that is there is complete."""
    files = open_table(catalog, JUDGED_SCORES).scan().plan_files()
    partitions = [task.file.partition for task in files]
    return {(part[0], date_of(part[1]), part[2]) for part in partitions}


def _inputs_of_days(catalog: "Catalog", spans: Sequence[Span]) -> dict[dt.date, str]:
    """Return the hash of what the features of each day were made from; days without rows have nothing to score."""
    if not spans:
        return {}
    runs = published(catalog, FEATURES, min(span.first for span in spans), max(span.last for span in spans))
    return {day: hash_of(run.inputs, run.version) for day, run in runs.items() if run.rows}


def find_missing(
    kept: Collection[Key], inputs: Mapping[dt.date, str], spans: Mapping[str, Span]
) -> dict[str, list[dt.date]]:
    """Return the days of each release that have to be scored; days without features are left to the judge.

    >>> day = dt.date(2026, 3, 1)
    >>> find_missing({("r1", day, "old")}, {day: "new"}, {"r1": Span(day, day)})
    {'r1': [datetime.date(2026, 3, 1)]}
    >>> find_missing({("r1", day, "new")}, {day: "new"}, {"r1": Span(day, day)})
    {'r1': []}
    """
    return {
        release: [day for day in span.days if day in inputs and (release, day, inputs[day]) not in kept]
        for release, span in spans.items()
    }


def group_days(missing: Mapping[str, Sequence[dt.date]]) -> dict[tuple[str, ...], list[dt.date]]:
    """Return days by the releases that have to score them, so that each day's features are read once.

    >>> one, two = dt.date(2026, 3, 1), dt.date(2026, 3, 2)
    >>> {releases: len(days) for releases, days in group_days({"r1": [one, two], "r2": [two]}).items()}
    {('r1',): 1, ('r1', 'r2'): 1}
    """
    by_day = defaultdict[dt.date, list[str]](list)
    for release, days in missing.items():
        for day in days:
            by_day[day].append(release)
    groups = defaultdict[tuple[str, ...], list[dt.date]](list)
    for day, releases in sorted(by_day.items()):
        groups[tuple(releases)].append(day)
    return dict(groups)


def _score(spark: SparkSession, bundles: Sequence[Bundle], inputs: Mapping[dt.date, str]) -> DataFrame:
    """Return the rows of `JUDGED_SCORES` of some days, scored by each release in one pass."""
    days = F.col("day").isin(list(inputs))
    features = read_table(spark, FEATURES).where(days).select(*KEYS, *FEATURE_NAMES)
    named = F.create_map(*(F.lit(each) for pair in inputs.items() for each in pair))
    files = [(bundle.release, *read_model_files(bundle)) for bundle in bundles]
    return features.mapInArrow(score_by_release(files), ROWS).withColumn("inputs", named[F.col("day")])


def score_by_release(files: Sequence[tuple[str, bytes, str]]) -> Callable[[Batches], Batches]:
    """Return a function from Arrow batches of keys and features to batches of `ROWS`, one for each release."""

    def score(batches: Batches) -> Batches:
        evaluators = [(release, Evaluator(model, Calibration.from_json(text))) for release, model, text in files]
        for batch in batches:
            vectors = vectors_of(batch)
            for release, evaluator in evaluators:
                yield _rows(release, batch, evaluator.score(vectors))

    return score


def _rows(release: str, batch: pa.RecordBatch, scores: "np.ndarray[Any, Any]") -> pa.RecordBatch:
    columns = {"release": pa.array([release] * batch.num_rows), **{name: batch.column(name) for name in KEYS}}
    return pa.RecordBatch.from_pydict({**columns, "score": pa.array(scores.astype(np.int32))})


def read_kept(spark: SparkSession, release: str, span: Span) -> DataFrame:
    """Return `KEYS` and `score` of a release on some days."""
    rows = read_table(spark, JUDGED_SCORES, f"day BETWEEN DATE '{span.first}' AND DATE '{span.last}'")
    return rows.where(F.col("release") == release).select(*KEYS, "score")


def require_scored(results: DataFrame) -> None:
    """Refuse rows without a score: their day was published again after it had been scored.

    Raises:
        DataError: There are such rows.
    """
    if missing := results.where(F.col("score").isNull()).count():
        raise DataError(
            f"{missing:,} rows have no score, because their days were published again meanwhile: judge again"
        )

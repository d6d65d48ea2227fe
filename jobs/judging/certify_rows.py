"""Reduce the labelled rows that were scored on the cluster to what the gate judges."""

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial, reduce
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from antifraud.artifacts.bundle import Bundle
from antifraud.clock import Span, date_of, day_number
from antifraud.errors import MissingDay
from antifraud.features.registry import FEATURE_NAMES
from antifraud.gate.certify import require_judgeable
from antifraud.gate.history import History
from antifraud.gate.identified import FlaggedDay, require_identified
from antifraud.gate.judge import Certify
from antifraud.gate.limits import Limits
from antifraud.gate.tradeoff import lowest_shown
from antifraud.lake.catalog import full_name, open_catalog, read_release
from antifraud.lake.schemas import SCORES
from antifraud.settings.core import JobSettings
from antifraud.stats.score_tables import ScoreTable
from jobs.judging.reduction import (
    customer_blocks,
    frauds_of,
    group_blocks,
    heavy_rows,
    largest_difference,
    maturation_of,
    require_equal_chances,
    require_numbers,
    score_table_rows,
    table_of,
    terminal_blocks,
    unknown_of,
)
from jobs.judging.scoring import scored
from jobs.publishing.tables import create_tables
from jobs.rows.dataset import Counts
from jobs.rows.decisions import repeat_rows
from jobs.rows.history import HistoryDays, history_rows
from jobs.rows.inputs import Inputs
from jobs.rows.labels import all_labels
from jobs.rows.source import flagged_days, labelled_rows
from jobs.spark.arrow import fetch
from jobs.training.candidate import Candidate


@dataclass(frozen=True, slots=True)
class ReducedWindows:
    """The windows of a candidate as the gate judges them."""

    select: ScoreTable
    certify: Certify
    difference: int
    """The evaluator's largest difference from CatBoost on any row, ppm."""
    quiet_days: int = 0
    """Days of the select window without any transaction."""

    @property
    def counts(self) -> Counts:
        """Rows of the certify window by status, in the form of `jobs.rows.dataset.count_by_status`."""
        table, unknown = self.certify.table, self.certify.unknown
        return {
            "certify": {"fraud": int(table.fraud.sum()), "legitimate": int(table.legit.sum()), "unknown": int(unknown)}
        }

    @property
    def known_shares(self) -> tuple[float, ...]:
        """Share of a day's frauds that is known when the day is 0, 1, 2, … days old."""
        maturation = self.certify.maturation
        return tuple(maturation.known.tolist()) if maturation else ()

    @classmethod
    def of_candidate(
        cls,
        results: DataFrame,
        settings: JobSettings,
        inputs: Inputs,
        candidate: Candidate,
        limits: Limits,
        history: HistoryDays | None = None,
    ) -> Self:
        """Reduce the rows of `scored_windows`, `history` included; the candidate's id names the published score tables.

        Raises:
            DataError: The evaluator differs from CatBoost.
            NotANumber: A score is not a number.
            UndefinedMetric: The certify window has no fraud, nothing but fraud, or only frauds that are worth 0.
            ConstantScore: All rows of the certify window have one score.
        """
        difference = largest_difference(results)
        stored = _publish(settings, score_table_rows(results, candidate.id), candidate.id)
        table = table_of(stored, "certify")
        require_judgeable(table, "certify")
        certify = _certify(results, stored, inputs, lowest_shown(table, limits))
        if history:
            certify = replace(certify, history=history_of(results, stored, history))
        return cls(table_of(stored, "select"), certify, difference, len(inputs.quiet_days("select")))


@contextmanager
def scored_windows(
    spark: SparkSession,
    inputs: Inputs,
    folder: Path,
    others: Sequence[Bundle] = (),
    history: HistoryDays | None = None,
) -> Iterator[DataFrame]:
    """Yield select and certify rows as `scored` gives them, cached, so that every row is read and scored once.

    Rows of `history` follow, in a window of this name.

    Raises:
        NotANumber: A feature is NaN or infinite.
        NotIdentified: Labels of a window depend on what was flagged there.
        DataError: A label of a payment that was not flagged came by chance.
    """
    days = _identified(spark, inputs, ("select", "certify"))
    with ExitStack() as cached:
        rows = [labelled_rows(spark, inputs, days).where("window != 'train'")]
        if history:
            # All days are read for a few rows of each, so they are read once.
            rows.append(_keep(history_rows(spark, history), cached))
        for each in rows:
            require_numbers(each, FEATURE_NAMES)
            require_equal_chances(each)
        # History may have been served while the windows were not, or the other way round.
        joined = reduce(partial(DataFrame.unionByName, allowMissingColumns=True), map(repeat_rows, rows))
        yield _keep(scored(joined, folder, others), cached)


def _identified(spark: SparkSession, inputs: Inputs, windows: Sequence[str]) -> list[FlaggedDay]:
    """Return what is known of flagged payments, after refusing windows with labels that depend on the flags."""
    days = flagged_days(spark, inputs)
    for window in windows:
        require_identified(window, inputs.spans[window], days)
    return days


def _keep(rows: DataFrame, until: ExitStack) -> DataFrame:
    """Cache rows until the end of a block."""
    until.callback(rows.persist().unpersist)
    return rows


def history_of(results: DataFrame, stored: pa.Table, history: HistoryDays) -> History:
    """Return what the gate looks at of the days before training, from rows that were scored and their score tables."""
    span = history.inputs.spans["history"]
    frauds = frauds_of(results.where("window = 'history'"), len(span.days))
    dated = replace(frauds, first_day=day_number(span.first))
    return History(table_of(stored, "history"), dated, np.array(history.transactions, np.float64))


def certify_release(spark: SparkSession, inputs: Inputs, bundle: Bundle, limits: Limits) -> Certify:
    """Score the certify rows with a release that serves or served; nothing is published.

    Raises:
        NotIdentified: Labels of the days depend on what was flagged there.
        DataError: A label of a payment that was not flagged came by chance.
    """
    rows = labelled_rows(spark, inputs, _identified(spark, inputs, ("certify",))).where("window = 'certify'")
    require_equal_chances(rows)
    results = scored(repeat_rows(rows), bundle).persist()
    try:
        return certify_scored(results, inputs, bundle, limits)
    finally:
        results.unpersist()


def certify_scored(results: DataFrame, inputs: Inputs, bundle: Bundle, limits: Limits) -> Certify:
    """Return what is judged of a release, from the certify rows that it has scored.

    Raises:
        MissingDay: A day has no transaction with a label.
        UndefinedMetric: The rows have no fraud, nothing but fraud, or only frauds that are worth 0.
        ConstantScore: All of them have one score.
    """
    reduced = fetch(score_table_rows(results, bundle.release))
    table = table_of(reduced, "certify")
    require_labelled(table, inputs.spans["certify"], inputs.quiet)
    require_judgeable(table, "certify")
    lowest = min(lowest_shown(table, limits), bundle.manifest["threshold"])
    return _certify(results, reduced, inputs, lowest)


def require_labelled(table: ScoreTable, span: Span, quiet: Collection[dt.date] = ()) -> None:
    """Refuse days on which nothing is known, except `quiet` days, on which nothing happened.

    Raises:
        MissingDay: A day has no transaction with a label; the message names the first ones.
    """
    found = {*quiet, *(date_of(int(day)) for day in np.unique(table.day))}
    if missing := [str(day) for day in span.days if day not in found]:
        shown = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")  # noqa: PLR2004
        raise MissingDay(f"no transaction has a label on {shown}: leave these days out, or load their labels")


def _certify(results: DataFrame, reduced: pa.Table, inputs: Inputs, lowest: int) -> Certify:
    """Return what is judged of the certify rows; `lowest` is the smallest threshold that will be asked about."""
    rows, days = results.where("window = 'certify'"), inputs.spans["certify"].days
    return Certify(
        table_of(reduced, "certify"),
        frauds_of(rows, len(days)),
        [terminal_blocks(rows, lowest), customer_blocks(rows, lowest), *group_blocks(rows, lowest)],
        maturation_of(all_labels(rows.sparkSession, inputs), inputs.as_of),
        day_number(inputs.as_of),
        inputs.label_delay_days,
        unknown_of(reduced, "certify", days),
        inputs.quiet_days("certify"),
        heavy=heavy_rows(rows),
    )


def _publish(settings: JobSettings, rows: DataFrame, name: str) -> pa.Table:
    """Replace the partition of `name` in one step, and read it back."""
    create_tables(rows.sparkSession, settings)
    columns = [F.col(column) for column in SCORES.column_names]
    rows.select(*columns).writeTo(full_name(SCORES)).overwrite(F.col("release") == name)
    return read_release(open_catalog(settings), SCORES, name)

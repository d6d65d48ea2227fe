"""Scored rows reduced on the cluster to what the gate judges: score tables, frauds, blocks of legitimate rows."""

import datetime as dt
from collections.abc import Sequence
from typing import Final, get_args

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from antifraud.clock import DAY_SECONDS, day_number
from antifraud.episodes import Frauds
from antifraud.errors import DataError, NotANumber
from antifraud.maturation import HORIZON_DAYS, Maturation
from antifraud.score_tables import ScoreTable
from antifraud.threshold import LegitBlocks
from jobs.halves import halves, whole
from jobs.model.dataset import WindowName

WINDOW_NAMES: Final[tuple[str, ...]] = get_args(WindowName)
LARGEST_DIFFERENCE: Final = 2
"""Parts per million by which the evaluator may differ from CatBoost on a row."""


def score_table_rows(scored: DataFrame, release: str) -> DataFrame:
    """Rows of the lake's `scores` table: counts of the labelled rows by window, day and score.

    Rows are grouped by integers alone. A square fits 64 bits, a sum of squares does not; adding decimals row by row is
    slow (`bench/gate_tables.py`), so halves are added.
    """
    is_fraud = F.col("status") == "fraud"
    worth = F.when(is_fraud, F.col("amount_minor")).otherwise(0)
    sums = (
        scored.where("status != 'unknown'")
        .groupBy(_window_code().alias("code"), F.unix_date("day").alias("date"), "score")
        .agg(
            F.count_if(~is_fraud).alias("legit"),
            F.count_if(is_fraud).alias("fraud"),
            F.sum(worth).alias("fraud_amount"),
            *(F.sum(half).alias(name) for name, half in halves(worth * worth).items()),
            F.max(worth).alias("fraud_amount_max"),
        )
    )
    square = whole(F.col("high"), F.col("low"))
    window = F.element_at(F.array(*map(F.lit, WINDOW_NAMES)), F.col("code"))
    return sums.select(
        *(F.lit(release).alias("release"), window.alias("window"), F.date_from_unix_date("date").alias("day")),
        *("score", "legit", "fraud", "fraud_amount", square.alias("fraud_amount_sq"), "fraud_amount_max"),
    )


def _window_code() -> Column:
    """Position of a row's window in `WINDOW_NAMES`, from 1; a window of another name stops the job."""
    code = F.raise_error(F.concat(F.lit("there is no window "), F.col("window"))).cast("int")
    for position, name in enumerate(WINDOW_NAMES, start=1):
        code = F.when(F.col("window") == name, position).otherwise(code)
    return code


def table_of(rows: pa.Table, window: str) -> ScoreTable:
    """Score table of a window, from the rows of a release in the lake's `scores` table."""
    kept = rows.filter(pa.compute.equal(rows["window"], window))
    columns = {name: kept[name] for name in kept.column_names if name not in {"release", "window", "fraud_amount_sq"}}
    numbers = {name: column.cast(pa.int64()).to_numpy() for name, column in columns.items() if name != "day"}
    squares = np.zeros(kept.num_rows, object)
    has_fraud = numbers["fraud"] > 0  # most rows have none, and Decimals are slow to read
    squares[has_fraud] = kept["fraud_amount_sq"].filter(pa.array(has_fraud)).to_pylist()
    day = kept["day"].cast(pa.int32()).to_numpy()
    return ScoreTable.from_columns({**numbers, "fraud_amount_sq": squares, "day": day})


def frauds_of(scored: DataFrame, days: int) -> Frauds:
    """The frauds of some rows; tokens become codes without meaning before they leave the cluster."""
    codes = [F.xxhash64(name).alias(name) for name in ("customer", "terminal")]
    rows = scored.where("status = 'fraud'").select(
        "score", F.col("amount_minor").alias("amount"), *codes, F.unix_date("day").alias("day")
    )
    columns = rows.orderBy(*rows.columns).toArrow()
    score, amount, customer, terminal, day = (
        columns[name].to_numpy().astype(np.int64) for name in ("score", "amount", "customer", "terminal", "day")
    )
    return Frauds(score, amount, customer, terminal, days, day)


def terminal_blocks(scored: DataFrame, lowest: int) -> LegitBlocks:
    """Legitimate rows by terminal and score.

    Scores up to `lowest`, the smallest threshold in question, are never flagged and count as one, so that few rows
    leave the cluster.
    """
    return _blocks(scored, "terminal", lowest)


def customer_blocks(scored: DataFrame, lowest: int) -> LegitBlocks:
    """Legitimate rows by customer and score, as `terminal_blocks`."""
    return _blocks(scored, "customer", lowest)


def _blocks(scored: DataFrame, entity: str, lowest: int) -> LegitBlocks:
    rows = (
        scored.where("status = 'legitimate'")
        .groupBy(F.xxhash64(entity).alias("block"), F.greatest("score", F.lit(lowest)).alias("score"))
        .agg(F.count("*").alias("legit"))
    )
    columns = rows.orderBy("block", "score").toArrow()
    codes, score, legit = (columns[name].to_numpy().astype(np.int64) for name in ("block", "score", "legit"))
    return LegitBlocks(f"{entity}s", codes, score, legit, lowest)


def maturation_of(labels: DataFrame, as_of: dt.date) -> Maturation:
    """The label-maturation curve from rows of the table `labels`, as known at the end of `as_of`.

    A fraud's delay is the number of days until it was first called one. Entries of days before the curve's horizon,
    and those learnt later than `as_of`, are left out.

    Raises:
        NotEnoughRows: No fraud's label is known.
    """
    first, end = as_of - dt.timedelta(days=HORIZON_DAYS), (day_number(as_of) + 1) * DAY_SECONDS
    known = labels.where(F.col("day").between(F.lit(first), F.lit(as_of)) & (F.col("learned_at") < end))
    learnt = (
        known.where("status = 'fraud'").groupBy("day", "transaction_id").agg(F.min("learned_at").alias("learned_at"))
    )
    age = (F.lit(day_number(as_of)) - F.unix_date("day")).alias("age")
    delay = (F.floor(F.col("learned_at") / DAY_SECONDS) - F.unix_date("day")).alias("delay")
    columns = learnt.groupBy(age, delay).count().orderBy("age", "delay").toArrow()
    return Maturation.fit(*(columns[name].to_numpy().astype(np.int64) for name in ("age", "delay", "count")))


def require_numbers(rows: DataFrame, features: Sequence[str]) -> None:
    """Unknown features are null; NaN or infinity means that something upstream divided by nothing.

    Raises:
        NotANumber: Some row has such a feature; the message names the features.
    """
    odd = [F.count_if(F.isnan(name) | (F.abs(F.col(name)) == float("inf"))).alias(name) for name in features]
    counts = rows.agg(*odd).collect()[0].asDict()
    if found := {name: count for name, count in counts.items() if count}:
        raise NotANumber(
            f"rows with NaN or infinite features: {found}; unknown must be null: recompute the features of these days"
        )


def largest_difference(scored: DataFrame) -> int:
    """Largest difference between the evaluator and CatBoost on any row, in parts per million.

    Raises:
        DataError: It is above `LARGEST_DIFFERENCE`: what would serve is not what was trained.
    """
    found = int(scored.agg(F.max(F.abs(F.col("score") - F.col("peer")))).collect()[0][0] or 0)
    if found > LARGEST_DIFFERENCE:
        raise DataError(
            f"the evaluator differs from CatBoost by up to {found} ppm, at most {LARGEST_DIFFERENCE} are expected: "
            "the export is not the trained model, train again"
        )
    return found

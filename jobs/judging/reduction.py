"""Reduce scored rows on the cluster to what the gate judges: score tables, frauds, blocks of legitimate rows."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from antifraud.clock import DAY_SECONDS, day_number
from antifraud.errors import DataError, NotANumber
from antifraud.stats.episodes import Frauds
from antifraud.stats.maturation import HORIZON_DAYS, Maturation
from antifraud.stats.score_tables import ScoreTable
from antifraud.stats.threshold import LegitBlocks
from antifraud.stats.weighted import HeavyRows
from jobs.columns.square_halves import LARGEST_LONG, halves, whole
from jobs.judging.packed_key import pack_key, unpack_key
from jobs.judging.scoring import GROUP, LEARNT
from jobs.rows.decisions import STANDS_FOR, WAS_FLAGGED
from jobs.rows.weights import LOWEST_PROPENSITY
from jobs.spark.arrow import fetch

OF_FRAUDS: Final = {
    "fraud": "count(*)",
    "largest": "max(amount)",
    "amount": "sum(amount)",
    "high": "sum(high)",
    "low": "sum(low)",
}
"""Aggregates of the frauds of a group, by their column."""
LARGEST_DIFFERENCE: Final = 2
"""By how much the evaluator may differ from CatBoost on a row, ppm."""


def score_table_rows(scored: DataFrame, release: str) -> DataFrame:
    """Count rows by window, day and score, rows without a label apart; the columns are those of the table `scores`.

    Args:
        scored: Rows with `window`, `day`, `status`, `score` (ppm) and `amount_minor`.
        release: Name that the counts are stored under.
    """
    # This is the one pass over every scored row, so a row does as little as it can: it is grouped by a single number,
    # and only frauds touch the sums of frauds. A square fits 64 bits, a sum of squares does not. Sums of its halves do,
    # and adding decimals row by row would be slow (bench/gate/tables.py).
    amount = F.col("amount_minor").cast("bigint")
    rows = scored.select(
        pack_key().alias("key"),
        (F.col("status") == "fraud").alias("is_fraud"),
        amount.alias("amount"),
        *(half.alias(name) for name, half in halves(amount * amount).items()),
    )
    of_frauds = [F.expr(f"{each} FILTER (WHERE is_fraud)").alias(name) for name, each in OF_FRAUDS.items()]
    sums = rows.groupBy("key").agg(F.count("*").alias("all"), *of_frauds)
    amount_sum, high, low, largest = (F.coalesce(name, F.lit(0)) for name in ("amount", "high", "low", "largest"))
    parts = unpack_key(F.col("key"))
    unknown = F.when(parts.is_unknown, F.col("all")).otherwise(0)
    return sums.select(
        F.lit(release).alias("release"),
        parts.window.alias("window"),
        parts.day.alias("day"),
        parts.score.alias("score"),
        (F.col("all") - F.col("fraud") - unknown).alias("legit"),
        "fraud",
        amount_sum.alias("fraud_amount"),
        whole(high, low).alias("fraud_amount_sq"),
        largest.alias("fraud_amount_max"),
        unknown.alias("unknown"),
    )


def table_of(rows: pa.Table, window: str) -> ScoreTable:
    """Return the score table of a window's labelled rows, from a release's rows of the table `scores`."""
    kept = rows.filter(pa.compute.equal(rows["window"], window))
    kept = kept.filter(pa.compute.equal(kept["unknown"], 0))
    numbers = ("score", "legit", "fraud", "fraud_amount", "fraud_amount_max")
    return ScoreTable.from_columns(
        {
            "day": kept["day"].cast(pa.int32()).to_numpy(),
            **{name: kept[name].cast(pa.int64()).to_numpy() for name in numbers},
            "fraud_amount_sq": _integers(kept["fraud_amount_sq"]),
        }
    )


def unknown_of(rows: pa.Table, window: str, days: Sequence[dt.date]) -> npt.NDArray[np.int64]:
    """Return how many rows of a window had no label on each of `days`, shape ``(days,)``; `rows` as `table_of`."""
    kept = rows.filter(pa.compute.equal(rows["window"], window)).group_by("day").aggregate([("unknown", "sum")])
    found = dict(zip(kept["day"].to_pylist(), kept["unknown_sum"].to_pylist(), strict=True))
    return np.array([found.get(day, 0) for day in days], np.int64)


def _integers(column: pa.ChunkedArray) -> npt.NDArray[np.object_]:
    """Return decimals without a fraction as Python's integers."""
    # Nearly all fit 64 bits, and only the others need the slow way by Python's objects.
    fits = pa.compute.less_equal(column, pa.scalar(LARGEST_LONG, column.type))
    found = np.zeros(len(column), object)
    found[fits.to_numpy()] = column.filter(fits).cast(pa.int64()).to_numpy()
    found[~fits.to_numpy()] = [int(value) for value in column.filter(pa.compute.invert(fits)).to_pylist()]
    return found


def frauds_of(scored: DataFrame, days: int) -> Frauds:
    """Collect the frauds of some rows that cover `days` days, in an order that depends on the rows alone.

    `delay` says after how many days each was first called a fraud.
    Tokens become codes without meaning before they leave the cluster. The codes are the same for every model.
    """
    codes = [F.xxhash64(name).alias(name) for name in ("customer", "terminal")]
    rows = scored.where("status = 'fraud'").select(
        "score", F.col("amount_minor").alias("amount"), *codes, F.unix_date("day").alias("day"), LEARNT
    )
    columns = fetch(rows.orderBy(*rows.columns))
    names = ("score", "amount", "customer", "terminal", "day", LEARNT)
    score, amount, customer, terminal, day, delay = (columns[name].to_numpy().astype(np.int64) for name in names)
    return Frauds(score, amount, customer, terminal, days, day, delay)


def terminal_blocks(scored: DataFrame, lowest: int) -> LegitBlocks:
    """Count legitimate rows by terminal and score.

    Scores up to `lowest`, the smallest threshold in question, are never flagged. They count as one score, so that few
    rows leave the cluster.
    """
    return _blocks(scored, "terminal", lowest)


def customer_blocks(scored: DataFrame, lowest: int) -> LegitBlocks:
    """Count legitimate rows by customer and score, as `terminal_blocks`."""
    return _blocks(scored, "customer", lowest)


def group_blocks(scored: DataFrame, lowest: int) -> list[LegitBlocks]:
    """Count legitimate rows by the chain or region of their terminal, as `terminal_blocks`; none without any group.

    A terminal without a group is a block of its own.
    """
    if scored.where(F.col(GROUP).isNotNull() & (F.col("status") == "legitimate")).isEmpty():
        return []
    group = F.coalesce(GROUP, "terminal")
    return [replace(_blocks(scored.withColumn("group", group), "group", lowest), within="terminals")]


def _blocks(scored: DataFrame, entity: str, lowest: int) -> LegitBlocks:
    rows = (
        scored.where("status = 'legitimate'")
        .groupBy(F.xxhash64(entity).alias("block"), F.greatest("score", F.lit(lowest)).alias("score"))
        .agg(F.count("*").alias("legit"))
    )
    columns = fetch(rows.orderBy("block", "score"))
    codes, score, legit = (columns[name].to_numpy().astype(np.int64) for name in ("block", "score", "legit"))
    return LegitBlocks(f"{entity}s", codes, score, legit, lowest)


def heavy_rows(scored: DataFrame) -> HeavyRows | None:
    """Return the scores of the legitimate rows that are repeated; None if each row stands for itself alone."""
    if STANDS_FOR not in scored.columns:
        return None
    repeated = scored.where(f"status = 'legitimate' AND {STANDS_FOR} > 1")
    columns = fetch(repeated.groupBy("score", STANDS_FOR).count().orderBy("score", STANDS_FOR))
    score, weight, copies = (columns[name].to_numpy().astype(np.int64) for name in ("score", STANDS_FOR, "count"))
    return HeavyRows(score, weight, copies) if score.size else None


def maturation_of(labels: DataFrame, as_of: dt.date) -> Maturation:
    """Fit the label-maturation curve to rows of the table `labels`, as known at the end of `as_of`.

    A fraud's delay is the number of days until it was first called one. Labels of days before the curve's horizon, and
    labels learnt after `as_of`, are left out.

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
    columns = fetch(learnt.groupBy(age, delay).count().orderBy("age", "delay"))
    return Maturation.fit(*(columns[name].to_numpy().astype(np.int64) for name in ("age", "delay", "count")))


def require_numbers(rows: DataFrame, features: Sequence[str]) -> None:
    """Refuse rows with features that are no numbers: unknown is null, so NaN or infinity is a mistake upstream.

    Raises:
        NotANumber: Some row has such a feature; the message counts the rows by feature.
    """
    odd = [F.count_if(F.isnan(name) | (F.abs(F.col(name)) == float("inf"))).alias(name) for name in features]
    counts = rows.agg(*odd).collect()[0].asDict()
    if found := {name: count for name, count in counts.items() if count}:
        raise NotANumber(
            f"rows with NaN or infinite features: {found}; unknown must be null: recompute the features of these days"
        )


def require_equal_chances(rows: DataFrame) -> None:
    """Refuse rows of payments that were not flagged, and got their label by chance: a client labelled a sample.

    Flagged payments are few, so each labelled one may stand for several (`jobs/rows/decisions.py::repeat_rows`). The
    others are nearly all the volume. Most of it would then be unknown, and stood for by repeated rows.

    Raises:
        DataError: Some labelled row has such a propensity, or a flagged one has a propensity that is too small; the
            message counts them.
    """
    known, chance = F.col("status") != "unknown", F.col("propensity")
    was_flagged = F.col(WAS_FLAGGED) if WAS_FLAGGED in rows.columns else F.lit(False)
    by_chance = F.count_if(known & ~was_flagged & ~F.coalesce(chance == 1, F.lit(False)))
    too_small = F.count_if(known & was_flagged & ~(chance >= LOWEST_PROPENSITY))
    found, heavy = (int(count) for count in rows.agg(by_chance, too_small).collect()[0])
    if heavy:
        raise DataError(
            f"{heavy} labelled rows of flagged payments have a propensity below {LOWEST_PROPENSITY:g}, so each would "
            "stand for too many: raise the control share, or correct what was posted with the labels"
        )
    if found:
        raise DataError(
            f"{found} rows have a label that came by chance (a propensity other than 1), but the gate's bounds count "
            "each row once: choose days without a control share, or leave its labels out"
        )


def largest_difference(scored: DataFrame) -> int:
    """Return the largest difference between the evaluator and CatBoost on any row, ppm.

    Raises:
        DataError: It is above `LARGEST_DIFFERENCE`: the model that would serve is not the one that was trained.
    """
    found = int(scored.agg(F.max(F.abs(F.col("score") - F.col("peer")))).collect()[0][0] or 0)
    if found > LARGEST_DIFFERENCE:
        raise DataError(
            f"the evaluator differs from CatBoost by up to {found} ppm, at most {LARGEST_DIFFERENCE} are expected: "
            "the export is not the trained model, train again"
        )
    return found

"""Compare score tables on the cluster with scores on the driver: ``python -m bench.gate.tables [rows]``.

Each way takes the same scored rows to the same curve: FPR, recall, precision at every threshold. Ours reduces the rows
in Spark and computes the curve from the table. The others bring day, score, label and amount of every row to the driver
and call scikit-learn. 47 M rows are the real lake's month.

So many `Row` objects at once are too many for a driver. `collect` is called for some days at a time, with `SLICE_ROWS`
at most, and each slice becomes a NumPy array before the next one comes. Days are partitions, so no slice reads the rows
of another. Arrow brings all rows at once.
"""

import argparse
import datetime as dt
import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from sklearn import metrics

from antifraud.stats.score_tables import curve
from bench.record import record
from jobs.judging.reduction import score_table_rows, table_of

LAKE_MONTH: Final = 47_000_000
DAYS: Final = 30
COMMAND: Final = "python -m bench.gate.tables"
REPETITIONS: Final = 3
THRESHOLD: Final = 18_000
SLICE_ROWS: Final = 5_000_000
"""Rows that are collected at a time."""
BYTES_OF_A_DAY: Final = 8_000_000
"""More than the file of one day has, less than two files have."""
WARM_UP_DAYS: Final = 5
FIRST_DAY: Final = dt.date(2026, 1, 1)
RAW: Final = ("day", "score", "fraud", "amount_minor")


def session() -> SparkSession:
    """Start a session of two local cores; the driver may collect as much as it can hold."""
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    builder = SparkSession.builder.master("local[2]").appName("gate-tables")
    settings = {
        "driver.memory": "4g",
        "driver.maxResultSize": "0",
        "sql.shuffle.partitions": "8",
        # A day a task: with their features, as validation reads them, the rows of a day are several tasks' worth.
        "sql.files.maxPartitionBytes": str(BYTES_OF_A_DAY),
        "sql.files.openCostInBytes": "0",
        "ui.enabled": "false",
    }
    for key, value in settings.items():
        builder = builder.config(f"spark.{key}", value)
    return builder.config("spark.sql.execution.arrow.pyspark.enabled", "true").getOrCreate()


def scored_rows(spark: SparkSession, rows: int, folder: Path) -> DataFrame:
    """Write made-up scored rows, a folder a day: 2 % fraud, normal log odds, four fifths of it caught at 5 % FPR."""
    fraud = F.pmod(F.xxhash64("id", F.lit(1)), F.lit(50)) == 0
    log_odds = F.randn(1) * 1.2 + F.when(fraud, -3.0).otherwise(-6.0)
    risk = 1 / (1 + F.exp(-log_odds))
    columns = [
        F.lit("certify").alias("window"),
        F.date_add(F.lit(FIRST_DAY), F.floor(F.col("id") * DAYS / rows).cast("int")).alias("day"),
        (F.pmod(F.xxhash64("id", F.lit(2)), F.lit(20_000)) + 1).alias("amount_minor"),
        F.when(fraud, "fraud").otherwise("legitimate").alias("status"),
        F.round(1_000_000 * risk).cast("int").alias("score"),
    ]
    spark.range(rows).select(*columns).write.partitionBy("day").parquet(str(folder))
    return spark.read.parquet(str(folder))


def by_tables(rows: DataFrame) -> tuple[float, float]:
    """Return FPR and recall at `THRESHOLD`, the way the gate does it."""
    found = curve(table_of(score_table_rows(rows, "bench").toArrow(), "certify"))
    at = found.at(THRESHOLD)
    return float(found.fpr[at]), float(found.recall[at])


def by_collecting(rows: DataFrame) -> tuple[float, float]:
    """Return the same from rows that `collect` brings to the driver, a slice at a time."""
    slices = [_collected(_raw(rows.where(F.col("day").between(*ends)))) for ends in _slices(rows)]
    whole = np.concatenate(slices)
    return _from_raw(*(whole[:, RAW.index(name)] for name in ("score", "fraud", "amount_minor")))


def _collected(rows: DataFrame) -> npt.NDArray[np.int64]:
    found = rows.collect()
    flat = np.fromiter(itertools.chain.from_iterable(found), np.int64, len(found) * len(RAW))
    return flat.reshape(-1, len(RAW))


def _slices(rows: DataFrame) -> list[tuple[dt.date, dt.date]]:
    """Return first and last day of slices of `SLICE_ROWS` or fewer; a day is never divided."""
    length = max(1, SLICE_ROWS * DAYS // rows.count())
    days = [FIRST_DAY + dt.timedelta(days=n) for n in range(DAYS)]
    return [(days[n], days[min(n + length, DAYS) - 1]) for n in range(0, DAYS, length)]


def by_arrow(rows: DataFrame) -> tuple[float, float]:
    """Return the same from scores that come to the driver through Arrow."""
    columns = _raw(rows).toArrow()
    return _from_raw(*(columns[name].to_numpy() for name in ("score", "fraud", "amount_minor")))


def _raw(rows: DataFrame) -> DataFrame:
    """Select the columns `RAW` as integers, which are quicker to collect than dates and texts."""
    fraud = (F.col("status") == "fraud").cast("int")
    return rows.select(F.unix_date("day"), "score", fraud.alias("fraud"), "amount_minor")


def _from_raw(
    score: npt.NDArray[np.int64], fraud: npt.NDArray[np.int64], amount: npt.NDArray[np.int64]
) -> tuple[float, float]:
    fpr, recall, threshold = metrics.roc_curve(fraud, score, drop_intermediate=False)
    metrics.precision_recall_curve(fraud, score)
    metrics.roc_curve(fraud, score, sample_weight=amount, drop_intermediate=False)
    at = int(np.searchsorted(-threshold, -THRESHOLD - 1, side="right")) - 1
    return float(fpr[at]), float(recall[at])


WAYS: Final = {"tables": by_tables, "Arrow": by_arrow, "collect": by_collecting}


def timed(way: Callable[[DataFrame], tuple[float, float]], rows: DataFrame) -> tuple[float, tuple[float, float]]:
    """Return the seconds that a way took, and its result."""
    began = time.perf_counter()
    result = way(rows)
    return time.perf_counter() - began, result


def main() -> None:
    """Measure the ways in turns, and record the ratio of medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int, nargs="?", default=LAKE_MONTH)
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    arguments = parser.parse_args()
    count = arguments.rows
    spark = session()
    try:
        with tempfile.TemporaryDirectory() as folder:
            measure(scored_rows(spark, count, Path(folder) / "scored"), count, arguments.repetitions)
    finally:
        spark.stop()


def measure(rows: DataFrame, count: int, repetitions: int) -> None:
    """Let the ways take turns; their results must agree to 1e-12."""
    first_days = rows.where(F.col("day") < F.lit(FIRST_DAY + dt.timedelta(days=WARM_UP_DAYS)))
    for way in WAYS.values():
        timed(way, first_days)  # the first run pays for compilation
    seconds: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(repetitions):
        results = {}
        for name, way in WAYS.items():
            taken, results[name] = timed(way, rows)
            seconds[name].append(taken)
            print(f"{name} {taken:.1f} s", flush=True)
        if not all(np.allclose(result, results["tables"], rtol=0, atol=1e-12) for result in results.values()):
            raise SystemExit(f"the ways disagree, one of them is wrong: {results}")
    ours, theirs = seconds["tables"], seconds["collect"]
    low, high = min(theirs) / max(ours), max(theirs) / min(ours)
    beside = ", ".join(f"{name} {statistics.median(each):.1f} s" for name, each in seconds.items())
    ratio = statistics.median(theirs) / statistics.median(ours)
    record("gate.tables_gain", ratio, "1", f"{COMMAND} {count}", f"{count:,} rows: {beside}", (low, high))


if __name__ == "__main__":
    main()

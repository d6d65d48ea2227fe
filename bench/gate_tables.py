"""Score tables on the cluster against scores on the driver: ``python -m bench.gate_tables [rows]``.

Both sides take the same scored rows to the same curve: FPR, recall, precision at every threshold. One reduces them in
Spark and computes the curve from the table; the other collects day, score, label and amount (Arrow) and calls
scikit-learn. They take turns; time and peak memory of the driver's Python are measured. 47 M rows are the real lake's
month; where collecting that many does not fit, a smaller number says how the ratio grows.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from sklearn import metrics

from antifraud.score_tables import curve
from bench.record import record
from jobs.model.reduction import score_table_rows, table_of

LAKE_MONTH: Final = 47_000_000
DAYS: Final = 30
COMMAND: Final = "python -m bench.gate_tables"
REPETITIONS: Final = 3


def session() -> SparkSession:
    """Two local cores; the driver may collect as much as it can hold."""
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    builder = SparkSession.builder.master("local[2]").appName("gate-tables")
    settings = {
        "driver.memory": "4g",
        "driver.maxResultSize": "0",
        "sql.shuffle.partitions": "8",
        "ui.enabled": "false",
    }
    for key, value in settings.items():
        builder = builder.config(f"spark.{key}", value)
    return builder.config("spark.sql.execution.arrow.pyspark.enabled", "true").getOrCreate()


def scored_rows(spark: SparkSession, rows: int, folder: Path) -> DataFrame:
    """Made-up scored rows on disk: 2 % fraud, legitimate scores mostly low, as a calibrated model gives them."""
    lot = F.xxhash64("id") / F.lit(2.0**64) + 0.5
    fraud = F.pmod(F.xxhash64("id", F.lit(1)), F.lit(50)) == 0
    risk = F.when(fraud, F.sqrt(lot)).otherwise(F.lit(0.01) * F.pow(1 - lot, F.lit(-0.7)))
    columns = [
        F.lit("certify").alias("window"),
        F.date_add(F.lit("2026-01-01"), F.pmod(F.col("id"), F.lit(DAYS)).cast("int")).alias("day"),
        (F.pmod(F.xxhash64("id", F.lit(2)), F.lit(20_000)) + 1).alias("amount_minor"),
        F.when(fraud, "fraud").otherwise("legitimate").alias("status"),
        F.least(F.round(1_000_000 * risk), F.lit(1_000_000)).cast("int").alias("score"),
    ]
    spark.range(rows).select(*columns).write.mode("overwrite").parquet(str(folder))
    return spark.read.parquet(str(folder))


def by_tables(rows: DataFrame) -> tuple[float, float]:
    """FPR and recall at 900,000 ppm, the way the gate does it."""
    found = curve(table_of(score_table_rows(rows, "bench").toArrow(), "certify"))
    at = found.at(900_000)
    return float(found.fpr[at]), float(found.recall[at])


def by_collecting(rows: DataFrame) -> tuple[float, float]:
    """The same, from scores on the driver."""
    columns = rows.select("day", "score", (F.col("status") == "fraud").alias("fraud"), "amount_minor").toArrow()
    score, fraud = columns["score"].to_numpy(), columns["fraud"].to_numpy()
    fpr, recall, threshold = metrics.roc_curve(fraud, score, drop_intermediate=False)
    metrics.precision_recall_curve(fraud, score)
    metrics.roc_curve(fraud, score, sample_weight=columns["amount_minor"].to_numpy(), drop_intermediate=False)
    at = int(np.searchsorted(-threshold, -900_001, side="right")) - 1
    return float(fpr[at]), float(recall[at])


def timed(way: Callable[[DataFrame], tuple[float, float]], rows: DataFrame) -> tuple[float, tuple[float, float]]:
    """Seconds, and what came out."""
    began = time.perf_counter()
    result = way(rows)
    return time.perf_counter() - began, result


def main() -> None:
    """Measure both sides in turns, and record the ratio of medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int, nargs="?", default=LAKE_MONTH)
    count = parser.parse_args().rows
    spark = session()
    try:
        with tempfile.TemporaryDirectory() as folder:
            measure(scored_rows(spark, count, Path(folder) / "scored"), count)
    finally:
        spark.stop()


def measure(rows: DataFrame, count: int) -> None:
    """Both sides take turns; their results must agree to 1e-12."""
    timed(by_tables, rows.limit(100_000))  # the first run pays for compilation
    ours, theirs = [], []
    for _ in range(REPETITIONS):
        seconds, mine = timed(by_tables, rows)
        ours.append(seconds)
        seconds, other = timed(by_collecting, rows)
        theirs.append(seconds)
        if not np.allclose(mine, other, rtol=0, atol=1e-12):
            raise SystemExit(f"tables say {mine}, the raw scores {other}: one of them is wrong")
        print(f"tables {ours[-1]:.1f} s, collecting {theirs[-1]:.1f} s")
    low, high = min(theirs) / max(ours), max(theirs) / min(ours)
    ratio = statistics.median(theirs) / statistics.median(ours)
    beside = f"{count:,} rows: tables {statistics.median(ours):.1f} s, collecting {statistics.median(theirs):.1f} s"
    record("gate.tables_gain", ratio, "1", f"{COMMAND} {count}", beside, (low, high))


if __name__ == "__main__":
    main()

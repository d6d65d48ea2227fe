"""Reduce rows that two models scored to what only one of them flags: by row, by terminal and by customer."""

from typing import Final

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from antifraud.clock import Span
from antifraud.stats.paired import PairedBlocks, PairedRows
from jobs.spark.arrow import fetch

KINDS: Final = {"terminals": "terminal", "customers": "customer"}
"""Kinds of blocks, with the column that names a row's block."""


def paired_rows(rows: DataFrame, other: str, other_threshold: int, days: Span, threshold: int) -> PairedRows:
    """Reduce the rows of `days`, for thresholds (ppm) of champion and candidate.

    Args:
        rows: Rows with the columns `day`, `status`, `terminal`, `customer`, and `score`, the candidate's.
        other: Column with the champion's score.
        other_threshold: The champion flags scores above it.
        days: The paired days.
        threshold: The candidate flags scores above it.
    """
    paired = rows.where(F.col("day").between(F.lit(days.first), F.lit(days.last)))
    net = (F.col("score") > threshold).cast("int") - (F.col(other) > other_threshold).cast("int")
    legit = F.col("status") == "legitimate"
    both = paired.select(
        *KINDS.values(), legit.alias("legit"), net.alias("net"), (F.col("score") != F.col(other)).alias("rescored")
    )
    counted = both.agg(
        F.count_if(F.expr("legit AND net > 0")), F.count_if(F.expr("legit AND net < 0")), F.count_if("rescored")
    )
    added, removed, rescored = (int(count) for count in counted.collect()[0])
    kept = both.where("legit")
    return PairedRows(added, removed, rescored, [_blocks(kept, name, column) for name, column in KINDS.items()])


def _blocks(both: DataFrame, name: str, column: str) -> PairedBlocks:
    """Count blocks with the same numbers, so that no block leaves the cluster on its own."""
    each = both.groupBy(column).agg(F.count("*").alias("legit"), F.sum("net").alias("net"))
    alike = fetch(each.groupBy("legit", "net").agg(F.count("*").alias("times")).orderBy("legit", "net"))
    return PairedBlocks(name, *(alike[of].to_numpy().astype(np.int64) for of in ("legit", "net", "times")))

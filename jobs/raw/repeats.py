"""Rows that repeat a transaction id of their day: one id must not be counted twice.

A join of all rows by id would move every row between tasks. Instead the ids of a day are packed into bits first, and
only the few blocks in which a bit is claimed twice are looked at row by row.
"""

from typing import Final

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from antifraud.lake.raw_defects import DEFECTS, DUPLICATE
from jobs.raw.rows import JUDGED

SAME: Final = ["day", "transaction_id"]
"""Rows that agree on these repeat each other."""
BLOCK: Final = ["day", "block"]
BLOCK_BITS: Final = 6
"""A block has 2^6 consecutive transaction ids, one for each bit of a 64-bit number."""


def suspects_of(judged: DataFrame) -> DataFrame:
    """Return the blocks (`BLOCK`) of ids in which some id of a day occurs more than once among usable rows.

    With distinct ids a block has as many bits as rows. Ids 64, 65 and 65 of a day set two bits in three rows. Ids of a
    day lie close together, so a block is one number for many rows.
    """
    bit = F.expr(f"shiftleft(1L, CAST(transaction_id & {(1 << BLOCK_BITS) - 1} AS INT))")
    blocks = _usable(judged).groupBy(*BLOCK).agg(F.count(F.lit(1)).alias("rows"), F.bit_or(bit).alias("ids"))
    return blocks.where(F.bit_count("ids") < F.col("rows")).select(*BLOCK)


def repeats_of(judged: DataFrame, suspects: DataFrame) -> DataFrame:
    """Return `place` of every usable row that repeats an id of its day; `suspects` is what `suspects_of` gave.

    Among rows with one id, from whatever files, the first by (time, file, line) is no repeat.
    """
    order = Window.partitionBy(*SAME).orderBy("event_time", "place")
    copies = _usable(judged).join(suspects, BLOCK).withColumn("copy", F.row_number().over(order))
    return copies.where(F.col("copy") > 1).select("place")


def _usable(judged: DataFrame) -> DataFrame:
    block = F.shiftright("transaction_id", BLOCK_BITS).alias("block")
    return judged.where(F.col("defect").isNull()).select(*SAME, "event_time", "place", block)


def mark_repeats(judged: DataFrame, repeats: DataFrame) -> DataFrame:
    """Return the judged rows with the defect `DUPLICATE` wherever `repeats` has the row's place."""
    marked = judged.join(repeats.withColumn("repeats", F.lit(True)), "place", "left")
    duplicate = F.when(F.expr(DUPLICATE.condition), DEFECTS.index(DUPLICATE))
    return marked.withColumn("defect", duplicate.otherwise(F.col("defect"))).select(*JUDGED)

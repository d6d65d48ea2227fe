"""Every raw row with its day and, where it cannot be used, the reason and the column at fault."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from antifraud.clock import DAY_SECONDS, day_number
from antifraud.errors import RawFileError
from jobs.raw.bases import base_of
from jobs.raw.columns import parse
from jobs.raw.defects import DEFECTS, DUPLICATE, ROW_DEFECTS
from jobs.raw.files import RawFile
from jobs.raw.tokens import HiddenKey, token_by_day

LINE_BITS: Final = 40
SAME: Final = ["day", "transaction_id"]
BLOCK: Final = ["day", "block"]
BLOCK_BITS: Final = 6
"""A block is so many consecutive transaction ids that one 64-bit number has a bit for each."""
VALUES: Final = (
    "day", "transaction_id", "event_time", "customer", "terminal", "amount", "is_fraud", "scenario", "repaired",
)  # fmt: skip
JUDGED: Final = (*VALUES, "place", "defect")
"""Numbers for what repeats in row after row: `defect` is a place in `DEFECTS`, null for a usable row; `place` is the
number of the file among those that were judged, and in its last `LINE_BITS` bits the line."""
ROW: Final = (*JUDGED, "file", "line", "reason", "column")


def judge_rows(
    spark: SparkSession, lines: DataFrame, files: Sequence[RawFile], keys: Mapping[dt.date, HiddenKey]
) -> DataFrame:
    """Columns `JUDGED` for every data line of the files; `defect` is null for rows that are usable taken alone.

    `repaired` marks rows whose time was printed as ``24:00:00``. A row without a usable time, or of a day that its
    file cannot hold, has its file's first day. `keys` has the key of each day that is wanted; rows of other days of
    a file have no tokens, and of a file without a wanted day only the rows that overlap into one are there.

    Raises:
        RawFileError: No row tells the base time of a file, so it is no transaction file.
    """
    coverage = _coverage(spark, files, keys)
    timed = (
        parse(lines).join(F.broadcast(coverage), "file", "inner").withColumn("time", F.col("base") + F.col("seconds"))
    )
    agrees = F.col("time") == F.col("printed_time")
    overlaps = agrees & F.col("printed_time").between(F.col("overlap_start"), F.col("overlap_last"))
    usable = timed.where(F.col("whole") | overlaps).withColumn("event_time", F.when(agrees, F.col("time")))
    usable = usable.withColumn("event_day", F.to_date(F.timestamp_seconds("event_time")))
    inside = F.col("event_day").between(F.col("first_day"), F.col("overlap_day"))
    judged = {
        "day": F.when(inside, F.col("event_day")).otherwise(F.col("first_day")),
        "repaired": F.col("at_24"),
        "place": F.col("start") + F.col("line"),
        "defect": _first_defect(),
    }
    tokens = {kind: token_by_day(keys, kind, F.col(f"{kind}_id")) for kind in ("customer", "terminal")}
    return usable.withColumns(judged).withColumns(tokens).select(*JUDGED)


def told(judged: DataFrame, files: Sequence[RawFile]) -> DataFrame:
    """Columns `ROW` of rows that were judged, `files` in the same order: names for what was numbers."""
    number = F.shiftright("place", LINE_BITS).cast("int")
    return judged.withColumns(
        {
            "file": _at(number, [file.path.name for file in files]),
            "line": F.col("place").bitwiseAND(F.lit((1 << LINE_BITS) - 1)),
            "reason": _at(F.col("defect"), [defect.reason for defect in DEFECTS]),
            "column": _at(F.col("defect"), [defect.column for defect in DEFECTS]),
        }
    ).select(*ROW)


def _at(place: Column, values: Sequence[str | None]) -> Column:
    return F.get(F.array(*(F.lit(value).cast("string") for value in values)), place)


def _coverage(spark: SparkSession, files: Sequence[RawFile], days: Mapping[dt.date, object]) -> DataFrame:
    rows = []
    for number, file in enumerate(files):
        whole, base = any(file.covers(day) for day in days), base_of(file.path)
        if whole and base is None:
            raise RawFileError(
                f"{file.path.name}, line 2: no row with a usable time follows the header: deliver it again"
            )
        midnight = day_number(file.end) * DAY_SECONDS
        overlap = file.end, midnight, midnight + DAY_SECONDS - 1
        rows.append((file.path.name, number << LINE_BITS, file.first, *overlap, whole, base))
    overlapping = ("overlap_day date", "overlap_start bigint", "overlap_last bigint")
    never_null = ("file string", "start bigint", "first_day date", *overlapping, "whole boolean")
    return spark.createDataFrame(rows, ", ".join(f"{column} NOT NULL" for column in never_null) + ", base bigint")


def _first_defect() -> Column:
    """Place in `DEFECTS` of the first defect that a row has, taken alone; null if it has none."""
    # A number, because texts would make the generated method longer than the 8,000 bytes that the JVM compiles.
    cases = " ".join(f"WHEN {defect.condition} THEN {place}" for place, defect in enumerate(ROW_DEFECTS))
    return F.expr(f"CASE {cases} END")


def suspects_of(judged: DataFrame) -> DataFrame:
    """Blocks (`BLOCK`) of transaction ids in which a day's usable rows have some id more than once.

    Ids of a day lie close together, so that a block is one number for many rows and not a row to be moved for each.
    """
    bit = F.expr(f"shiftleft(1L, CAST(transaction_id & {(1 << BLOCK_BITS) - 1} AS INT))")
    blocks = _usable(judged).groupBy(*BLOCK).agg(F.count(F.lit(1)).alias("rows"), F.bit_or(bit).alias("ids"))
    return blocks.where(F.bit_count("ids") < F.col("rows")).select(*BLOCK)


def repeats_of(judged: DataFrame, suspects: DataFrame) -> DataFrame:
    """`place` of the judged rows that repeat a transaction id of their day, given `suspects_of` them.

    Of a day's usable rows with one id, from whatever files, the first by (time, file, line) is none of them.
    """
    order = Window.partitionBy(*SAME).orderBy("event_time", "place")
    copies = _usable(judged).join(suspects, BLOCK).withColumn("copy", F.row_number().over(order))
    return copies.where(F.col("copy") > 1).select("place")


def _usable(judged: DataFrame) -> DataFrame:
    block = F.shiftright("transaction_id", BLOCK_BITS).alias("block")
    return judged.where(F.col("defect").isNull()).select(*SAME, "event_time", "place", block)


def mark_repeats(judged: DataFrame, repeats: DataFrame) -> DataFrame:
    """The judged rows, those among `repeats` with the defect `DUPLICATE`."""
    marked = judged.join(repeats.withColumn("repeats", F.lit(True)), "place", "left")
    repeated = F.when(F.expr(DUPLICATE.condition), DEFECTS.index(DUPLICATE))
    return marked.withColumn("defect", repeated.otherwise(F.col("defect"))).select(*JUDGED)

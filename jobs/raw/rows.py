"""Every raw row with its day and, where it cannot be used, the reason and the column at fault."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from antifraud.clock import DAY_SECONDS, day_number
from antifraud.errors import RawFileError
from jobs.raw.columns import parse
from jobs.raw.files import RawFile
from jobs.raw.tokens import HiddenKey, token_by_day

UNPARSABLE: Final = "unparsable"
OUT_OF_RANGE: Final = "day_out_of_range"
CUSTOMER_INVALID: Final = "customer_invalid"
TERMINAL_INVALID: Final = "terminal_invalid"
AMOUNT_NOT_POSITIVE: Final = "amount_not_positive"
DUPLICATE: Final = "duplicate"
REASONS: Final = (UNPARSABLE, OUT_OF_RANGE, CUSTOMER_INVALID, TERMINAL_INVALID, AMOUNT_NOT_POSITIVE, DUPLICATE)
LARGEST_AMOUNT: Final = 10**9
BASE_LINES: Final = 100_000
"""Of a file, what is asked for its base time."""
SAME: Final = ["day", "transaction_id"]
PLACE: Final = ["file", "line"]
ROW: Final = (
    "day", "file", "line", "transaction_id", "event_time", "customer", "terminal", "amount", "is_fraud", "scenario",
    "repaired", "reason", "column",
)  # fmt: skip


def judge_rows(
    spark: SparkSession, lines: DataFrame, files: Sequence[RawFile], keys: Mapping[dt.date, HiddenKey]
) -> DataFrame:
    """Columns `ROW` for every data line of the files; `reason` is null for rows that are usable taken alone.

    `repaired` marks rows whose time was printed as ``24:00:00``. A row without a usable time, or of a day that its
    file cannot hold, has its file's first day. `keys` has the key of each day that is wanted; rows of other days of
    a file have no tokens, and of a file without a wanted day only the rows that overlap into one are there.

    Raises:
        RawFileError: No row tells the base time of a file, so it is no transaction file.
    """
    bases = infer_bases(parse(lines.where(F.col("line") <= BASE_LINES)))
    coverage = _coverage(spark, files, bases, keys)
    timed = (
        parse(lines).join(F.broadcast(coverage), "file", "inner").withColumn("time", F.col("base") + F.col("seconds"))
    )
    agrees = F.col("time") == F.col("printed_time")
    overlaps = agrees & F.col("printed_time").between(F.col("overlap_start"), F.col("overlap_last"))
    usable = timed.where(F.col("whole") | overlaps).withColumn("event_time", F.when(agrees, F.col("time")))
    usable = usable.withColumn("event_day", F.to_date(F.timestamp_seconds("event_time")))
    inside = F.coalesce(F.col("event_day").between(F.col("first"), F.col("overlap")), F.lit(False))
    wrong, reasons, columns = zip(*_checks(inside), strict=True)
    dated = usable.withColumns(
        {"day": F.when(inside, F.col("event_day")).otherwise(F.col("first")), "fault": _first(wrong)}
    )
    tokens = {kind: token_by_day(keys, kind, F.col(f"{kind}_id")) for kind in ("customer", "terminal")}
    judged = {"repaired": F.col("at_24"), "reason": _at_fault(reasons), "column": _at_fault(columns)}
    return dated.withColumns(tokens | judged).select(*ROW)


def infer_bases(parsed: DataFrame) -> dict[str, int]:
    """UTC seconds at which `tx_time_seconds` is 0, by file: what most rows that parse agree on."""
    base = F.col("printed_time") - F.col("seconds")
    votes = parsed.select("file", base.alias("base")).groupBy("file", "base").count()
    order = F.struct(F.col("base").isNotNull(), "count", -F.col("base"))
    return {
        row["file"]: row["base"] for row in votes.groupBy("file").agg(F.max_by("base", order).alias("base")).collect()
    }


def _coverage(
    spark: SparkSession, files: Sequence[RawFile], bases: dict[str, int], days: Mapping[dt.date, object]
) -> DataFrame:
    rows = []
    for file in files:
        whole = any(file.covers(day) for day in days)
        if whole and bases.get(file.path.name) is None:
            raise RawFileError(
                f"{file.path.name}, line 2: no row with a usable time follows the header: deliver it again"
            )
        start = day_number(file.end) * DAY_SECONDS
        overlap = file.end, start, start + DAY_SECONDS - 1
        rows.append((file.path.name, file.first, *overlap, whole, bases.get(file.path.name)))
    overlapping = ("overlap date", "overlap_start bigint", "overlap_last bigint")
    never_null = ("file string", "first date", *overlapping, "whole boolean")
    return spark.createDataFrame(rows, ", ".join(f"{column} NOT NULL" for column in never_null) + ", base bigint")


def _checks(inside: Column) -> list[tuple[Column, str, str | None]]:
    """What can be wrong with a row, in the order of its columns, with the reason and the column at fault."""
    column = {name: F.col(name).isNull() for name in ("transaction_id", "seconds", "event_time", "amount", "days")}
    return [
        (~F.col("complete"), UNPARSABLE, None),
        (column["transaction_id"], UNPARSABLE, "tranaction_id"),
        (column["seconds"], UNPARSABLE, "tx_time_seconds"),
        (column["event_time"], UNPARSABLE, "tx_datetime"),
        (~inside, OUT_OF_RANGE, "tx_datetime"),
        (F.col("customer_id").isNull(), CUSTOMER_INVALID, "customer_id"),
        (F.col("terminal_id").isNull(), TERMINAL_INVALID, "terminal_id"),
        (column["amount"] | (F.col("amount") > LARGEST_AMOUNT), UNPARSABLE, "tx_amount"),
        (F.col("amount") <= 0, AMOUNT_NOT_POSITIVE, "tx_amount"),
        (column["days"], UNPARSABLE, "tx_time_days"),
        (F.col("is_fraud").isNull(), UNPARSABLE, "tx_fraud"),
        (F.col("scenario").isNull(), UNPARSABLE, "tx_fraud_scenario"),
    ]


def _first(conditions: Sequence[Column]) -> Column:
    """Place of the first condition that holds; null if none does."""
    places = F.when(conditions[0], 0)
    for place, condition in enumerate(conditions[1:], start=1):
        places = places.when(condition, place)
    return places


def _at_fault(values: Sequence[str | None]) -> Column:
    # A number until here: structs or texts for every check make the generated code too long for the JVM to compile.
    return F.get(F.array(*(F.lit(value).cast("string") for value in values)), F.col("fault"))


def repeats_of(rows: DataFrame) -> DataFrame:
    """`file` and `line` of the judged rows that repeat a transaction id of their day.

    Of a day's usable rows with one id, from whatever files, the first by (time, file, line) is none of them.
    """
    usable = rows.where(F.col("reason").isNull())
    # Ids are counted alone first: a window over whole rows would sort everything to find the few.
    ids = usable.groupBy(*SAME).count().where(F.col("count") > 1).drop("count")
    order = Window.partitionBy(*SAME).orderBy("event_time", *PLACE)
    copies = usable.select(*SAME, "event_time", *PLACE).join(ids, SAME).withColumn("copy", F.row_number().over(order))
    return copies.where(F.col("copy") > 1).select(*PLACE)


def mark_repeats(rows: DataFrame, repeats: DataFrame) -> DataFrame:
    """The judged rows, those among `repeats` with the reason `DUPLICATE`."""
    marked = rows.join(repeats.withColumn("repeats", F.lit(True)), PLACE, "left")
    said = {"reason": DUPLICATE, "column": "tranaction_id"}
    return marked.withColumns(
        {name: F.when(F.col("repeats"), F.lit(value)).otherwise(F.col(name)) for name, value in said.items()}
    ).select(*ROW)

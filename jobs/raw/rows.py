"""Every raw row with its day and, if the row is unusable, its defect."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from antifraud.clock import DAY_SECONDS, day_number, shift
from antifraud.lake.feed import LONGEST_FILE, RawFile, files_of
from antifraud.lake.raw_bases import base_of, require_base
from antifraud.lake.raw_defects import DEFECTS, OUTSIDE, ROW_DEFECTS
from antifraud.lake.raw_lines import has_rows
from antifraud.lake.schemas import RAW
from jobs.raw.columns import parse
from jobs.raw.files import widths_of
from jobs.raw.tokens import HiddenKey, token_by_day

LINE_BITS: Final = 40
VALUES: Final = (
    "day", "transaction_id", "event_time", "customer", "terminal", "amount", "is_fraud", "scenario", "terminal_group",
    "repaired",
)  # fmt: skip
JUDGED: Final = (*VALUES, "place", "defect")
"""Columns of judged rows. Texts that repeat in row after row are numbers here, so that a row on the disk stays short.

`defect` is an index into `DEFECTS`, null for a usable row. `place` holds the line in its lowest `LINE_BITS` bits, and
above them the index of the file among the judged files.
"""
ROW: Final = (*JUDGED, "file", "line", "reason", "column")
COVERAGE: Final = (
    "file string NOT NULL, start bigint NOT NULL, first_day date NOT NULL, last_day date NOT NULL, "
    "overlap_start bigint, overlap_last bigint, whole boolean NOT NULL, base bigint"
)


def judge_rows(
    spark: SparkSession, lines: DataFrame, files: Sequence[RawFile], keys: Mapping[dt.date, HiddenKey]
) -> DataFrame:
    """Return the columns `JUDGED` for every data line of the files, before repeated ids and coverage are looked for.

    `repaired` marks rows whose time was printed as ``24:00:00``. A row without a usable time gets the first day of its
    file. A row of a day that its file cannot cover gets the nearest day that the file could cover. `keys` has the key
    of each day that is wanted. Rows of other days have no tokens, and a file without a wanted day contributes only the
    rows that overlap into one.

    Raises:
        RawFileError: No row tells the base time of a file, so it is no transaction file.
    """
    widths = widths_of([file.path for file in files])
    rows = _with_time(parse(lines, widths).join(F.broadcast(_coverage(spark, files, keys)), "file", "inner"))
    day = F.least(F.greatest("event_day", "first_day"), "last_day")
    judged = {
        "day": F.when(F.col("event_day").isNull(), F.col("first_day")).otherwise(day),
        "repaired": F.col("at_24"),
        "place": F.col("start") + F.col("line"),
        "defect": _first_defect(),
    }
    tokens = {kind: token_by_day(keys, kind, F.col(f"{kind}_id")) for kind in ("customer", "terminal")}
    tokens["terminal_group"] = _group_tokens(keys, widths)
    return rows.withColumns(judged).withColumns(tokens).select(*JUDGED)


def _group_tokens(keys: Mapping[dt.date, HiddenKey], widths: Mapping[str, int]) -> Column:
    """Return the token of the row's group; null without one. Files without the column cost nothing."""
    some = max(widths.values()) > RAW.place("terminal_group_id")
    return token_by_day(keys if some else {}, "group", F.col("group_id"))


def _with_time(rows: DataFrame) -> DataFrame:
    """Add `event_time` and `event_day`, null unless printed and counted time agree; drop rows nobody asked for."""
    timed = rows.withColumn("time", F.col("base") + F.col("seconds"))
    agrees = F.col("time") == F.col("printed_time")
    overlaps = agrees & F.col("printed_time").between(F.col("overlap_start"), F.col("overlap_last"))
    wanted = timed.where(F.col("whole") | overlaps).withColumn("event_time", F.when(agrees, F.col("time")))
    return wanted.withColumn("event_day", F.to_date(F.timestamp_seconds("event_time")))


def _first_defect() -> Column:
    """Return the index in `DEFECTS` of the first defect of a row taken alone; null if the row has none."""
    # A number, because texts would make the generated method longer than the 8,000 bytes that the JVM compiles
    # (tests/spark/test_generated_code.py).
    cases = " ".join(f"WHEN {defect.condition} THEN {index}" for index, defect in enumerate(ROW_DEFECTS))
    return F.expr(f"CASE {cases} END")


def _coverage(spark: SparkSession, files: Sequence[RawFile], days: Mapping[dt.date, object]) -> DataFrame:
    """Return a row (`COVERAGE`) for each file: the days it may hold, its base time, and whether it is wanted whole.

    The last of these days is one more than any file covers, so that rows which lie further away can be told apart.
    """
    rows, whole_files = [], files_of(files, days)
    for index, file in enumerate(files):
        base = _base_of_whole(file) if file in whole_files else base_of(file.path)
        span = file.first, shift(file.first, LONGEST_FILE)
        rows.append((file.path.name, index << LINE_BITS, *span, *_overlap(file), file in whole_files, base))
    return spark.createDataFrame(rows, COVERAGE)


def _base_of_whole(file: RawFile) -> int | None:
    """Return the base time of a file, None without rows; warn that it may be in local time if it is not midnight."""
    if not has_rows(file.path):
        return None
    base = require_base(file.path)
    if since_midnight := base % DAY_SECONDS:
        start = dt.timedelta(seconds=since_midnight)
        print(f"  warning: {file.path.name} counts seconds from {start} UTC, not from midnight; is it in local time?")
    return base


def _overlap(file: RawFile) -> tuple[int, int] | tuple[None, None]:
    """Return the first and the last second of the day into which a file may overlap."""
    if file.after is None:
        return None, None
    midnight = day_number(file.after) * DAY_SECONDS
    return midnight, midnight + DAY_SECONDS - 1


def place_rows(judged: DataFrame, files: Sequence[RawFile]) -> DataFrame:
    """Return the judged rows, with rows outside the days that their file covers quarantined under the nearest one.

    `files` are the judged files with the days that their rows tell.
    """
    if not any(file.has_rows_outside for file in files):
        return judged
    file = F.shiftright("place", LINE_BITS).cast("int")
    last = _pick([file.last for file in files], file, "date")
    after = _pick([file.after for file in files], file, "date")
    is_outside = (F.col("day") > last) & ~F.col("day").eqNullSafe(after)
    index = DEFECTS.index(OUTSIDE)
    # A row gets its first defect: without a usable time, for example, its day cannot be outside.
    defect = F.when(F.col("defect") < index, F.col("defect")).otherwise(F.lit(index))
    placed = {
        "day": F.when(is_outside, last).otherwise(F.col("day")),
        "defect": F.when(is_outside, defect).otherwise(F.col("defect")),
    }
    return judged.withColumns(placed)


def spell_out(judged: DataFrame, files: Sequence[RawFile]) -> DataFrame:
    """Return the columns `ROW` of judged rows: names in place of numbers. `files` are the judged files."""
    file = F.shiftright("place", LINE_BITS).cast("int")
    return judged.withColumns(
        {
            "file": _pick([file.path.name for file in files], file, "string"),
            "line": F.col("place").bitwiseAND(F.lit((1 << LINE_BITS) - 1)),
            "reason": _pick([defect.reason for defect in DEFECTS], F.col("defect"), "string"),
            "column": _pick([defect.column for defect in DEFECTS], F.col("defect"), "string"),
        }
    ).select(*ROW)


def _pick(values: Sequence[str | dt.date | None], index: Column, kind: str) -> Column:
    return F.get(F.array(*(F.lit(value).cast(kind) for value in values)), index)

"""Raw files into `quarantine`, `labels` and, last, `clean`: repaired, judged row by row, tokens instead of ids.

    spark-submit jobs/ingest.py --from 2026-01-01 --to 2026-03-31

Rows in = clean + quarantined, for every day. Days whose files did not change are skipped.
"""

import argparse
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from antifraud.clock import DAY_SECONDS
from antifraud.errors import MissingDay, PublishError, QuarantineLimit
from antifraud.pseudonym import load_active_key
from antifraud.schemas import CLEAN, LABELS, QUARANTINE
from antifraud.settings import JobSettings
from antifraud.storage import raw_folder
from jobs.publish import Batch, hash_of, publish, record, stale_days
from jobs.raw.files import RawFile, checksums, discover, files_of
from jobs.raw.lines import read_lines
from jobs.raw.rows import judge_rows
from jobs.runtime import Stopwatch, days_of, range_parser, run_job, span
from jobs.tables import create_tables

FEED: Final = "feed"
TABLES: Final = (QUARANTINE, LABELS, CLEAN)
Counts = dict[dt.date, dict[str, Any]]


def ingest(spark: SparkSession, settings: JobSettings, days: Sequence[dt.date]) -> int:
    """Publish `days` from the raw files; returns the rows that came in.

    Raises:
        MissingDay: No file covers a day, or its file ends before it.
        RawFileError: A file cannot be read as transactions.
        QuarantineLimit: Too many rows of a day are unusable; nothing was published.
    """
    files = files_of(discover(raw_folder(settings)), days)
    sums, key = checksums(files), load_active_key(settings.keyring_path)
    inputs = {day: _inputs(settings, files, sums, key.key_id, day) for day in days}
    stale = stale_days(settings, TABLES, inputs)
    if not stale:
        return 0
    files = files_of(files, stale)
    lines, line_counts = read_lines(spark, [file.path for file in files])
    rows = judge_rows(spark, lines, files, key).persist()
    try:
        counts = count_rows(rows)
        _require_balance(rows, line_counts)
        _require_reached(files, counts, stale)
        _require_limit(settings, counts, stale)
        _publish(spark, settings, rows, {day: inputs[day] for day in stale}, counts)
    finally:
        rows.unpersist()
    return sum(_of(counts, day)["rows_in"] for day in stale)


def _inputs(settings: JobSettings, files: Sequence[RawFile], sums: Mapping[str, str], key_id: str, day: dt.date) -> str:
    made_of = [[f.path.name, sums[f.path.name], str(f.first), str(f.end)] for f in files if f.covers(day)]
    versions = [table.version for table in TABLES]
    return hash_of(str(day), versions, made_of, key_id, settings.label_delay_days)


def count_rows(rows: DataFrame) -> Counts:
    """For each day: `rows_in`, `clean`, `quarantined` by reason, `repaired_midnight`."""
    counts: Counts = {}
    repaired = F.sum((F.col("repaired") & F.col("reason").isNull()).cast("long")).alias("repaired")
    for row in rows.groupBy("day", "reason").agg(F.count(F.lit(1)).alias("rows"), repaired).collect():
        day = counts.setdefault(row["day"], _nothing())
        day["rows_in"] += row["rows"]
        day["repaired_midnight"] += row["repaired"]
        if row["reason"] is None:
            day["clean"] += row["rows"]
        else:
            day["quarantined"][row["reason"]] = row["rows"]
    return counts


def _nothing() -> dict[str, Any]:
    return {"rows_in": 0, "clean": 0, "quarantined": {}, "repaired_midnight": 0}


def _of(counts: Counts, day: dt.date) -> dict[str, Any]:
    return counts.get(day) or _nothing()


def _require_balance(rows: DataFrame, line_counts: Mapping[str, int]) -> None:
    """The rows of every file are its lines: none was lost or doubled on the way."""
    judged = {row["file"]: row["count"] for row in rows.groupBy("file").count().collect()}
    for name, lines in line_counts.items():
        if judged.get(name, 0) != lines:
            raise PublishError(f"{name} has {lines} rows, {judged.get(name, 0)} were judged: nothing was published")


def _require_reached(files: Sequence[RawFile], counts: Counts, days: Sequence[dt.date]) -> None:
    """A day after the last row of its file was not delivered; a day without rows before it was quiet."""
    for file in files:
        reached = max((day for day in counts if file.covers(day)), default=file.first)
        if late := [str(day) for day in days if file.covers(day) and day > reached]:
            raise MissingDay(
                f"{file.path.name} ends on {reached}, {', '.join(late[:5])} is asked for: deliver the rest"
            )


def _require_limit(settings: JobSettings, counts: Counts, days: Sequence[dt.date]) -> None:
    for day in days:
        found = _of(counts, day)
        share = sum(found["quarantined"].values()) / max(found["rows_in"], 1)
        if share > settings.quarantine_limit:
            reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(found["quarantined"].items()))
            raise QuarantineLimit(
                f"{share:.2%} of the {found['rows_in']} rows of {day} are unusable ({reasons}), the limit is "
                f"{settings.quarantine_limit:.2%}: correct the file, nothing was published"
            )


def clean_rows(rows: DataFrame) -> DataFrame:
    """Rows of the table `clean`."""
    return rows.where("reason IS NULL").select(*CLEAN.column_names)


def quarantined_rows(rows: DataFrame) -> DataFrame:
    """Rows of the table `quarantine`."""
    return rows.where("reason IS NOT NULL").select(*QUARANTINE.column_names)


def feed_labels(rows: DataFrame, label_delay_days: int) -> DataFrame:
    """Rows of the table `labels`: what the feed says, learnt `label_delay_days` after the day of the event."""
    learned_day = F.unix_date("day") + label_delay_days
    return rows.where("reason IS NULL").select(
        "day",
        "transaction_id",
        F.when(F.col("is_fraud"), "fraud").otherwise("legitimate").alias("status"),
        (learned_day.cast("bigint") * DAY_SECONDS).alias("learned_at"),
        F.lit(FEED).alias("source"),
        F.col("transaction_id").alias("sequence"),
        "scenario",
    )


def _publish(
    spark: SparkSession, settings: JobSettings, rows: DataFrame, inputs: Mapping[dt.date, str], counts: Counts
) -> None:
    """Publish the three tables, `clean` last: it names the snapshots of the others."""
    rows = rows.where(F.col("day").isin(sorted(inputs)))
    clean = {day: _of(counts, day)["clean"] for day in inputs}
    unusable = {day: _of(counts, day)["rows_in"] - clean[day] for day in inputs}
    said = {day: _of(counts, day) for day in inputs}
    labels = feed_labels(rows, settings.label_delay_days)
    runs = publish(spark, settings, Batch(QUARANTINE, quarantined_rows(rows), inputs, expected=unusable))
    runs += publish(spark, settings, Batch(LABELS, labels, inputs, expected=clean, own=f"source = '{FEED}'"))
    notes = {f"antifraud.{run.table}": str(run.snapshot_id) for run in runs}
    runs += publish(spark, settings, Batch(CLEAN, clean_rows(rows), inputs, said, clean, notes=notes))
    record(spark, runs)
    for day in sorted(inputs):
        print(f"  {day}: {_line(_of(counts, day))}")


def _line(counts: Mapping[str, Any]) -> str:
    reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(counts["quarantined"].items())) or "none"
    return (
        f"{counts['rows_in']:,} rows in, {counts['clean']:,} clean, quarantined: {reasons}, "
        f"repaired {counts['repaired_midnight']}"
    )


def main(spark: SparkSession, settings: JobSettings, arguments: argparse.Namespace) -> None:
    """Ingest the days of the arguments."""
    watch, days = Stopwatch(), days_of(arguments)
    create_tables(spark)
    rows = ingest(spark, settings, days)
    print(f"ingest {span(days)}: {rows:,} rows in {watch.seconds:.1f} s")


if __name__ == "__main__":
    run_job("ingest", main, range_parser(__doc__))

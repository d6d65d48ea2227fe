"""Days of the raw files on their way into `quarantine`, `labels` and, last, `clean`."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from antifraud.clock import DAY_SECONDS
from antifraud.files import hash_of
from antifraud.lake.catalog import Run, open_catalog
from antifraud.lake.schemas import CLEAN, LABELS, NAMESPACE, QUARANTINE
from antifraud.lake.table_format import Table
from antifraud.settings.core import JobSettings
from jobs.publishing.conflicts import Conflict, with_retries
from jobs.publishing.publish import Batch, publish, record
from jobs.raw.checks import Counts, counts_of
from jobs.raw.contents import CONTENT, FEED, Contents
from jobs.raw.demand import TABLES, Reasons, mixed_days
from jobs.raw.tally import USABLE
from jobs.spark.runtime import span


@dataclass(frozen=True, slots=True)
class FeedDays:
    """Days as the raw files tell them.

    Attributes:
        rows: All rows (`jobs.raw.rows.ROW`), also of days that are not published.
        contents: For each day that may be published, the hash of its rows by table.
        counts: For each day, its counts.
    """

    rows: DataFrame
    contents: Mapping[dt.date, Contents]
    counts: Counts


def publish_whole(
    spark: SparkSession,
    settings: JobSettings,
    feed: FeedDays,
    stale: Mapping[dt.date, Reasons],
    memory: Sequence[Run],
) -> None:
    """Publish what is out of date and record it with `memory`; all tables of a day then come from one set of files.

    Raises:
        PublishError: Other runs of the days published from other files again and again.
    """
    record(spark, [*_publish(spark, settings, feed, stale), *memory])

    def mend() -> None:
        # Another run of a day may have published its tables between ours. Every run looks only after it has recorded
        # its own, so the last one sees what both have published (tests/storage/test_same_day.py).
        if mixed := mixed_days(settings, feed.contents):
            record(spark, _publish(spark, settings, feed, mixed))
            if mixed_days(settings, feed.contents):
                raise Conflict("the tables of a day come from different files")

    with_retries(mend, f"ingest {span(sorted(feed.contents))}", hash_of(spark.sparkContext.applicationId))


def _publish(spark: SparkSession, settings: JobSettings, feed: FeedDays, stale: Mapping[dt.date, Reasons]) -> list[Run]:
    """Publish the stale days of each table, `clean` last: it names the snapshots of the others."""
    runs: list[Run] = []
    for table in TABLES:
        if days := [day for day in sorted(stale) if table.name in stale[day]]:
            runs += publish(spark, settings, _batch(settings, feed, table, days))
    for day in sorted(day for day, tables in stale.items() if tables):
        print(f"  {day}: {_line(counts_of(feed.counts, day))}; published: {', '.join(stale[day])}")
    return runs


def _batch(settings: JobSettings, feed: FeedDays, table: Table, days: Sequence[dt.date]) -> Batch:
    contents = {day: feed.contents[day][table.name] for day in days}
    return Batch(
        table,
        _rows_of(settings, feed.rows, table).where(F.col("day").isin(days)),
        inputs={day: hash_of(str(day), content) for day, content in contents.items()},
        counts={day: _own_counts(table, feed.counts, day) | {CONTENT: content} for day, content in contents.items()},
        expected={day: _expected_rows(table, feed.counts, day) for day in days},
        # Labels that clients posted have other sources and stay.
        own=f"source = '{FEED}'" if table is LABELS else "true",
        notes=beside_clean(settings) if table is CLEAN else {},
        by_day=True,
    )


def _rows_of(settings: JobSettings, rows: DataFrame, table: Table) -> DataFrame:
    if table is QUARANTINE:
        return quarantined_rows(rows)
    return feed_labels(rows, settings.label_delay_days) if table is LABELS else clean_rows(rows)


def _own_counts(table: Table, counts: Counts, day: dt.date) -> dict[str, Any]:
    """Return the counts stored with this table's run: only its own, because tables can be published separately."""
    name = {QUARANTINE: "quarantined", CLEAN: "repaired_midnight"}.get(table)
    return {name: counts_of(counts, day)[name]} if name else {}


def _expected_rows(table: Table, counts: Counts, day: dt.date) -> int:
    of_day = counts_of(counts, day)
    return int(of_day["clean"] if table in USABLE else of_day["rows_in"] - of_day["clean"])


def beside_clean(settings: JobSettings) -> dict[str, str]:
    """Return notes for the `clean` about to be published: the snapshots of `quarantine` and `labels` beside it."""
    catalog = open_catalog(settings)
    current = {table: catalog.load_table((NAMESPACE, table.name)).current_snapshot() for table in (QUARANTINE, LABELS)}
    return {f"antifraud.{table.name}": str(snapshot.snapshot_id) for table, snapshot in current.items() if snapshot}


def _line(counts: Mapping[str, Any]) -> str:
    reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(counts["quarantined"].items())) or "none"
    return (
        f"{counts['rows_in']:,} rows in, {counts['clean']:,} clean, quarantined: {reasons}, "
        f"repaired {counts['repaired_midnight']}"
    )


def clean_rows(rows: DataFrame) -> DataFrame:
    """Return the rows of the table `clean`."""
    return rows.where("reason IS NULL").select(*CLEAN.column_names)


def quarantined_rows(rows: DataFrame) -> DataFrame:
    """Return the rows of the table `quarantine`."""
    return rows.where("reason IS NOT NULL").select(*QUARANTINE.column_names)


def feed_labels(rows: DataFrame, label_delay_days: int) -> DataFrame:
    """Return the rows of the table `labels`: what the feed says, learnt `label_delay_days` after the event."""
    return rows.where("reason IS NULL").select(
        "day",
        "transaction_id",
        F.when(F.col("is_fraud"), "fraud").otherwise("legitimate").alias("status"),
        (F.col("event_time") + label_delay_days * DAY_SECONDS).alias("learned_at"),
        F.lit(FEED).alias("source"),
        F.col("transaction_id").alias("sequence"),
        "scenario",
    )

"""Raw files into `quarantine`, `labels` and, last, `clean`: repaired, judged row by row, tokens instead of ids."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from antifraud.clock import DAY_SECONDS
from antifraud.files import exclusive, hash_of
from antifraud.lake.catalog import Run, open_catalog
from antifraud.lake.schemas import CLEAN, LABELS, NAMESPACE, QUARANTINE, Table
from antifraud.settings.core import JobSettings
from jobs.publishing.conflicts import Conflict, with_retries
from jobs.publishing.publish import Batch, publish, record
from jobs.raw.checks import (
    Counts,
    counts_of,
    last_day,
    no_rows,
    require_balance,
    require_limit,
    require_reached,
    unusable_share,
)
from jobs.raw.contents import CONTENT, FEED, Contents, Sums, add_sums, contents_of, memories, remembered, row_sums
from jobs.raw.defects import DEFECTS
from jobs.raw.demand import TABLES, Demand, Reasons, covering_files, demand_of, mixed_days, out_of_date
from jobs.raw.files import RawFile, require_unchanged
from jobs.raw.lines import read_lines
from jobs.raw.rows import LINE_BITS, judge_rows, mark_repeats, repeats_of, suspects_of, told
from jobs.raw.tokens import hide
from jobs.spark.runtime import span

USABLE: Final = (LABELS, CLEAN)


def ingest(spark: SparkSession, settings: JobSettings, days: Sequence[dt.date], *, rekey: bool = False) -> int:
    """Publish `days` from the raw files; returns the rows that came in on the days that were not up to date.

    A file that has to be read is read for all days that it covers, so that the runs of its other days need not read it
    again; with `rekey` only for the days asked for.

    A day stays under the key that it, or the nearest day of the lake, is under while the key ring has that key, so that
    no history is cut in two. `rekey` brings the days under the active key instead.

    Raises:
        MissingDay: No file covers a day, or its file ends before it.
        RawFileError: A file cannot be read as transactions, or changed while it was read.
        QuarantineLimit: Too many rows of a day are unusable; nothing was published.
    """
    covering = covering_files(settings, days)
    with _one_reader(settings, covering):
        together = list(days) if rekey else sorted({*days, *(day for file in covering for day in file.days)})
        demand = demand_of(settings, together, rekey=rekey)
        known = remembered(open_catalog(settings), demand.sources)
        wanted = [day for day, tables in out_of_date(settings, demand, known).items() if tables]
        asked = [day for day in wanted if day in days]
        return _read(spark, settings, demand.only(wanted), asked) if asked else 0


@contextmanager
def _one_reader(settings: JobSettings, files: Sequence[RawFile]) -> Iterator[None]:
    """On this machine one run at a time reads a file of several days: those that wait find their days published."""
    with ExitStack() as held:
        # In one order, so that two runs never wait for each other.
        for name in sorted(file.path.name for file in files if len(file.days) > 1):
            held.enter_context(exclusive(settings.under_home("locks", name)))
        yield


def _read(spark: SparkSession, settings: JobSettings, demand: Demand, asked: Sequence[dt.date]) -> int:
    hidden = {key: hide(spark, key) for key in set(demand.keys.values())}
    lines, line_counts = read_lines(spark, [file.path for file in demand.files])
    keys = {day: hidden[key] for day, key in demand.keys.items()}
    judged = judge_rows(spark, lines, demand.files, keys)
    # On disk: what does not fit into memory would be judged again by every query.
    with (
        _kept(judged, StorageLevel.DISK_ONLY) as alone,
        _counted(suspects_of(alone)) as suspects,
        _counted(repeats_of(alone, suspects)) as repeats,
    ):
        rows = told(mark_repeats(alone, repeats), demand.files)
        counts, sums, judged_counts = count_rows(rows, demand.files)
        require_unchanged(demand.files, demand.stamps)
        require_balance(demand.covering, line_counts, judged_counts)
        require_reached(demand.covering, counts, asked)
        require_limit(settings, counts, asked)
        taken = demand.only([*asked, *_beside(settings, demand, counts, asked)])
        contents = {day: contents_of(settings, sums.get(day, {})) for day in taken.keys}
        stale = out_of_date(settings, taken, contents)
        memory = [*memories(taken.sources_read, contents), *demand.sums_to_remember]
        _publish_whole(spark, settings, Judged(rows, contents, counts), stale, memory)
    return sum(counts_of(counts, day)["rows_in"] for day in taken.keys if stale[day])


def _beside(settings: JobSettings, demand: Demand, counts: Counts, asked: Sequence[dt.date]) -> list[dt.date]:
    """Days of the demand that nobody asked for and that can be published; the others are left to runs of their own.

    Among these are days whose key is lost: their tokens would all change, whether or not a row did.
    """
    ends = {day: last_day(file, counts) for file in demand.covering for day in file.days}
    others = [day for day, key in demand.keys.items() if day not in asked and demand.under[day] == key.key_id]
    reached = [day for day in others if day <= ends[day]]
    bad = [day for day in reached if unusable_share(counts, day) > settings.quarantine_limit]
    if bad:
        print(f"  too many unusable rows, left to runs of their own: {', '.join(map(str, sorted(bad)))}")
    return [day for day in reached if day not in bad]


@contextmanager
def _kept(rows: DataFrame, level: StorageLevel = StorageLevel.MEMORY_AND_DISK) -> Iterator[DataFrame]:
    """The rows, computed once."""
    kept = rows.persist(level)
    try:
        yield kept
    finally:
        kept.unpersist()


@contextmanager
def _counted(rows: DataFrame) -> Iterator[DataFrame]:
    """Few rows, computed now: Spark knows how few before it plans a join, and leaves the many where they are."""
    with _kept(rows) as kept:
        kept.count()
        yield kept


def count_rows(rows: DataFrame, judged: Sequence[RawFile]) -> tuple[Counts, dict[dt.date, Sums], dict[str, int]]:
    """For each day `rows_in`, `clean`, `quarantined` by reason, `repaired_midnight`; what `contents_of` needs of it.

    Last, the rows of each file. `judged` are the files in the order of `told`.
    """
    counts: Counts = {}
    sums: dict[dt.date, Sums] = {}
    files: dict[str, int] = {}
    usable = F.col("defect").isNull()
    totals = [F.count(F.lit(1)).alias("rows"), F.count_if(F.col("repaired") & usable).alias("repaired")]
    sums_of = row_sums(USABLE, usable) + row_sums((QUARANTINE,), ~usable)
    # By numbers: names would be looked up and compared for every row.
    by = ("day", "defect", F.shiftright("place", LINE_BITS).alias("file"))
    for row in rows.groupBy(*by).agg(*totals, *sums_of).collect():
        day = counts.setdefault(row["day"], no_rows())
        day["rows_in"] += row["rows"]
        day["repaired_midnight"] += row["repaired"]
        if row["defect"] is None:
            day["clean"] += row["rows"]
        else:
            found, reason = day["quarantined"], DEFECTS[row["defect"]].reason
            found[reason] = found.get(reason, 0) + row["rows"]
        tables = USABLE if row["defect"] is None else (QUARANTINE,)
        add_sums(sums.setdefault(row["day"], {}), row.asDict(), row["rows"], tables)
        name = judged[row["file"]].path.name
        files[name] = files.get(name, 0) + row["rows"]
    return counts, sums, files


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


@dataclass(frozen=True, slots=True)
class Judged:
    """What the raw files say of the wanted days: all rows with their reasons, what tells the contents apart, counts."""

    rows: DataFrame
    contents: Mapping[dt.date, Contents]
    counts: Counts


def _publish_whole(
    spark: SparkSession,
    settings: JobSettings,
    judged: Judged,
    stale: Mapping[dt.date, Reasons],
    memory: Sequence[Run],
) -> None:
    """Publish what is out of date and write it down, with `memory`; each day's tables are of one set of files then.

    Raises:
        PublishError: Other runs of the days published from other files again and again.
    """
    record(spark, [*_publish(spark, settings, judged, stale), *memory])

    def mend() -> None:
        # Another run of a day may have published its tables between ours. Each looks after it has written its own
        # down, so the last one to do so sees what both have published.
        if mixed := mixed_days(settings, judged.contents):
            record(spark, _publish(spark, settings, judged, mixed))
            if mixed_days(settings, judged.contents):
                raise Conflict("the tables of a day come from different files")

    with_retries(mend, f"ingest {span(sorted(judged.contents))}", hash_of(spark.sparkContext.applicationId))


def _publish(spark: SparkSession, settings: JobSettings, judged: Judged, stale: Mapping[dt.date, Reasons]) -> list[Run]:
    """Publish the days of each table that are out of date, `clean` last: it names the snapshots of the others."""
    contents, counts = judged.contents, judged.counts
    made = {
        QUARANTINE: quarantined_rows(judged.rows),
        LABELS: feed_labels(judged.rows, settings.label_delay_days),
        CLEAN: clean_rows(judged.rows),
    }
    runs: list[Run] = []
    for table in TABLES:
        days = [day for day in sorted(stale) if table.name in stale[day]]
        if not days:
            continue
        said = {day: _said(table, counts, day) | {CONTENT: contents[day][table.name]} for day in days}
        batch = Batch(
            table,
            made[table].where(F.col("day").isin(days)),
            {day: hash_of(str(day), contents[day][table.name]) for day in days},
            said,
            {day: _rows_of(table, counts, day) for day in days},
            own=f"source = '{FEED}'" if table is LABELS else "true",
            notes=beside_clean(settings) if table is CLEAN else {},
            by_day=True,
        )
        runs += publish(spark, settings, batch)
    for day in sorted(day for day, tables in stale.items() if tables):
        print(f"  {day}: {_line(counts_of(counts, day))}; published: {', '.join(stale[day])}")
    return runs


def _said(table: Table, counts: Counts, day: dt.date) -> dict[str, Any]:
    """What is written down beside a table's rows: of these only, for one table may be published without the others."""
    told = {QUARANTINE: "quarantined", CLEAN: "repaired_midnight"}.get(table)
    return {told: counts_of(counts, day)[told]} if told else {}


def _rows_of(table: Table, counts: Counts, day: dt.date) -> int:
    found = counts_of(counts, day)
    return int(found["clean"] if table in USABLE else found["rows_in"] - found["clean"])


def beside_clean(settings: JobSettings) -> dict[str, str]:
    """Notes for the `clean` about to be published: the snapshots of `quarantine` and `labels` that belong to it."""
    catalog = open_catalog(settings)
    current = {table: catalog.load_table((NAMESPACE, table.name)).current_snapshot() for table in (QUARANTINE, LABELS)}
    return {f"antifraud.{table.name}": str(snapshot.snapshot_id) for table, snapshot in current.items() if snapshot}


def _line(counts: Mapping[str, Any]) -> str:
    reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(counts["quarantined"].items())) or "none"
    return (
        f"{counts['rows_in']:,} rows in, {counts['clean']:,} clean, quarantined: {reasons}, "
        f"repaired {counts['repaired_midnight']}"
    )

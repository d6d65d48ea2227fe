"""The stage of ingest: raw files, judged row by row, become `quarantine`, `labels` and `clean` with tokens for ids."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession

from antifraud.files import exclusive
from antifraud.lake.catalog import open_catalog
from antifraud.settings.core import JobSettings
from jobs.lake.feed_days import FeedDays, publish_whole
from jobs.raw.checks import (
    Counts,
    counts_of,
    last_day,
    require_balance,
    require_limit,
    require_reached,
    unusable_share,
)
from jobs.raw.contents import contents_of, memories, remembered
from jobs.raw.demand import Demand, covering_files, demand_of, out_of_date
from jobs.raw.files import RawFile, require_unchanged
from jobs.raw.lines import read_lines
from jobs.raw.repeats import mark_repeats, repeats_of, suspects_of
from jobs.raw.rows import judge_rows, spell_out
from jobs.raw.tally import Tally, tally_rows
from jobs.raw.tokens import hide


def ingest(spark: SparkSession, settings: JobSettings, days: Sequence[dt.date], *, rekey: bool = False) -> int:
    """Publish `days` from the raw files and return the rows that came in on the days that were out of date.

    A file that has to be read is read for all days that it covers, so that runs of its other days need not read it
    again. With `rekey` it is read only for the days asked for.

    A day stays under its key, and a new day gets the key of the nearest day of the lake, so that no history is cut in
    two. Both hold as long as the key ring has that key. `rekey` brings the days under the active key instead.

    If a file cannot be read, the days of the other files are published before it is refused.

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
        rows = _read(spark, settings, demand.only(wanted), asked) if asked else 0
        demand.require_read(days)
        return rows


@contextmanager
def _one_reader(settings: JobSettings, files: Sequence[RawFile]) -> Iterator[None]:
    """Let one run at a time of this machine read a file of several days; a run that waited finds its days published."""
    with ExitStack() as held:
        # Every run takes the locks in the same order, so that two runs never wait for each other.
        for name in sorted(file.path.name for file in files if len(file.days) > 1):
            held.enter_context(exclusive(settings.under_home("locks", name)))
        yield


def _read(spark: SparkSession, settings: JobSettings, demand: Demand, asked: Sequence[dt.date]) -> int:
    """Judge the rows of the demanded files, publish what is out of date, and return the rows of the days published."""
    with _judged_rows(spark, demand) as (rows, line_counts):
        tally = tally_rows(rows, demand.files)
        _require_publishable(settings, demand, asked, tally, line_counts)
        taken = demand.only([*asked, *_other_days(settings, demand, tally.counts, asked)])
        contents = {day: contents_of(settings, tally.sums.get(day, {})) for day in taken.keys}
        stale = out_of_date(settings, taken, contents)
        memory = [*memories(taken.sources_read, contents), *demand.sums_to_remember]
        publish_whole(spark, settings, FeedDays(rows, contents, tally.counts), stale, memory)
    return sum(counts_of(tally.counts, day)["rows_in"] for day in taken.keys if stale[day])


@contextmanager
def _judged_rows(spark: SparkSession, demand: Demand) -> Iterator[tuple[DataFrame, Mapping[str, int]]]:
    """Yield all rows of the files with their verdicts, and the lines of each file; the rows are kept until the end."""
    hidden = {key: hide(spark, key) for key in set(demand.keys.values())}
    keys = {day: hidden[key] for day, key in demand.keys.items()}
    lines, line_counts = read_lines(spark, [file.path for file in demand.files])
    judged = judge_rows(spark, lines, demand.files, keys)
    # On disk only: rows that memory has no room for would be judged again by every query.
    with (
        _kept(judged, StorageLevel.DISK_ONLY) as alone,
        _counted(suspects_of(alone)) as suspects,
        _counted(repeats_of(alone, suspects)) as repeats,
    ):
        yield spell_out(mark_repeats(alone, repeats), demand.files), line_counts


def _require_publishable(
    settings: JobSettings, demand: Demand, asked: Sequence[dt.date], tally: Tally, line_counts: Mapping[str, int]
) -> None:
    """Refuse to publish days that were asked for if a check of the files or of their rows fails."""
    require_unchanged(demand.files, demand.stamps)
    require_balance(demand.covering, line_counts, tally.files)
    require_reached(demand.covering, tally.counts, asked)
    require_limit(settings, tally, demand.files, asked)


def _other_days(settings: JobSettings, demand: Demand, counts: Counts, asked: Sequence[dt.date]) -> list[dt.date]:
    """Return the days that nobody asked for and that can be published too, because their rows have been read anyway.

    The rest is left to runs of its own: days after a file's last one, days with too many unusable rows, and days under
    a key that is lost. Such a day would get new tokens throughout, whether or not a row changed.
    """
    last_days = {day: last_day(file, counts) for file in demand.covering for day in file.days}
    others = [day for day, key in demand.keys.items() if day not in asked and demand.under[day] == key.key_id]
    reached = [day for day in others if day <= last_days[day]]
    bad = [day for day in reached if unusable_share(counts, day) > settings.quarantine_limit]
    if bad:
        print(f"  too many unusable rows, left to runs of their own: {', '.join(map(str, sorted(bad)))}")
    return [day for day in reached if day not in bad]


@contextmanager
def _kept(rows: DataFrame, level: StorageLevel = StorageLevel.MEMORY_AND_DISK) -> Iterator[DataFrame]:
    """Yield the rows, computed once."""
    kept = rows.persist(level)
    try:
        yield kept
    finally:
        kept.unpersist()


@contextmanager
def _counted(rows: DataFrame) -> Iterator[DataFrame]:
    """Yield few rows, computed now: Spark then knows how few, and joins the many without moving them."""
    with _kept(rows) as kept:
        kept.count()
        yield kept

"""The stage of ingest: raw files, judged row by row, become `quarantine`, `labels` and `clean` with tokens for ids."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession

from antifraud.files import exclusive
from antifraud.lake.catalog import open_catalog
from antifraud.lake.feed import RawFile, discover, files_of, require_covered
from antifraud.lake.known_files import files_by_rows
from antifraud.lake.schemas import FILES
from antifraud.lake.storage import raw_folder
from antifraud.settings.core import JobSettings
from jobs.lake.feed_days import FeedDays, publish_whole
from jobs.publishing.publish import append_rows
from jobs.raw.checks import Counts, counts_of, late_rows, require_balance, require_limit, unusable_share
from jobs.raw.contents import contents_of, memories, remembered
from jobs.raw.demand import Demand, demand_of, out_of_date
from jobs.raw.files import require_unchanged
from jobs.raw.lines import read_lines
from jobs.raw.repeats import mark_repeats, repeats_of, suspects_of
from jobs.raw.rows import judge_rows, place_rows, spell_out
from jobs.raw.tally import Tally, days_read, tally_rows
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
    with _one_reader(settings, files_of(discover(raw_folder(settings)), days)):
        demand = demand_of(settings, days, () if rekey else _read_together(settings, days), rekey=rekey)
        known = remembered(open_catalog(settings), demand.sources)
        wanted = [day for day, tables in out_of_date(settings, demand, known).items() if tables]
        if asked := [day for day in wanted if day in days]:
            rows = _read(spark, settings, demand.only(wanted), asked)
        else:
            append_rows(spark, FILES, [file.values for file in demand.to_remember])
            rows = 0
        demand.require_read(days)
        return rows


def _files(settings: JobSettings, days: Sequence[dt.date]) -> list[RawFile]:
    """Return the files that cover `days` or overlap into one of them.

    Raises:
        MissingDay: No file covers a day, as far as the files are known.
    """
    files = files_by_rows(settings, days)
    require_covered(files, days)
    return files


def _read_together(settings: JobSettings, days: Sequence[dt.date]) -> list[dt.date]:
    """Return all days of the files that cover `days`, and days that a new file takes rows from.

    Rows of a late cut are quarantined until the file of their own day arrives. Then they move to that day.
    """
    covering = files_of(_files(settings, days), days)
    before = _files(settings, [file.first for file in covering])
    late = {file.last for file in before if file.after is not None and file.rows_of(file.after)}
    return sorted(late.union(*(file.days for file in covering)))


@contextmanager
def _one_reader(settings: JobSettings, files: Sequence[RawFile]) -> Iterator[None]:
    """Let one run at a time of this machine read a file of several days; a run that waited finds its days published."""
    with ExitStack() as held:
        # Every run takes the locks in the same order, so that two runs never wait for each other.
        for name in sorted(file.path.name for file in files if file.last > file.first):
            held.enter_context(exclusive(settings.under_home("locks", name)))
        yield


def _read(spark: SparkSession, settings: JobSettings, wanted: Demand, asked: Sequence[dt.date]) -> int:
    """Judge the rows of the demanded files, publish what is out of date, and return the rows of the days published."""
    with _judged_rows(spark, wanted) as (rows, demand, line_counts):
        tally = tally_rows(rows, demand.files)
        _require_read(wanted, tally, line_counts)
        # Remembered even if a check fails below: the same version of a file is never read again to learn its days.
        append_rows(spark, FILES, [file.values for file in demand.to_remember])
        require_covered(demand.files, asked)
        late = late_rows(demand.files)
        require_limit(settings, tally, demand.files, asked, late)
        taken = demand.only([*asked, *_other_days(settings, demand, tally.counts, late, asked)])
        contents = {day: contents_of(settings, tally.sums.get(day, {})) for day in taken.keys}
        stale = out_of_date(settings, taken, contents)
        memory = memories(taken.sources_read, contents)
        publish_whole(spark, settings, FeedDays(rows, contents, tally.counts), stale, memory)
    return sum(counts_of(tally.counts, day)["rows_in"] for day in taken.keys if stale[day])


@contextmanager
def _judged_rows(spark: SparkSession, demand: Demand) -> Iterator[tuple[DataFrame, Demand, Mapping[str, int]]]:
    """Yield all rows of the files with their verdicts, what is demanded of files now read, and the lines of each file.

    The rows are kept until the end.
    """
    hidden = {key: hide(spark, key) for key in set(demand.keys.values())}
    keys = {day: hidden[key] for day, key in demand.keys.items()}
    lines, line_counts = read_lines(spark, [file.path for file in demand.files])
    judged = judge_rows(spark, lines, demand.files, keys)
    # On disk only: rows that memory has no room for would be judged again by every query.
    with _kept(judged, StorageLevel.DISK_ONLY) as alone:
        settled = _learn_days(alone, demand)
        placed = place_rows(alone, settled.files)
        with _counted(suspects_of(placed)) as suspects, _counted(repeats_of(placed, suspects)) as repeats:
            yield spell_out(mark_repeats(placed, repeats), demand.files), settled, line_counts


def _learn_days(judged: DataFrame, demand: Demand) -> Demand:
    """Return the demand with the days that the rows of its files tell; files that were read before are known."""
    new = [file.path.name for file in demand.covering if file.read is None]
    read = days_read(judged, demand.files) if new else {}
    return demand.as_read({name: read[name] for name in new})


def _require_read(demand: Demand, tally: Tally, line_counts: Mapping[str, int]) -> None:
    """Refuse files that changed while they were read, or of which rows were lost; warn of files without rows."""
    require_unchanged(demand.files, demand.stamps)
    require_balance(demand.covering, line_counts, tally.files)
    for file in demand.covering:
        if not line_counts[file.path.name]:
            print(f"  warning: {file.path.name} has only a header, so {file.first} is a day without transactions")


def _other_days(
    settings: JobSettings,
    demand: Demand,
    counts: Counts,
    late: Mapping[dt.date, int],
    asked: Sequence[dt.date],
) -> list[dt.date]:
    """Return the days that nobody asked for and that can be published too, because their rows have been read anyway.

    The rest is left to runs of its own: days with too many unusable rows, and days under a key that is lost. Such a day
    would get new tokens throughout, whether or not a row changed.
    """
    others = [day for day, key in demand.keys.items() if day not in asked and demand.under[day] == key.key_id]
    bad = [day for day in others if unusable_share(counts, day, late) > settings.quarantine_limit]
    if bad:
        print(f"  too many unusable rows, left to runs of their own: {', '.join(map(str, sorted(bad)))}")
    return [day for day in others if day not in bad]


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

"""The expiry of old states, in the lake and in the scorer's folder.

Ages are counted from the newest day of the lake, never with a clock. A state that is gone can be rebuilt from totals,
which stay. `runs` marks the state as expired, so that it counts as stale. `runs` also keeps the hash of its inputs, so
that features made from the state stay up to date.
"""

import datetime as dt
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pyspark.sql import SparkSession

from antifraud.artifacts.state_export import read_state_pointer
from antifraud.clock import ONE_DAY
from antifraud.files import hash_of, remove_folders, require_below
from antifraud.lake.catalog import EXPIRED, VERSION, Run, full_name, newest_runs, open_catalog, published, rows_by_day
from antifraud.lake.schemas import CLEAN, FEATURES, STATE
from antifraud.settings.core import JobSettings
from jobs.publishing.conflicts import with_retries
from jobs.publishing.publish import place_of, record

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

EXPORT: Final = re.compile(r"(\d{4}-\d\d-\d\d)-[0-9a-f]{8}")
REMOVED: Final = ".old-"
"""Prefix of folders that are being removed; nobody reads them."""


@dataclass(frozen=True, slots=True)
class Expiry:
    """Days of the state table, and folders of exported states, that are to be removed."""

    days: tuple[dt.date, ...]
    exports: tuple[Path, ...]


def expiry_of(settings: JobSettings, manifests: Iterable[Mapping[str, Any]]) -> Expiry:
    """Return states that are older than ``ANTIFRAUD_STATE_KEEP_DAYS`` and that nobody needs.

    Three kinds of states are needed:

    - the state of the day that a live release was trained as of (`manifests` are the live releases' manifests);
    - the state that the scorer's pointer names;
    - states from which the features of the next day are still to be made.

    Raises:
        DataError: The state pointer cannot be read, so nothing may be removed.
    """
    catalog = open_catalog(settings)
    events = published(catalog, CLEAN, dt.date.min, dt.date.max)
    if not events:
        return Expiry((), ())
    last = max(events) - dt.timedelta(days=settings.state_keep_days + 1)
    kept = {dt.date.fromisoformat(m["as_of"]) for m in manifests if "as_of" in m} | _pointed_to(settings)
    kept |= _awaited(catalog, events, last)
    # Also days with rows but no run: their job was killed between publishing and recording.
    old = set(published(catalog, STATE, dt.date.min, last)) | set(rows_by_day(catalog, STATE, dt.date.min, last))
    exports = sorted(path for path, day in _exports(settings) if day <= last and day not in kept)
    return Expiry(tuple(sorted(old - kept)), tuple(exports))


def _pointed_to(settings: JobSettings) -> set[dt.date]:
    pointer = read_state_pointer(settings.state_dir)
    return {dt.date.fromisoformat(pointer.cutoff)} if pointer else set()


def _awaited(catalog: "Catalog", events: Iterable[dt.date], last: dt.date) -> set[dt.date]:
    """Return days that are followed by a day with events but without features: a load of history is at work."""
    made = published(catalog, FEATURES, dt.date.min, last + ONE_DAY)
    return {day - ONE_DAY for day in events if day - ONE_DAY <= last and day not in made}


def _exports(settings: JobSettings) -> list[tuple[Path, dt.date]]:
    folders = settings.state_dir.iterdir() if settings.state_dir.exists() else ()
    names = [(path, EXPORT.fullmatch(path.name)) for path in folders]
    return [(path, dt.date.fromisoformat(named[1])) for path, named in names if named]


def expire(spark: SparkSession, settings: JobSettings, due: Expiry) -> None:
    """Remove what is due. A repeat after a kill is safe, and so are runs that publish states at the same time.

    Raises:
        ForeignPath: An exported state lies outside the home, so nothing was removed.
    """
    leftovers = list(settings.state_dir.glob(f"{REMOVED}*"))
    require_below(settings.home, [*leftovers, *due.exports])
    if due.days:
        # Marked before, so that nobody takes an empty day for a state. Marked again after, because a run may have
        # published one of the days in between (tests/spark/test_expiry.py).
        _mark(spark, settings, due.days)
        _delete(spark, due.days)
        _mark(spark, settings, due.days)
    # Renamed first, so that an export disappears at once and not file by file.
    renamed = [path.rename(path.with_name(REMOVED + path.name)) for path in due.exports]
    remove_folders([*leftovers, *renamed], settings.home)


def _mark(spark: SparkSession, settings: JobSettings, days: Sequence[dt.date]) -> None:
    """Record in `runs` that the days have expired; a day without a run needs no mark."""
    catalog = open_catalog(settings)
    snapshot_id, sequence = place_of(catalog, STATE)
    runs = newest_runs(catalog, STATE, min(days), max(days))
    marks = [
        replace(runs[day], rows=0, counts=_expired(runs[day]), snapshot_id=snapshot_id, sequence=sequence)
        for day in days
        if day in runs
    ]
    if marks:
        record(spark, marks)


def _expired(run: Run) -> str:
    return json.dumps({EXPIRED: True, VERSION: run.version}, sort_keys=True)


def _delete(spark: SparkSession, days: Sequence[dt.date]) -> None:
    listed = ", ".join(f"DATE '{day}'" for day in days)
    sql = f"DELETE FROM {full_name(STATE)} WHERE day IN ({listed})"  # noqa: S608 - names and days of our own
    with_retries(lambda: spark.sql(sql), f"expiry of {STATE.name}", hash_of(sql))

"""Raw files that a run needs, keys that it reads them under, and which of its days are out of date."""

import datetime as dt
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Self

from antifraud.errors import RawFileError
from antifraud.features.buckets import LONGEST_WINDOW_DAYS
from antifraud.files import hash_of
from antifraud.keys.pseudonym import Key, load_keyring
from antifraud.lake.catalog import Run, newest_runs, open_catalog, outdated, published
from antifraud.lake.key_use import key_ids, nearest
from antifraud.lake.schemas import CLEAN, LABELS, QUARANTINE, Table
from antifraud.lake.storage import raw_folder
from antifraud.settings.core import JobSettings
from jobs.raw.contents import Contents, content_of, ever_remembered, memory_of, remembered_sums
from jobs.raw.files import RawFile, Refusal, Stamp, checksums, discover, files_of, files_to_read, inspect

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

TABLES: Final = (QUARANTINE, LABELS, CLEAN)
"""Tables made from raw files, in the order in which they are published."""
MIXED: Final = "another run published the day from other files at the same time"
UNREAD: Final = "the raw files are new or changed and were not read yet"
NAMED: Final = 5
"""Unreadable files that an error names."""
Reasons = dict[str, str]
"""For each table that is out of date, the reason, by table name."""


@dataclass(frozen=True, slots=True)
class Demand:
    """Days that a run is about, and everything that decides their rows.

    Attributes:
        files: Readable files that may hold rows of the days.
        refused: Other files that may hold such rows but cannot be read. No mapping has the days that they cover.
        stamps: Stamp of each file, taken before it was read.
        sums: SHA-256 of each file.
        remembered: Names of the files whose checksum an earlier run stored, so that they were not read for it.
        made_of: For each day, what its rows depend on apart from the key: files, versions, label delay.
        under: For each day, the id of the key that the day, or else the nearest day of the lake, is under.
        keys: For each day, the key to read it under: the one of `under`, or the active key if the key ring has lost
            that one or `rekey` holds.
        rekey: Whether the run is to bring the days under the active key.
    """

    files: Sequence[RawFile]
    refused: Sequence[Refusal]
    stamps: Mapping[str, Stamp]
    sums: Mapping[str, str]
    remembered: Container[str]
    made_of: Mapping[dt.date, Any]
    under: Mapping[dt.date, str]
    keys: Mapping[dt.date, Key]
    rekey: bool = False

    @property
    def sources(self) -> dict[dt.date, str]:
        """Hash, for each day, of the files that it is made from, read under the key that the day is under."""
        return self._sources(self.under)

    @property
    def sources_read(self) -> dict[dt.date, str]:
        """`sources`, read under the keys that this run takes."""
        return self._sources({day: key.key_id for day, key in self.keys.items()})

    def sources_under(self, key_id: str) -> dict[dt.date, str]:
        """Return `sources` as they are when all days are read under one key."""
        return self._sources(dict.fromkeys(self.made_of, key_id))

    def _sources(self, key_ids: Mapping[dt.date, str]) -> dict[dt.date, str]:
        return {day: hash_of(parts, key_ids[day]) for day, parts in self.made_of.items()}

    @property
    def sums_to_remember(self) -> list[Run]:
        """The checksums that were computed for this run, as rows of `runs`."""
        read = [file for file in self.files if file.path.name not in self.remembered]
        return [memory_of(file, self.stamps[file.path.name], self.sums[file.path.name]) for file in read]

    @property
    def covering(self) -> list[RawFile]:
        """The files that cover one of the days; the remaining files only overlap into one."""
        return [file for file in self.files if any(file.covers(day) for day in self.keys)]

    def require_read(self, days: Sequence[dt.date]) -> None:
        """Refuse `days` that a file covers which cannot be read.

        Raises:
            RawFileError: There is such a day; the message names its file and the reason.
        """
        if reasons := [reason for file, reason in self.refused if any(file.covers(day) for day in days)]:
            more = f"; and {len(reasons) - NAMED} more files" if len(reasons) > NAMED else ""
            raise RawFileError("; ".join(reasons[:NAMED]) + more)

    def only(self, days: Sequence[dt.date]) -> Self:
        """Return the same demand for some of the days only."""
        return replace(
            self,
            files=files_to_read(self.files, days),
            made_of={day: self.made_of[day] for day in days},
            under={day: self.under[day] for day in days},
            keys={day: self.keys[day] for day in days},
        )


def covering_files(settings: JobSettings, days: Sequence[dt.date]) -> list[RawFile]:
    """Return the files that cover `days`, found by name.

    Raises:
        MissingDay: No file covers a day.
    """
    return files_of(discover(raw_folder(settings)), days)


def demand_of(settings: JobSettings, days: Sequence[dt.date], *, rekey: bool = False) -> Demand:
    """Return what is needed for `days`; files with an unknown checksum are read through once.

    A day that an unreadable file covers is left out, and the other days go on. An unreadable file that only overlaps
    into a day is left out of it: that day becomes stale when the file is delivered again.

    Raises:
        MissingDay: No file covers a day.
        SettingsError: There is no key ring.
    """
    found, catalog = files_to_read(discover(raw_folder(settings)), days), open_catalog(settings)
    # Stamps are taken before the files are read, so that `require_unchanged` notices a write in between.
    before, refused = inspect(found)
    files = [file for file in found if file.path.name in before]
    known_sums = remembered_sums(catalog, files, before)
    sums, damaged = checksums(files, known_sums)
    files, refused = [file for file in files if file.path.name in sums], [*refused, *damaged]
    days = [day for day in days if not any(file.covers(day) for file, _ in refused)]
    ring = load_keyring(settings.keyring_path)
    under = _key_ids(settings, catalog, days, new=ring.active)
    return Demand(
        files=files,
        refused=refused,
        stamps=before,
        sums=sums,
        remembered=known_sums,
        made_of={day: _parts_of(settings, day, files, sums) for day in days},
        under=under,
        keys={day: ring.active_key if rekey else ring.keys.get(under[day], ring.active_key) for day in days},
        rekey=rekey,
    )


def _parts_of(settings: JobSettings, day: dt.date, files: Sequence[RawFile], sums: Mapping[str, str]) -> list[Any]:
    """Return what a day's rows depend on apart from the key; the hash of it is stored, so its order must not change."""
    versions = [table.version for table in TABLES]
    read = [[f.path.name, sums[f.path.name], str(f.first), str(f.end)] for f in files_to_read(files, [day])]
    return [str(day), versions, settings.label_delay_days, *read]


def _key_ids(settings: JobSettings, catalog: "Catalog", days: Sequence[dt.date], *, new: str) -> dict[dt.date, str]:
    """Return the key id that each day, or the nearest day of the lake, is under; `new` if no day is near.

    Near is whatever shares a state with the day: features must not meet one customer under two tokens.
    """
    if not days:
        return {}
    reach = dt.timedelta(days=settings.label_delay_days + LONGEST_WINDOW_DAYS)
    used = key_ids(catalog, CLEAN, min(days) - reach, max(days) + reach)
    return {day: max(nearest(used, day), default=new) for day in days}


def out_of_date(settings: JobSettings, demand: Demand, contents: Mapping[dt.date, Contents]) -> dict[dt.date, Reasons]:
    """Return for each day of the demand the tables to publish and why, given the contents of the raw files."""
    days, catalog = sorted(demand.keys), open_catalog(settings)
    if not days:
        return {}
    runs = {table.name: newest_runs(catalog, table, days[0], days[-1]) for table in TABLES}
    stale = {}
    for day in days:
        leaves = demand.rekey and demand.under[day] != demand.keys[day].key_id
        reasons = {
            table.name: _reason(table, runs[table.name].get(day), contents.get(day), leaves=leaves) for table in TABLES
        }
        stale[day] = {name: reason for name, reason in reasons.items() if reason}
    return stale


def mixed_days(settings: JobSettings, contents: Mapping[dt.date, Contents]) -> dict[dt.date, Reasons]:
    """Return days whose tables come from several sets of files, with the tables to publish until all match `contents`.

    A day that another run has published whole is left as it is. `clean` is always among the tables, because it names
    the snapshots of the others.
    """
    catalog, days = open_catalog(settings), sorted(contents)
    runs = {table.name: published(catalog, table, days[0], days[-1]) for table in TABLES}
    known = ever_remembered(catalog, days)
    mixed = {}
    for day in days:
        held = {name: content_of(runs_of_table[day]) for name, runs_of_table in runs.items() if day in runs_of_table}
        if held != contents[day] and held not in known[day]:
            differ = [name for name in held if held[name] != contents[day][name]]
            mixed[day] = dict.fromkeys([*differ, CLEAN.name], MIXED)
    return mixed


def _reason(table: Table, run: Run | None, contents: Contents | None, *, leaves: bool) -> str | None:
    """Return why a table's day is out of date; `leaves`: the day is to leave its key."""
    if run is None:
        return "never published"
    if version := outdated(run, table):
        return version
    if contents is None:
        return UNREAD
    if content_of(run) != contents[table.name]:
        return "its rows changed"
    return "it is under another key" if leaves and table is CLEAN else None

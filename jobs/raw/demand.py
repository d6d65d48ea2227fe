"""What a run wants of the raw files: which it must read, under which key, and which of its days are out of date."""

import datetime as dt
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from antifraud.features.buckets import LONGEST_WINDOW_DAYS
from antifraud.files import hash_of
from antifraud.keys.pseudonym import Key, load_keyring
from antifraud.lake.catalog import Run, open_catalog, published
from antifraud.lake.key_use import key_ids, nearest
from antifraud.lake.schemas import CLEAN, LABELS, QUARANTINE, Table
from antifraud.lake.storage import raw_folder
from antifraud.settings.core import JobSettings
from jobs.raw.contents import Contents, content_of, ever_remembered, memory_of, remembered_sums
from jobs.raw.files import RawFile, Stamp, checksums, discover, files_of, stamps, with_overlap

TABLES: Final = (QUARANTINE, LABELS, CLEAN)
"""In the order in which they are published."""
MIXED: Final = "another run published the day from other files at the same time"
UNREAD: Final = "the raw files are new or changed and were not read yet"
Reasons = dict[str, str]
"""Why tables are out of date, by table name."""


@dataclass(frozen=True, slots=True)
class Demand:
    """Files that may hold rows of the days, as they were before they were read; for each day its parts and its key.

    `sums` are the checksums of the files, `remembered` the names of those that were not read for it. `under` is the id
    of the key that the day, or the nearest day of the lake, is under; `keys` has the active one where the key ring has
    lost that, and everywhere if the run is to bring days under it (`rekey`).
    """

    files: Sequence[RawFile]
    stamps: Mapping[str, Stamp]
    sums: Mapping[str, str]
    remembered: Container[str]
    made_of: Mapping[dt.date, Any]
    under: Mapping[dt.date, str]
    keys: Mapping[dt.date, Key]
    rekey: bool = False

    @property
    def sources(self) -> dict[dt.date, str]:
        """Hash, for each day, of the files that it is made from, read under the key that it is under."""
        return {day: hash_of(parts, self.under[day]) for day, parts in self.made_of.items()}

    @property
    def sources_read(self) -> dict[dt.date, str]:
        """`sources`, read under the key that a run takes now."""
        return {day: hash_of(parts, self.keys[day].key_id) for day, parts in self.made_of.items()}

    def sources_under(self, key_id: str) -> dict[dt.date, str]:
        """`sources`, read under one key."""
        return {day: hash_of(parts, key_id) for day, parts in self.made_of.items()}

    @property
    def sums_to_remember(self) -> list[Run]:
        """The checksums of the files that were read for them, as rows of `runs`."""
        read = [file for file in self.files if file.path.name not in self.remembered]
        return [memory_of(file, self.stamps[file.path.name], self.sums[file.path.name]) for file in read]

    @property
    def covering(self) -> list[RawFile]:
        """The files that cover one of the days; the others only overlap into one."""
        return [file for file in self.files if any(file.covers(day) for day in self.keys)]

    def only(self, days: Sequence[dt.date]) -> Self:
        """The same for some of the days."""
        return replace(
            self,
            files=with_overlap(self.files, days),
            made_of={day: self.made_of[day] for day in days},
            under={day: self.under[day] for day in days},
            keys={day: self.keys[day] for day in days},
        )


def covering_files(settings: JobSettings, days: Sequence[dt.date]) -> list[RawFile]:
    """The files that cover `days`, found by name.

    Raises:
        MissingDay: No file covers a day.
    """
    return files_of(discover(raw_folder(settings)), days)


def demand_of(settings: JobSettings, days: Sequence[dt.date], *, rekey: bool = False) -> Demand:
    """What is needed for `days`; files that may hold their rows are read through for checksums that are not known yet.

    Raises:
        MissingDay: No file covers a day.
        RawFileError: A file cannot be read.
        SettingsError: There is no key ring.
    """
    found = discover(raw_folder(settings))
    files_of(found, days)
    files = with_overlap(found, days)
    before, catalog = stamps(files), open_catalog(settings)
    told = remembered_sums(catalog, files, before)
    sums = checksums(files, told)
    ring = load_keyring(settings.keyring_path)
    reach = dt.timedelta(days=settings.label_delay_days + LONGEST_WINDOW_DAYS)
    used = key_ids(catalog, CLEAN, min(days) - reach, max(days) + reach)
    under = {day: max(nearest(used, day), default=ring.active) for day in days}
    versions = [table.version for table in TABLES]
    made_of = {
        day: [str(day), versions, settings.label_delay_days]
        + [[f.path.name, sums[f.path.name], str(f.first), str(f.end)] for f in with_overlap(files, [day])]
        for day in days
    }
    known = {} if rekey else ring.keys
    keys = {day: known.get(key_id, ring.active_key) for day, key_id in under.items()}
    return Demand(files, before, sums, told, made_of, under, keys, rekey)


def out_of_date(settings: JobSettings, demand: Demand, contents: Mapping[dt.date, Contents]) -> dict[dt.date, Reasons]:
    """For each day of the demand the tables to publish and why, given what the raw files say of the days."""
    days, catalog = sorted(demand.keys), open_catalog(settings)
    runs = {table.name: published(catalog, table, days[0], days[-1]) for table in TABLES}
    found = {}
    for day in days:
        said, leaves = contents.get(day), demand.rekey and demand.under[day] != demand.keys[day].key_id
        reasons = {table: _why(table, runs[table.name].get(day), said, leaves=leaves) for table in TABLES}
        found[day] = {table.name: why for table, why in reasons.items() if why}
    return found


def mixed_days(settings: JobSettings, contents: Mapping[dt.date, Contents]) -> dict[dt.date, Reasons]:
    """Days whose tables are not all of one set of files, with the tables to publish so that all are of `contents`.

    A day that another run has published whole is left as it is. `clean` is always among the tables, for it names the
    snapshots of the others.
    """
    catalog, days = open_catalog(settings), sorted(contents)
    runs = {table.name: published(catalog, table, days[0], days[-1]) for table in TABLES}
    known = ever_remembered(catalog, days)
    found = {}
    for day in days:
        held = {name: content_of(of[day]) for name, of in runs.items() if day in of}
        if held != contents[day] and held not in known[day]:
            differ = [name for name in held if held[name] != contents[day][name]]
            found[day] = dict.fromkeys([*differ, CLEAN.name], MIXED)
    return found


def _why(table: Table, run: Run | None, said: Contents | None, *, leaves: bool) -> str | None:
    if run is None:
        return "never published"
    if said is None:
        return UNREAD
    if content_of(run) != said[table.name]:
        return "its rows changed"
    return "it is under another key" if leaves and table is CLEAN else None

"""Raw files that a run needs, keys that it reads them under, and which of its days are out of date."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Self

from antifraud.clock import shift
from antifraud.errors import RawFileError
from antifraud.features.buckets import LONGEST_WINDOW_DAYS
from antifraud.files import hash_of
from antifraud.keys.pseudonym import Key, load_keyring
from antifraud.lake.catalog import Run, newest_runs, open_catalog, outdated, published
from antifraud.lake.coverage import DaysRead
from antifraud.lake.feed import RawFile, covers, discover, files_of, files_to_read, require_covered
from antifraud.lake.key_use import key_ids, nearest
from antifraud.lake.known_files import KnownFile, Stamp, known_files
from antifraud.lake.schemas import CLEAN, LABELS, QUARANTINE
from antifraud.lake.storage import raw_folder
from antifraud.lake.table_format import Table
from antifraud.settings.core import JobSettings
from jobs.raw.contents import Contents, content_of, ever_remembered
from jobs.raw.files import Refusal, checksums, inspect

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
        files: Readable files that may hold rows of the days. A file that was read before has the days of its rows.
        refused: Other files that may hold such rows but cannot be read. No mapping has the days that they cover.
        stamps: Stamp of each file, taken before it was read.
        sums: SHA-256 of each file.
        remembered: Names of the files whose stamp an earlier run stored, so that they were not read for a checksum.
        label_delay_days: Setting that the rows of labels depend on.
        under: For each day, the id of the key that the day, or else the nearest day of the lake, is under.
        keys: For each day, the key to read it under: the one of `under`, or the active key if the key ring has lost
            that one or `rekey` holds.
        rekey: Whether the run is to bring the days under the active key.
    """

    files: Sequence[RawFile]
    refused: Sequence[Refusal]
    stamps: Mapping[str, Stamp]
    sums: Mapping[str, str]
    remembered: Collection[str]
    label_delay_days: int
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
        return self._sources(dict.fromkeys(self.keys, key_id))

    def _sources(self, key_ids: Mapping[dt.date, str]) -> dict[dt.date, str]:
        return {day: hash_of(self._parts_of(day), key_ids[day]) for day in self.keys}

    def _parts_of(self, day: dt.date) -> list[Any]:
        """Return what a day's rows depend on apart from the key; its hash is stored, so its order must not change."""
        versions = [table.version for table in TABLES]
        read = [
            [file.path.name, self.sums[file.path.name], *_coverage_of(file, day)]
            for file in files_to_read(self.files, [day])
        ]
        return [str(day), versions, self.label_delay_days, *read]

    @property
    def covering(self) -> list[RawFile]:
        """The files that cover one of the days; the remaining files only overlap into one."""
        return files_of(self.files, self.keys)

    def require_read(self, days: Sequence[dt.date]) -> None:
        """Refuse `days` that a file covers which cannot be read.

        Raises:
            RawFileError: There is such a day; the message names its file and the reason.
        """
        if reasons := [reason for file, reason in self.refused if any(file.covers(day) for day in days)]:
            more = f"; and {len(reasons) - NAMED} more files" if len(reasons) > NAMED else ""
            raise RawFileError("; ".join(reasons[:NAMED]) + more)

    @property
    def to_remember(self) -> list[KnownFile]:
        """Files of which no row of the table `files` has the stamp, or the rows, as rows of that table."""
        names = {file.path.name: file.read for file in self.files}
        return [
            KnownFile(name, self.stamps[name], self.sums[name], read)
            for name, read in names.items()
            if name not in self.remembered
        ]

    def only(self, days: Iterable[dt.date]) -> Self:
        """Return the same demand for some of the days only."""
        wanted = list(days)
        return replace(
            self,
            files=files_to_read(self.files, wanted),
            under={day: self.under[day] for day in wanted},
            keys={day: self.keys[day] for day in wanted},
        )

    def as_read(self, read: Mapping[str, DaysRead]) -> Self:
        """Return the same demand with files that were read now, and without days that their rows do not reach.

        All files stay, in their order: judged rows name them by their place.
        """
        files = [file.as_read(read[file.path.name]) if file.path.name in read else file for file in self.files]
        return replace(
            self,
            files=files,
            remembered=[name for name in self.remembered if name not in read],
            under={day: key_id for day, key_id in self.under.items() if covers(files, day)},
            keys={day: key for day, key in self.keys.items() if covers(files, day)},
        )


def _coverage_of(file: RawFile, day: dt.date) -> list[str]:
    """Return the days of a file that decide which of its rows belong to `day`.

    The next file is no part of them unless rows overlap into it: its arrival must not make earlier days stale.
    """
    if not file.covers(day):
        return ["overlaps"]
    return [str(file.first), str(file.last), str(file.after) if file.after and file.rows_of(file.after) else ""]


def demand_of(
    settings: JobSettings, asked: Sequence[dt.date], more: Iterable[dt.date] = (), *, rekey: bool = False
) -> Demand:
    """Return what is needed for the days `asked` and, as far as files cover them, for `more` days.

    Files with an unknown stamp are read through once, for their checksum.

    A day that an unreadable file covers is left out, and the other days go on. An unreadable file that only overlaps
    into a day is left out of it: that day becomes stale when the file is delivered again.

    Raises:
        MissingDay: No file covers a day that is asked for.
        SettingsError: There is no key ring.
    """
    near, catalog = files_to_read(discover(raw_folder(settings)), {*asked, *more}), open_catalog(settings)
    # Stamps are taken before the files are read, so that `require_unchanged` notices a write in between.
    before, refused = inspect(near)
    files, known = [file for file in near if file.path.name in before], known_files(catalog)
    known_sums = {name: known.sums[name, stamp] for name, stamp in before.items() if (name, stamp) in known.sums}
    sums, damaged = checksums(files, known_sums)
    settled = [known.settle_by_sum(file, sums[file.path.name]) for file in files if file.path.name in sums]
    refused += damaged
    lost = {day for day in {*asked, *more} if any(file.covers(day) for file, _ in refused)}
    require_covered(settled, [day for day in asked if day not in lost])
    days = sorted(day for day in {*asked, *more} - lost if covers(settled, day))
    ring = load_keyring(settings.keyring_path)
    under = _key_ids(settings, catalog, days, new=ring.active)
    return Demand(
        files=files_to_read(settled, days),
        refused=refused,
        stamps=before,
        sums=sums,
        remembered=known_sums,
        label_delay_days=settings.label_delay_days,
        under=under,
        keys={day: ring.active_key if rekey else ring.keys.get(under[day], ring.active_key) for day in days},
        rekey=rekey,
    )


def _key_ids(settings: JobSettings, catalog: "Catalog", days: Sequence[dt.date], *, new: str) -> dict[dt.date, str]:
    """Return the key id that each day, or the nearest day of the lake, is under; `new` if no day is near.

    Near is whatever shares a state with the day: features must not meet one customer under two tokens.
    """
    if not days:
        return {}
    reach = settings.label_delay_days + LONGEST_WINDOW_DAYS
    used = key_ids(catalog, CLEAN, shift(min(days), -reach), shift(max(days), reach))
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

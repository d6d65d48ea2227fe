"""What raw files say about a day, as one short hash for each table: equal hashes, equal rows.

Order-free, and of what the tables hold only, so that a file that was delivered again changes the days whose rows it
changes, and of these only the tables. Which contents a set of files has is remembered in `runs` under the name `FEED`,
so that files need not be read again to know it; so is, as `FILE`, the checksum of a file that nobody has written to.
"""

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from pyspark.sql import Column
from pyspark.sql import functions as F

from antifraud.files import hash_of
from antifraud.lake.catalog import Run, runs_of
from antifraud.lake.schemas import CLEAN, LABELS, QUARANTINE, Table
from jobs.raw.files import RawFile, Stamp

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

    from antifraud.settings.core import JobSettings

FEED: Final = "feed"
FILE: Final = "raw_file"
CONTENT: Final = "content"
HASHED: Final[Mapping[Table, tuple[str, ...]]] = {
    QUARANTINE: ("file", "line", "reason", "column"),
    LABELS: ("transaction_id", "is_fraud", "scenario"),
    CLEAN: ("transaction_id", "event_time", "customer", "terminal", "amount"),
}
SHA256: Final = "sha256"
HALF_BITS: Final = 32
HALF: Final = (1 << HALF_BITS) - 1

Contents = dict[str, str]
"""Hash by table name."""
Sums = dict[str, list[int]]


def row_sums(tables: Iterable[Table], among: Column) -> list[Column]:
    """For each table two sums over the hashes of the rows `among` which its own are; null where none is.

    32 bits each, so that no number of rows overflows.
    """
    sums = []
    for table in tables:
        digest = F.when(among, F.xxhash64(*HASHED[table]))
        halves = {"high": F.shiftrightunsigned(digest, HALF_BITS), "low": digest.bitwiseAND(F.lit(HALF))}
        sums += [F.sum(half).alias(f"{table.name}_{name}") for name, half in halves.items()]
    return sums


def add_sums(sums: Sums, row: Mapping[str, Any], rows: int, tables: Iterable[Table]) -> None:
    """Add an aggregated row to the sums of `tables`."""
    for table in tables:
        added = [rows, row[f"{table.name}_high"], row[f"{table.name}_low"]]
        before = sums.get(table.name, [0, 0, 0])
        sums[table.name] = [one + other for one, other in zip(before, added, strict=True)]


def contents_of(settings: "JobSettings", sums: Sums) -> Contents:
    """Hash by table, also of tables without rows; whatever else the rows depend on is in it."""
    more = {LABELS: settings.label_delay_days}
    return {t.name: hash_of(t.version, sums.get(t.name, [0, 0, 0]), more.get(t)) for t in HASHED}


def content_of(run: Run) -> str | None:
    """The content that a day was published with; None where it was published before contents were counted."""
    content: str | None = json.loads(run.counts).get(CONTENT)
    return content


def remembered(catalog: "Catalog", sources: Mapping[dt.date, str]) -> dict[dt.date, Contents]:
    """Contents of the days of which the `sources` were read before."""
    runs = runs_of(catalog, FEED, min(sources), max(sources)) if sources else []
    return {run.day: json.loads(run.counts) for run in runs if sources.get(run.day) == run.inputs}


def ever_remembered(catalog: "Catalog", days: Iterable[dt.date]) -> dict[dt.date, list[Contents]]:
    """For each of the days the contents of all files that it was ever read from."""
    known: dict[dt.date, list[Contents]] = {day: [] for day in days}
    for run in runs_of(catalog, FEED, min(known), max(known)):
        known.setdefault(run.day, []).append(json.loads(run.counts))
    return known


def remembered_sums(catalog: "Catalog", files: Sequence[RawFile], stamps: Mapping[str, Stamp]) -> dict[str, str]:
    """SHA-256 by name of those files that were read before and have the same stamp still."""
    sources = {_source_of(file, stamps[file.path.name]): file.path.name for file in files}
    runs = runs_of(catalog, FILE, files[0].first, files[-1].first) if files else []
    return {sources[run.inputs]: json.loads(run.counts)[SHA256] for run in runs if run.inputs in sources}


def memory_of(file: RawFile, stamp: Stamp, checksum: str) -> Run:
    """What `remembered_sums` finds of a file, as a row of `runs`."""
    return Run(FILE, file.first, _source_of(file, stamp), 0, 0, json.dumps({SHA256: checksum}), 0)


def _source_of(file: RawFile, stamp: Stamp) -> str:
    return hash_of(file.path.name, stamp)


def memories(sources: Mapping[dt.date, str], contents: Mapping[dt.date, Contents]) -> list[Run]:
    """What `remembered` finds, as rows of `runs`."""
    return [
        Run(FEED, day, source, 0, 0, json.dumps(contents[day], sort_keys=True), 0) for day, source in sources.items()
    ]

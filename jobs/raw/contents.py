"""Contents of raw files: for each day and table one short hash, so that equal hashes mean equal rows.

The hash ignores the order of rows and everything that the table does not hold. So a file that is delivered again makes
a table's day stale only if it changes that table's rows.

`runs` remembers contents, so that files need not be read again: under `FEED` it has the contents of a day for a set of
files.
"""

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from pyspark.sql import Column
from pyspark.sql import functions as F

from antifraud.files import hash_of
from antifraud.lake.catalog import Run, runs_of
from antifraud.lake.schemas import CLEAN, LABELS, QUARANTINE
from antifraud.lake.table_format import Table

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

    from antifraud.settings.core import JobSettings

FEED: Final = "feed"
CONTENT: Final = "content"
HASHED: Final[Mapping[Table, tuple[str, ...]]] = {
    QUARANTINE: ("file", "line", "reason", "column"),
    LABELS: ("transaction_id", "is_fraud", "scenario"),
    # The hash passes over nulls. So a day without groups has the content that it had before there were any.
    CLEAN: ("transaction_id", "event_time", "customer", "terminal", "amount", "terminal_group"),
}
HALF_BITS: Final = 32
HALF: Final = (1 << HALF_BITS) - 1

Contents = dict[str, str]
"""Hash of a day's rows, by table name."""
Sums = dict[str, list[int]]


def row_sums(tables: Iterable[Table], among: Column) -> list[Column]:
    """Return two sums for each table over the hashes of the rows where `among` holds; null if there are none.

    A hash has 64 bits. Its halves are added apart, so that no number of rows overflows.
    """
    sums = []
    for table in tables:
        # Sums do not depend on the order of rows, and a row that occurs twice changes them (an xor would cancel out).
        digest = F.when(among, F.xxhash64(*HASHED[table]))
        halves = {"high": F.shiftrightunsigned(digest, HALF_BITS), "low": digest.bitwiseAND(F.lit(HALF))}
        sums += [F.sum(half).alias(f"{table.name}_{name}") for name, half in halves.items()]
    return sums


def add_sums(sums: Sums, row: Mapping[str, Any], rows: int, tables: Iterable[Table]) -> None:
    """Add aggregated `rows` to the sums of `tables`."""
    for table in tables:
        added = [rows, row[f"{table.name}_high"], row[f"{table.name}_low"]]
        before = sums.get(table.name, [0, 0, 0])
        sums[table.name] = [one + other for one, other in zip(before, added, strict=True)]


def contents_of(settings: "JobSettings", sums: Sums) -> Contents:
    """Return the hash of each table, even without rows; it covers settings that the rows depend on, too."""
    more = {LABELS: settings.label_delay_days}
    return {t.name: hash_of(t.version, sums.get(t.name, [0, 0, 0]), more.get(t)) for t in HASHED}


def content_of(run: Run) -> str | None:
    """Return the content that a day was published with; None if a version without contents published it."""
    content: str | None = json.loads(run.counts).get(CONTENT)
    return content


def remembered(catalog: "Catalog", sources: Mapping[dt.date, str]) -> dict[dt.date, Contents]:
    """Return the contents of the days that an earlier run read from the same `sources`."""
    runs = runs_of(catalog, FEED, min(sources), max(sources)) if sources else []
    return {run.day: json.loads(run.counts) for run in runs if sources.get(run.day) == run.inputs}


def ever_remembered(catalog: "Catalog", days: Iterable[dt.date]) -> dict[dt.date, list[Contents]]:
    """Return for each day all contents that it was ever read with."""
    known: dict[dt.date, list[Contents]] = {day: [] for day in days}
    for run in runs_of(catalog, FEED, min(known), max(known)):
        known.setdefault(run.day, []).append(json.loads(run.counts))
    return known


def memories(sources: Mapping[dt.date, str], contents: Mapping[dt.date, Contents]) -> list[Run]:
    """Return the rows of `runs` in which `remembered` finds contents."""
    return [
        Run(FEED, day, source, 0, 0, json.dumps(contents[day], sort_keys=True), 0) for day, source in sources.items()
    ]

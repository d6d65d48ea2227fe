"""A plan of the snapshots and files that maintenance may remove, made from Iceberg's metadata without Spark.

A snapshot may go `keep_days` after it was superseded. The time when it was written does not matter: a job that reads a
table's current snapshot must find it to the end. Snapshots that a live release names are tagged and stay for ever.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from antifraud.artifacts.bundle import open_release
from antifraud.artifacts.pointer import read_pointer
from antifraud.clock import DAY_SECONDS, HOUR_SECONDS
from antifraud.lake.schemas import FEATURES, LABELS, NAMESPACE
from antifraud.lake.shipped_tables import CLIENT_LABELS
from antifraud.lake.table_format import Table
from antifraud.settings.core import JobSettings

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table as IcebergTable

TAG: Final = "keep-"
KEEP_DAYS: Final = 30
GRACE_HOURS: Final = 48
MOST_FILES: Final = 5
"""A partition with at least this many small files is compacted."""
SMALL_BYTES: Final = 32 << 20
MOST_MANIFESTS: Final = 50
"""Beyond this number manifests are rewritten, because a reader opens every manifest that may hold its day."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Ages at which things may go, and the time (UTC seconds, wall clock) that ages are counted from."""

    now: int
    keep_days: int = KEEP_DAYS
    grace_hours: int = GRACE_HOURS
    """Staged snapshots and orphaned files younger than this may belong to a job at work."""

    @property
    def superseded_before(self) -> int:
        """Snapshots superseded before this (ms) may go."""
        return (self.now - self.keep_days * DAY_SECONDS) * 1_000

    @property
    def staged_before(self) -> int:
        """Snapshots staged, and files orphaned, before this (ms) may go."""
        return (self.now - self.grace_hours * HOUR_SECONDS) * 1_000


@dataclass(frozen=True, slots=True)
class Plan:
    """Work that is due on one table, by snapshot ids, tag names and counts."""

    table: Table
    superseded: tuple[int, ...]
    unpublished: tuple[int, ...]
    tags_to_add: tuple[int, ...]
    tags_to_drop: tuple[str, ...]
    crowded: int
    """Partitions with many small files."""
    manifests: int

    @property
    def expired(self) -> tuple[int, ...]:
        """All snapshots that may go."""
        return (*self.superseded, *self.unpublished)


def live_manifests(settings: JobSettings) -> list[Mapping[str, Any]]:
    """Return the manifests of the live releases: serving, previous, anchor.

    Raises:
        ReleaseError: The pointer or a bundle does not verify, so nothing may be removed.
    """
    pointer = read_pointer(settings.releases_dir)
    live = {pointer.release, pointer.previous, pointer.anchor} - {None} if pointer else set()
    return [open_release(settings, release).manifest for release in sorted(map(str, live))]


def snapshots_of_releases(manifests: Iterable[Mapping[str, Any]]) -> dict[str, frozenset[int]]:
    """Return the snapshots that releases were made from, by table name."""
    known = list(manifests)
    names = {
        FEATURES.name: "features_snapshot",
        LABELS.name: "labels_snapshot",
        CLIENT_LABELS.name: "client_labels_snapshot",
    }
    return {table: frozenset(int(m[name]) for m in known if name in m) for table, name in names.items()}


def plan(catalog: "Catalog", table: Table, rules: Rules, named: AbstractSet[int]) -> Plan:
    """Return what is due on a table; snapshots in `named` stay."""
    source = catalog.load_table((NAMESPACE, table.name))
    present = {snapshot.snapshot_id: snapshot.timestamp_ms for snapshot in source.snapshots()}
    tags = {name: ref.snapshot_id for name, ref in source.metadata.refs.items() if name.startswith(TAG)}
    kept = set(named) & set(present)
    # The current snapshot is held, and so is every snapshot that somebody else has tagged.
    held = kept | {ref.snapshot_id for name, ref in source.metadata.refs.items() if name not in tags}
    history = [(entry.snapshot_id, entry.timestamp_ms) for entry in source.history()]
    # A snapshot ends when the next one in the history begins.
    ended = {before: at for (before, _), (_, at) in pairwise(history)}
    visible = {snapshot for snapshot, _ in history}
    return Plan(
        table,
        tuple(s for s, at in ended.items() if at < rules.superseded_before and s not in held),
        tuple(s for s, at in present.items() if at < rules.staged_before and s not in visible | held),
        tuple(sorted(kept - set(tags.values()))),
        tuple(sorted(name for name, snapshot in tags.items() if snapshot not in kept)),
        _crowded(source),
        len(source.inspect.manifests()) if source.current_snapshot() else 0,
    )


def _crowded(source: "IcebergTable") -> int:
    if source.current_snapshot() is None:
        return 0
    files = source.inspect.files().select(["partition", "file_size_in_bytes"]).to_pylist()
    small = Counter(repr(row["partition"]) for row in files if row["file_size_in_bytes"] < SMALL_BYTES)
    return sum(count >= MOST_FILES for count in small.values())

"""The state as the scorer reads it: one LMDB folder per cut-off, one packed record per token, one pointer.

``state/<cut-off>-<inputs>/data.mdb`` maps the bytes of a token to a record of `encode_entity`. The `MANIFEST` beside it
has the SHA-256 of ``data.mdb`` and says what the export was made from. ``state/pointer.json`` names the folder to load
and is replaced atomically.
"""

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from antifraud.errors import DataError
from antifraud.features.buckets import BUCKET_BYTES, Buckets
from antifraud.features.labels import NO_HOUR, Changes, LabelCounts, LabelHistory
from antifraud.files import sha256_of

DATA_FILE: Final = "data.mdb"
MANIFEST: Final = "manifest.json"
POINTER: Final = "pointer.json"
FORMAT: Final = 3

# Format, numbers of days, hours, days and hours of labels, hours of the streak, changes; then the last legitimate hour.
_HEADER = struct.Struct("<B6Hi")
_STREAK = struct.Struct("<iI")
_SIZES: Final = (
    BUCKET_BYTES, BUCKET_BYTES, LabelCounts.row_bytes, LabelCounts.row_bytes, _STREAK.size, Changes.row_bytes,
)  # fmt: skip


class Entity(NamedTuple):
    """One entity in a state: `days` by day number, `hours` of the cut-off day by hour number, labels."""

    days: Buckets
    hours: Buckets
    labels: LabelHistory


@dataclass(frozen=True, slots=True)
class StatePointer:
    """The export to load.

    Attributes:
        cutoff: Its cut-off day (ISO).
        path: Its folder.
        sequence: Number of changes of the pointer so far.
        moved_back: Whether a person may have moved the pointer back to an older cut-off. Without this mark, a scorer
            refuses an older cut-off than the one that it uses.
    """

    cutoff: str
    path: str
    sequence: int
    moved_back: bool = False


@dataclass(frozen=True, slots=True)
class StateManifest:
    """The description of an export: cut-off day (ISO), entities, and the state snapshot and inputs it was made from.

    `key_ids` are the ids of all keys in the key ring, old and new ones while keys rotate. None if the export was made
    without a key ring, or by an earlier version: the scorer then takes tokens of every key. `links` is the number of
    pairs of tokens of the same entity (`antifraud/artifacts/state_names.py`).
    """

    cutoff: str
    sha256: str
    rows: int
    snapshot_id: int
    inputs: str
    label_delay_days: int
    key_ids: tuple[str, ...] | None = None
    links: int = 0


def encode_entity(entity: Entity) -> bytes:
    """Pack one entity; the cut-off of its labels is that of the whole export.

    >>> from antifraud.features.buckets import Bucket
    >>> from antifraud.features.labels import Change, Counts
    >>> change = Change(490_930, 490_930, 1, 0)
    >>> labels = LabelHistory.of(20454, {20450: Counts(3, 1)}, {}, 490_800, {490_801: 1}, [change])
    >>> entity = Entity(Buckets.of({20454: Bucket(1, 7, 1 << 70, 7, 60)}), Buckets(), labels)
    >>> decode_entity(encode_entity(entity), 20454) == entity
    True
    """
    days, hours, labels = entity
    parts = (labels.days, labels.hours, labels.streak, labels.changes)
    header = _HEADER.pack(FORMAT, len(days), len(hours), *map(len, parts), labels.last_legit)
    streak = b"".join(_STREAK.pack(*hour) for hour in sorted(labels.streak.items()))
    packed = (days.packed, hours.packed, labels.days.packed, labels.hours.packed, streak, labels.changes.packed)
    return header + b"".join(packed)


def decode_entity(record: bytes, cutoff: int) -> Entity:
    """Unpack what `encode_entity` packed, from an export with this cut-off (a day number).

    Raises:
        DataError: The record is of another format or damaged.
    """
    if len(record) < _HEADER.size or record[0] != FORMAT:
        raise DataError(f"a state record of {len(record)} bytes is not of format {FORMAT}: export the state again")
    _, *counts, last_legit = _HEADER.unpack_from(record)
    parts, start = [], _HEADER.size
    for count, size in zip(counts, _SIZES, strict=True):
        parts.append(record[start : start + count * size])
        start += count * size
    if len(record) != start:
        raise DataError(f"a state record of {len(record)} bytes is damaged: export the state again")
    days, hours, label_days, label_hours, streak, changes = parts
    labels = LabelHistory(
        cutoff,
        LabelCounts(label_days),
        LabelCounts(label_hours),
        last_legit,
        dict(_STREAK.iter_unpack(streak)),
        Changes(changes),
    )
    return Entity(Buckets(days), Buckets(hours), labels)


def encode_hours(hours: Buckets) -> bytes:
    """Pack a record with hours alone.

    >>> encode_hours(Buckets()) == encode_entity(Entity(Buckets(), Buckets(), LabelHistory(NO_HOUR)))
    True
    """
    return _HEADER.pack(FORMAT, 0, len(hours), 0, 0, 0, 0, NO_HOUR) + hours.packed


def decode_hours(record: bytes) -> Buckets:
    """Unpack what `encode_hours` packed.

    >>> from antifraud.features.buckets import Bucket
    >>> hours = Buckets.of({490_000: Bucket(1, 7, 49, 7, 60)})
    >>> decode_hours(encode_hours(hours)) == hours
    True
    """
    return Buckets(record[_HEADER.size :])


def newest_hour_of(record: bytes) -> int:
    """Return the newest hour with a bucket in a record of hours alone; 0 if there is none.

    >>> from antifraud.features.buckets import EMPTY
    >>> hours = Buckets.of({490_000: EMPTY, 490_007: EMPTY})
    >>> newest_hour_of(encode_hours(hours)), newest_hour_of(encode_hours(Buckets()))
    (490007, 0)
    """
    # Hours lie in their order.
    hours = record[_HEADER.size :]
    return next(iter(Buckets(hours[-BUCKET_BYTES:]))) if hours else 0


def read_state_pointer(state_dir: Path) -> StatePointer | None:
    """Return the pointer; None if no state was ever exported.

    Raises:
        DataError: The pointer cannot be read as one.
    """
    try:
        return StatePointer(**json.loads((state_dir / POINTER).read_text()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"{state_dir / POINTER} is not a state pointer ({error}): export the state again") from error


def read_manifest(folder: Path) -> StateManifest:
    """Read the manifest of an export; its data is not looked at.

    Raises:
        DataError: The manifest is missing or malformed.
    """
    try:
        fields = json.loads((folder / MANIFEST).read_text())
        key_ids = fields.get("key_ids")
        return StateManifest(**{**fields, "key_ids": key_ids and tuple(key_ids)})
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise _incomplete(folder, error) from error


def require_data(folder: Path, manifest: StateManifest) -> None:
    """Refuse an export whose data does not have the checksum of its manifest.

    Raises:
        DataError: The data cannot be read, or has another checksum.
    """
    try:
        actual = sha256_of(folder / DATA_FILE)
    except OSError as error:
        raise _incomplete(folder, error) from error
    if actual != manifest.sha256:
        raise DataError(f"{DATA_FILE} of state export {folder.name} is not what its manifest says: export it again")


def verify_export(folder: Path) -> StateManifest:
    """Read the manifest of an export and check its data against it.

    Raises:
        DataError: The manifest is missing or malformed, or its checksum is not that of the data.
    """
    manifest = read_manifest(folder)
    require_data(folder, manifest)
    return manifest


def _incomplete(folder: Path, error: Exception) -> DataError:
    return DataError(f"state export {folder.name} is not complete ({error}): export the state again")

"""The state as the scorer reads it: one LMDB folder per cut-off, one packed record per token, one pointer.

``state/<cut-off>-<inputs>/data.mdb`` maps the bytes of a token to a record of `encode_entity`. The `MANIFEST` beside it
has the SHA-256 of ``data.mdb`` and says what the export was made from. ``state/pointer.json`` names the folder to load
and is replaced atomically.
"""

import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Final, NamedTuple

from antifraud.errors import DataError
from antifraud.features.buckets import Bucket
from antifraud.features.labels import Change, Counts, LabelHistory
from antifraud.files import sha256_of

DATA_FILE: Final = "data.mdb"
MANIFEST: Final = "manifest.json"
POINTER: Final = "pointer.json"
FORMAT: Final = 3

# Format, numbers of days, hours, days and hours of labels, hours of the streak, changes; then the last legitimate hour.
_HEADER = struct.Struct("<B6Hi")
# Day or hour number, count, sum, upper and lower word of the sum of squares, largest amount, last time.
_BUCKET = struct.Struct("<iqqQQqq")
# Day or hour number, known, fraud.
_COUNTS = struct.Struct("<iII")
_STREAK = struct.Struct("<iI")
_CHANGE = struct.Struct("<iiii")
_WORD: Final = 64
_LOW: Final = (1 << _WORD) - 1


class Entity(NamedTuple):
    """One entity in a state: `days` by day number, `hours` of the cut-off day by hour number, labels."""

    days: Mapping[int, Bucket]
    hours: Mapping[int, Bucket]
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
    """The description of an export: cut-off day (ISO), entities, and the state snapshot and inputs it was made from."""

    cutoff: str
    sha256: str
    rows: int
    snapshot_id: int
    inputs: str
    label_delay_days: int


def encode_entity(entity: Entity) -> bytes:
    """Pack one entity; the cut-off of its labels is that of the whole export.

    >>> labels = LabelHistory(20454, {20450: Counts(3, 1)}, {}, 490_800, {490_801: 1}, [Change(490_930, 490_930, 1, 0)])
    >>> entity = Entity({20454: Bucket(1, 7, 1 << 70, 7, 60)}, {}, labels)
    >>> decode_entity(encode_entity(entity), 20454) == entity
    True
    """
    days, hours, labels = entity
    parts = (labels.days, labels.hours, labels.streak, labels.changes)
    packed = [_HEADER.pack(FORMAT, len(days), len(hours), *map(len, parts), labels.last_legit)]
    for number, (count, amount_sum, square, largest, last) in (*sorted(days.items()), *sorted(hours.items())):
        # Sums of squares exceed 64 bits, so the record holds them as two words.
        packed.append(_BUCKET.pack(number, count, amount_sum, square >> _WORD, square & _LOW, largest, last))
    packed += [_COUNTS.pack(number, *counts) for part in parts[:2] for number, counts in sorted(part.items())]
    packed += [_STREAK.pack(*hour) for hour in sorted(labels.streak.items())]
    packed += [_CHANGE.pack(*change) for change in sorted(labels.changes)]
    return b"".join(packed)


def decode_entity(record: bytes, cutoff: int) -> Entity:
    """Unpack what `encode_entity` packed, from an export with this cut-off (a day number).

    Raises:
        DataError: The record is of another format or damaged.
    """
    if len(record) < _HEADER.size or record[0] != FORMAT:
        raise DataError(f"a state record of {len(record)} bytes is not of format {FORMAT}: export the state again")
    _, *sizes, last_legit = _HEADER.unpack_from(record)
    kinds = (_BUCKET, _BUCKET, _COUNTS, _COUNTS, _STREAK, _CHANGE)
    ends = list(accumulate((n * kind.size for n, kind in zip(sizes, kinds, strict=True)), initial=_HEADER.size))
    if len(record) != ends[-1]:
        raise DataError(f"a state record of {len(record)} bytes is damaged: export the state again")
    days, hours, label_days, label_hours, streak, changes = (
        kind.iter_unpack(record[start:end]) for kind, (start, end) in zip(kinds, pairwise(ends), strict=True)
    )
    labels = LabelHistory(
        cutoff, _counts(label_days), _counts(label_hours), last_legit, dict(streak), [Change(*each) for each in changes]
    )
    return Entity(_buckets(days), _buckets(hours), labels)


def _buckets(unpacked: Iterator[tuple[int, ...]]) -> dict[int, Bucket]:
    return {
        number: Bucket(count, amount_sum, high << _WORD | low, largest, last)
        for number, count, amount_sum, high, low, largest, last in unpacked
    }


def newest_hour_of(record: bytes) -> int:
    """Return the newest hour with a bucket in a packed record; 0 if there is none.

    >>> hours = {490_000: Bucket(1, 7, 49, 7, 60), 490_007: Bucket(1, 7, 49, 7, 60)}
    >>> newest_hour_of(encode_entity(Entity({}, hours, LabelHistory(20_454)))), newest_hour_of(encode_entity(
    ...     Entity({}, {}, LabelHistory(20_454))))
    (490007, 0)
    """
    _, days, hours, *_ = _HEADER.unpack_from(record)
    # Hours lie behind the days, in their order.
    last = _HEADER.size + (days + hours - 1) * _BUCKET.size
    return int(_BUCKET.unpack_from(record, last)[0]) if hours else 0


def _counts(unpacked: Iterator[tuple[int, ...]]) -> dict[int, Counts]:
    return {number: Counts(known, fraud) for number, known, fraud in unpacked}


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
        return StateManifest(**json.loads((folder / MANIFEST).read_text()))
    except (OSError, ValueError, TypeError) as error:
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

"""The state as the scorer reads it: one LMDB folder per cut-off, one packed record per token, one pointer.

``state/<cut-off>-<inputs>/data.mdb`` maps the bytes of a token to a record of `encode_entity`. The `MANIFEST` beside it
has the SHA-256 of ``data.mdb`` and says what the export was made from. ``state/pointer.json`` names the folder to load
and is replaced atomically.
"""

import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from antifraud.errors import DataError
from antifraud.features.buckets import Bucket, Risk
from antifraud.files import sha256_of

DATA_FILE: Final = "data.mdb"
MANIFEST: Final = "manifest.json"
POINTER: Final = "pointer.json"
FORMAT: Final = 2

# Format, number of days, number of hours, then the fields of `Risk`.
_HEADER = struct.Struct(f"<BHH{len(Risk._fields)}q")
# Day or hour number, count, sum, upper and lower word of the sum of squares, largest amount, last time.
_BUCKET = struct.Struct("<iqqQQqq")
_WORD: Final = 64
_LOW: Final = (1 << _WORD) - 1


@dataclass(frozen=True, slots=True)
class StatePointer:
    """The export to load: its cut-off day (ISO), its folder, and the number of changes of the pointer so far."""

    cutoff: str
    path: str
    sequence: int


@dataclass(frozen=True, slots=True)
class StateManifest:
    """The description of an export: cut-off day (ISO), entities, and the state snapshot and inputs it was made from."""

    cutoff: str
    sha256: str
    rows: int
    snapshot_id: int
    inputs: str
    label_delay_days: int


def encode_entity(days: Mapping[int, Bucket], hours: Mapping[int, Bucket], risk: Risk) -> bytes:
    """Pack one entity: `days` by day number, `hours` of the cut-off day by hour number, risk from matured labels.

    >>> packed = encode_entity({20454: Bucket(1, 7, 1 << 70, 7, 60)}, {}, Risk(known_1d=3))
    >>> decode_entity(packed) == ({20454: Bucket(1, 7, 1 << 70, 7, 60)}, {}, Risk(known_1d=3))
    True
    """
    parts = [_HEADER.pack(FORMAT, len(days), len(hours), *risk)]
    for number, (count, amount_sum, square, largest, last) in (*sorted(days.items()), *sorted(hours.items())):
        # Sums of squares exceed 64 bits, so the record holds them as two words.
        parts.append(_BUCKET.pack(number, count, amount_sum, square >> _WORD, square & _LOW, largest, last))
    return b"".join(parts)


def decode_entity(record: bytes) -> tuple[dict[int, Bucket], dict[int, Bucket], Risk]:
    """Unpack what `encode_entity` packed: days, hours, risk.

    Raises:
        DataError: The record is of another format or damaged.
    """
    if len(record) < _HEADER.size or record[0] != FORMAT:
        raise DataError(f"a state record of {len(record)} bytes is not of format {FORMAT}: export the state again")
    _, day_count, hour_count, *risk = _HEADER.unpack_from(record)
    if len(record) != _HEADER.size + (day_count + hour_count) * _BUCKET.size:
        raise DataError(f"a state record of {len(record)} bytes is damaged: export the state again")
    buckets = list(_unpack_buckets(record))
    return dict(buckets[:day_count]), dict(buckets[day_count:]), Risk(*risk)


def _unpack_buckets(record: bytes) -> Iterator[tuple[int, Bucket]]:
    for number, count, amount_sum, high, low, largest, last in _BUCKET.iter_unpack(record[_HEADER.size :]):
        yield number, Bucket(count, amount_sum, high << _WORD | low, largest, last)


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


def verify_export(folder: Path) -> StateManifest:
    """Read the manifest of an export and check its data against it.

    Raises:
        DataError: The manifest is missing or malformed, or its checksum is not that of the data.
    """
    try:
        manifest = StateManifest(**json.loads((folder / MANIFEST).read_text()))
        actual = sha256_of(folder / DATA_FILE)
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"state export {folder.name} is not complete ({error}): export the state again") from error
    if actual != manifest.sha256:
        raise DataError(f"{DATA_FILE} of state export {folder.name} is not what its manifest says: export it again")
    return manifest

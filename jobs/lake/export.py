"""Exports of the state for the scorer: an LMDB file and its manifest, then the pointer to them."""

import dataclasses
import datetime as dt
import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import lmdb

from antifraud.artifacts.state_export import (
    DATA_FILE,
    MANIFEST,
    POINTER,
    Entity,
    StateManifest,
    StatePointer,
    encode_entity,
    read_state_pointer,
    verify_export,
)
from antifraud.artifacts.state_names import put_links
from antifraud.clock import day_number
from antifraud.errors import PublishError
from antifraud.features.buckets import Bucket, Buckets
from antifraud.features.labels import Change, Counts, LabelHistory
from antifraud.files import exclusive, hash_of, remove_folders, replace_file, sha256_of
from antifraud.keys.pseudonym import load_keyring
from antifraud.lake.bridges import bridge_files, read_pairs
from antifraud.lake.catalog import Run, open_catalog, read_batches, require_days
from antifraud.lake.schemas import STATE
from antifraud.settings.core import JobSettings
from jobs.columns.buckets import FIELDS

MAP_BYTES: Final = 1 << 40
"""Address space, not disk space: the file is as large as its content."""
UNFINISHED: Final = ".new-"


@dataclass(frozen=True, slots=True)
class Keys:
    """The ids of all keys in use, and the files with the pairs of tokens under two of them.

    `ids` is None where the state is exported without access to the key ring.
    """

    ids: tuple[str, ...] | None
    bridges: Sequence[Path]

    @property
    def overlap(self) -> tuple[str, ...]:
        """Parts by which exports of one state differ while several keys are in use; none if there is one key."""
        ids = self.ids or ()
        # A bridge gets files with new names whenever it is made.
        return (*ids, *[file.name for file in self.bridges]) if len(ids) > 1 else ()


def keys_in_use(settings: JobSettings) -> Keys:
    """Return the keys of the key ring, and the files of the bridges between them.

    Raises:
        SettingsError: The key ring cannot be read.
    """
    if not settings.keyring_path.exists():
        return Keys(None, ())
    ids = tuple(sorted(load_keyring(settings.keyring_path).keys))
    return Keys(ids, bridge_files(settings, ids) if len(ids) > 1 else ())


def export_state(settings: JobSettings, day: dt.date, *, allow_older: bool = False) -> int:
    """Write the export of a cut-off unless there is one, point to it, and return the number of its entities.

    Raises:
        MissingDay: The state of the day was never published.
        DataError: There is an export of this state, and it is damaged.
        PublishError: Another run published the state anew meanwhile.
    """
    catalog = open_catalog(settings)
    # One run at a time: an export that another run is writing is no leftover, and the pointer must not move meanwhile.
    with exclusive(settings.state_dir):
        run = require_days(catalog, STATE, [day])[day]
        keys = keys_in_use(settings)
        # The snapshot is part of the name: after a rotation of keys the same inputs have other tokens.
        folder = settings.state_dir / f"{day}-{hash_of(run.inputs, run.snapshot_id, *keys.overlap)[:8]}"
        remove_folders(settings.state_dir.glob(f"{UNFINISHED}*"), settings.home)
        if not folder.exists():
            _write(folder, _records(catalog, run), run, keys, settings.label_delay_days)
        manifest = verify_export(folder)
        _point(settings.state_dir, StatePointer(manifest.cutoff, folder.name, 1), allow_older=allow_older)
    return manifest.rows


def _records(catalog: Any, run: Run) -> Iterator[tuple[bytes, bytes]]:
    """Yield key and value of each entity; fail at the end if the rows may not all belong to `run`."""
    for batch in read_batches(catalog, STATE, run.day, run.day):
        for row in batch.to_pylist():
            days, hours = _buckets(row["days"], "day_number"), _buckets(row["hours"], "hour")
            yield row["entity"].encode(), encode_entity(Entity(days, hours, _labels(row, day_number(run.day))))
    # Asked again at the end: a run that published meanwhile may have removed files before they were read.
    if require_days(catalog, STATE, [run.day])[run.day] != run:
        raise PublishError(f"the state of {run.day} was published anew while it was exported: run it again")


def _buckets(rows: list[Mapping[str, Any]], number: str) -> Buckets:
    return Buckets.of({row[number]: Bucket(*(int(row[name]) for name in FIELDS)) for row in rows})


def _labels(row: Mapping[str, Any], cutoff: int) -> LabelHistory:
    streak: Counter[int] = Counter()
    for hour in row["streak"]:
        streak[hour["hour"]] += hour["fraud"]
    return LabelHistory.of(
        cutoff,
        _counts(row["label_days"], "day_number"),
        _counts(row["label_hours"], "hour"),
        row["last_legit"],
        streak,
        [Change(**change) for change in row["changes_ahead"]],
    )


def _counts(rows: list[Mapping[str, int]], number: str) -> dict[int, Counts]:
    """Add up labels by number; one day may have several entries."""
    counts: dict[int, Counts] = {}
    for row in rows:
        known, fraud = counts.get(row[number], (0, 0))
        counts[row[number]] = Counts(known + row["known"], fraud + row["fraud"])
    return counts


def _write(folder: Path, records: Iterator[tuple[bytes, bytes]], run: Run, keys: Keys, label_delay_days: int) -> None:
    """Write into a scratch folder and rename it, so that the export appears whole or not at all."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=UNFINISHED) as scratch:
        building = Path(scratch) / folder.name
        with lmdb.open(str(building), map_size=MAP_BYTES, lock=False) as environment:
            with environment.begin(write=True) as transaction:
                rows = sum(transaction.put(key, value) for key, value in records)
                links = put_links(transaction, read_pairs(keys.bridges))
            environment.sync(True)
        manifest = StateManifest(
            str(run.day),
            sha256_of(building / DATA_FILE),
            rows,
            run.snapshot_id,
            run.inputs,
            label_delay_days,
            keys.ids,
            links,
        )
        (building / MANIFEST).write_text(json.dumps(dataclasses.asdict(manifest), indent=2, sort_keys=True) + "\n")
        building.rename(folder)


def _point(state_dir: Path, wanted: StatePointer, *, allow_older: bool) -> None:
    now = read_state_pointer(state_dir)
    # A pointer that names the export already may still lack the mark: a scorer with a newer state waits for that.
    if now and now.path == wanted.path and (now.moved_back or not allow_older):
        return
    if now and wanted.cutoff < now.cutoff and not allow_older:
        print(f"export {wanted.cutoff}: the scorer has {now.cutoff} already, the pointer stays")
        return
    after = dataclasses.replace(wanted, sequence=now.sequence + 1 if now else 1, moved_back=allow_older)
    replace_file(state_dir / POINTER, json.dumps(dataclasses.asdict(after), sort_keys=True))

"""The world of the scorer's cost: a signed release, a state of 30 days for each version, and the same requests."""

import json
import random
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import lmdb
import numpy as np
from catboost import CatBoostClassifier

from antifraud.artifacts.bundle import write_bundle
from antifraud.artifacts.pointer import activate
from antifraud.artifacts.state_export import Entity
from antifraud.clock import DAY_HOURS, DAY_SECONDS, HOUR_SECONDS, date_of
from antifraud.features.buckets import EMPTY, LONGEST_WINDOW_DAYS, Bucket, Buckets, bucket_of
from antifraud.features.labels import NO_HOUR, Change, Counts, LabelHistory
from antifraud.features.registry import FEATURE_NAMES
from antifraud.files import replace_file, sha256_of
from antifraud.keys.access import generate_access
from antifraud.keys.pseudonym import Key, tokenise
from antifraud.keys.signing import SigningKey, generate_signing_keys
from antifraud.model.evaluator import CALIBRATION_FILE, MODEL_FILE, Calibration, read_evaluator
from jobs.training.export import onnx_bytes

CUTOFF: Final = 20_000
NOW: Final = (CUTOFF + 1) * DAY_SECONDS + 20 * HOUR_SECONDS + HOUR_SECONDS // 2
"""Business time of all requests: half past eight in the evening after the cut-off day."""
CUSTOMERS: Final = 5_000
TERMINALS: Final = 500
"""Together more than a worker keeps (`serving.worker.loading.KEPT_ENTITIES`), as in production."""
FILLING: Final = 5_000
"""Decisions of the day that are made before any is measured."""
LABELLED: Final = 400
BATCH: Final = 1_000
RELEASE: Final = "bench"
ROWS: Final = 400
TREES: Final = 40
DEPTH: Final = 3

Encode = Callable[[Entity], bytes]
Entities = Literal["customer", "terminal"]


@dataclass(frozen=True, slots=True)
class Version:
    """The differences between the files of versions: the hash of the feature set, and the records of a state."""

    feature_set: str
    encode: Encode


def encode_format_2(entity: Entity) -> bytes:
    """Pack an entity as commit b393281 did: days, hours, and the labels as nine sums."""
    days, hours, labels = entity
    known = [
        sum(counts[place] for day, counts in labels.days.items() if day > CUTOFF - window)
        for window in (1, 7, 30)
        for place in (0, 1)
    ]
    packed = [struct.pack("<BHH9q", 2, len(days), len(hours), *known, 0, 0, 0)]
    for number, (count, total, square, largest, last) in (*sorted(days.items()), *sorted(hours.items())):
        packed.append(struct.pack("<iqqQQqq", number, count, total, 0, square, largest, last))
    return b"".join(packed)


def make_home(home: Path, version: Version, model: bytes, rows: np.ndarray) -> None:
    """Write keys, access, release and state of a version into a new folder."""
    (home / "secrets").mkdir(parents=True)
    generate_access(home / "secrets")
    _keep_known(home / "secrets" / "access.json")
    private, public = home / "secrets" / "release.key", home / "secrets" / "release.pub"
    generate_signing_keys(private, public)
    files = {MODEL_FILE: model, CALIBRATION_FILE: Calibration(1.0, 0.0, 0.0).to_json().encode()}
    for name, content in files.items():
        (home / name).write_bytes(content)
    golden = {"vectors": rows.tolist(), "scores": read_evaluator(home).score(rows).tolist()}
    files["golden.json"] = json.dumps(golden).encode()
    key = SigningKey.read(private)
    manifest = {"threshold": 900_000, "verdict": "PASS", "feature_set": version.feature_set}
    write_bundle(home / "releases", RELEASE, files, manifest, key)
    activate(home / "releases", RELEASE, key.public)
    export_state(home / "state", version.encode, CUTOFF, dict(make_entities()))


def _keep_known(access: Path) -> None:
    """Leave out entries of other callers: an earlier version refuses scopes that it does not know."""
    clients = json.loads(access.read_text())["clients"]
    # The admin resumes a new store, which later versions keep suspended until then.
    access.write_text(json.dumps({"clients": [entry for entry in clients if entry["client"] in ("client", "admin")]}))


def fit_model(rng: np.random.Generator) -> tuple[bytes, np.ndarray]:
    """Return a small model, because the time of its trees is the library's, and some rows that it was fitted to."""
    rows = rng.uniform(0, 400, size=(ROWS, len(FEATURE_NAMES)))
    model = CatBoostClassifier(
        iterations=TREES, depth=DEPTH, random_seed=1, verbose=0, thread_count=1,
        allow_writing_files=False,
    )  # fmt: skip
    model.fit(rows, (rows[:, 0] + rng.normal(0, 50, ROWS) > 220).astype(int))
    return onnx_bytes(model), rows[:16]


def tokens(entity: Entities, count: int) -> list[str]:
    """Return the tokens of some customers or terminals."""
    return [tokenise(Key("k1", bytes(32)), entity, number) for number in range(count)]


def export_state(states: Path, encode: Encode, cutoff: int, entities: Mapping[str, Entity]) -> None:
    """Write a state with the histories of all customers and terminals, and point to it."""
    folder = states / f"{date_of(cutoff)}-00000001"
    folder.mkdir(parents=True)
    with lmdb.open(str(folder), map_size=1 << 28) as environment, environment.begin(write=True) as transaction:
        for token, entity in entities.items():
            transaction.put(token.encode(), encode(entity))
    (folder / "lock.mdb").unlink()
    described = {"cutoff": date_of(cutoff).isoformat(), "sha256": sha256_of(folder / "data.mdb")}
    counted = {"rows": len(entities), "snapshot_id": 1, "inputs": "0", "label_delay_days": 7}
    (folder / "manifest.json").write_text(json.dumps(described | counted))
    pointer = {"cutoff": described["cutoff"], "path": folder.name, "sequence": 1 + cutoff - CUTOFF}
    replace_file(states / "pointer.json", json.dumps(pointer))


def make_entities() -> Iterator[tuple[str, Entity]]:
    """Yield customers with two payments a day, and terminals with one an hour and labels of each day."""
    chance = random.Random(1)  # noqa: S311 a reproducible world
    for token in tokens("customer", CUSTOMERS):
        yield token, _entity(chance, 2, LabelHistory(CUTOFF))
    for token in tokens("terminal", TERMINALS):
        yield token, _entity(chance, 24, labels_of(CUTOFF))


def _entity(chance: random.Random, daily: int, labels: LabelHistory) -> Entity:
    days: dict[int, Bucket] = {}
    hours: dict[int, Bucket] = {}
    for day in range(CUTOFF - LONGEST_WINDOW_DAYS + 1, CUTOFF + 1):
        for hour in chance.sample(range(DAY_HOURS), daily):
            payment = bucket_of((day * DAY_HOURS + hour) * HOUR_SECONDS, chance.randint(100, 500_000))
            days[day] = days.get(day, EMPTY).plus(payment)
            if day == CUTOFF:
                hours[day * DAY_HOURS + hour] = payment
    return Entity(Buckets.of(days), Buckets.of(hours), labels)


def labels_of(cutoff: int) -> LabelHistory:
    """Return the labels of a terminal in the state of a cut-off: one an hour, and a fraud a day."""
    first, end = cutoff * DAY_HOURS, (cutoff + 3) * DAY_HOURS
    return LabelHistory.of(
        cutoff,
        {day: Counts(24, 1) for day in range(cutoff - LONGEST_WINDOW_DAYS + 1, cutoff + 1)},
        {hour: Counts(1, 0) for hour in range(first, first + DAY_HOURS)},
        NO_HOUR,
        {first + 20: 1},
        [Change(hour, hour, 1, hour % 24 == 0) for hour in range(first + DAY_HOURS, end)],
    )


def make_requests(batches: int) -> str:
    """Return one request a line, and an empty line between batches: the first batch fills the day, and has labels."""
    chance = random.Random(2)  # noqa: S311 a reproducible world
    customers, terminals = tokens("customer", CUSTOMERS), tokens("terminal", TERMINALS)
    midnight = (CUTOFF + 1) * DAY_SECONDS

    def decision(number: int, time: int) -> str:
        parties = {"customer": chance.choice(customers), "terminal": chance.choice(terminals)}
        body = {"transaction_id": number, "event_time": time, **parties, "amount": chance.randint(100, 500_000)}
        return f"/v1/decisions {json.dumps(body)}"

    def label(number: int) -> str:
        said: dict[str, Any] = {"transaction_id": number, "status": "legitimate", "learned_at": NOW - HOUR_SECONDS}
        return f"/v1/labels {json.dumps({'labels': [said]})}"

    filling = [decision(n, midnight + n * 20 * HOUR_SECONDS // FILLING) for n in range(FILLING)]
    lines = [*filling, *(label(n) for n in range(LABELLED))]
    for batch in range(batches):
        first = FILLING + batch * BATCH
        lines += [
            "",
            *(decision(n, NOW - HOUR_SECONDS // 2 + (n - FILLING) // 10) for n in range(first, first + BATCH)),
        ]
    return "\n".join(lines)

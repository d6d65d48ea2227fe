"""Recount a scorer's work from its answers: the features of every arrival, and the live record of every entity."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from antifraud.artifacts.decision_log import DecisionLog
from antifraud.artifacts.state_export import Entity, encode_entity
from antifraud.clock import HOUR_SECONDS, date_of, day_of
from antifraud.features.buckets import EMPTY, Bucket, Buckets, History, bucket_of
from antifraud.features.labels import NO_HOUR, LabelHistory
from antifraud.features.reference import feature_vector
from bench.serving.places import FOLDER, Place
from bench.serving.processes import NOON, Version

CUTOFF: Final = day_of(NOON) - 1
"""Last day of the world's state, which knows none of the entities that the clients name."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A transaction that clients have sent until it was answered, and its different answers: one, if all is well."""

    body: Mapping[str, Any]
    answers: Sequence[Mapping[str, Any]]


@dataclass(slots=True)
class Faults:
    """Transaction ids that were lost, and ids or entities that do not count exactly once."""

    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)


class Recount:
    """Live state in plain sums, from arrivals in their order."""

    def __init__(self) -> None:
        self._hours: dict[str, dict[int, Bucket]] = {}

    def vector(self, body: Mapping[str, Any]) -> bytes:
        """Return the features of a transaction that arrives now, and count it."""
        time, amount = body["event_time"], body["amount"]
        customer, terminal = (self._hours.setdefault(body[each], {}) for each in ("customer", "terminal"))
        histories = (
            History(CUTOFF, hours=Buckets.of(hours), labels=LabelHistory(CUTOFF)) for hours in (customer, terminal)
        )
        vector = np.array(feature_vector(time, amount, *histories), dtype="<f8").tobytes()
        for hours in (customer, terminal):
            hour = time // HOUR_SECONDS
            hours[hour] = hours.get(hour, EMPTY).plus(bucket_of(time, amount))
        return vector

    def records(self) -> dict[bytes, bytes]:
        """Return the live record of every entity as the store has it."""
        no_labels = LabelHistory(NO_HOUR)
        return {
            name.encode(): encode_entity(Entity(Buckets(), Buckets.of(hours), no_labels))
            for name, hours in self._hours.items()
        }


def find_faults(sent: Sequence[Sent], home: Path, version: Version, place: Place = FOLDER) -> Faults:
    """Compare all answers, exported decisions and live records with a recount by arrival numbers."""
    faults = Faults()
    faults.lost += [str(each.body["transaction_id"]) for each in sent if not each.answers]
    faults.twice += [str(each.body["transaction_id"]) for each in sent if len(each.answers) > 1]
    answered = sorted((each for each in sent if each.answers), key=lambda each: int(each.answers[0]["arrival"]))
    stored, recount = exported_vectors(home, version, place), Recount()
    for arrival, each in enumerate(answered, start=1):
        key = str(each.body["transaction_id"])
        vector = recount.vector(each.body)
        if key not in stored:
            faults.lost.append(key)
        # A gap is an arrival that nobody was told of, and another vector one that counted too often or too seldom.
        elif each.answers[0]["arrival"] != arrival or stored[key] != vector:
            faults.twice.append(key)
    faults.twice += sorted(stored.keys() - {str(each.body["transaction_id"]) for each in answered})
    live, expected = place.live_records(home), recount.records()
    faults.twice += [
        name.decode() for name in sorted(live.keys() | expected.keys()) if live.get(name) != expected.get(name)
    ]
    return faults


def exported_vectors(home: Path, version: Version, place: Place) -> dict[str, bytes]:
    """Return the stored vector of every decision, from an export."""
    path, day = home / "decisions.npz", date_of(day_of(NOON)).isoformat()
    path.unlink(missing_ok=True)
    command = ("-m", "serving.export_log", "--from", day, "--to", day, "--out", str(path))
    version.require(home, *command, **place.settings)
    return {
        key.decode(): vector.astype("<f8").tobytes()
        for piece in DecisionLog(path).decisions()
        for key, vector in zip(piece["transaction_id"], piece["vector"], strict=True)
    }


def read_sent(path: Path) -> list[Sent]:
    """Return what the clients of all rounds have noted."""
    if not path.exists():
        return []
    return [Sent(**json.loads(line)) for line in path.read_text().splitlines()]

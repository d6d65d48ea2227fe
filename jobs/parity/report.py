"""The parity report of a day: the replay of what the scorer has decided on it, and the distance to the lake."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from antifraud.clock import date_of, day_number, day_of
from antifraud.features.registry import FEATURE_NAMES
from antifraud.lake.catalog import open_catalog, published, read_days
from antifraud.lake.errors import ReplayMismatch
from antifraud.lake.schemas import FEATURES
from antifraud.settings.core import JobSettings
from jobs.parity.distance import CAUSES, Distance, Key, Vector, lake_vectors, measure_distance
from jobs.parity.log import StoreLog, read_log
from jobs.parity.replay import Replayed, replay
from jobs.parity.states import States

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

SHOWN: Final = 5
"""Arrival numbers and features that a message names."""


@dataclass(slots=True)
class ParityReport:
    """The figures of a day over all stores; `mismatches` are stores with arrival numbers, and so are `repeated`."""

    day: dt.date
    decisions: int = 0
    same: int = 0
    without_state: int = 0
    other_features: int = 0
    mismatches: list[tuple[str, int]] = field(default_factory=list)
    repeated: list[tuple[str, int]] = field(default_factory=list)
    distance: Distance = field(default_factory=Distance)

    def add(self, store: str, log: StoreLog, replayed: Replayed, distance: Distance) -> None:
        """Add the figures of a store."""
        self.decisions += len(log.checked)
        self.same += replayed.same
        self.without_state += replayed.without_state
        self.other_features += replayed.other_features
        self.mismatches += [(store, arrival) for arrival in replayed.mismatches]
        self.repeated += [(store, arrival) for arrival in log.repeated]
        mine = self.distance
        mine.compared += distance.compared
        mine.same += distance.same
        mine.causes.update(distance.causes)
        mine.features.update(distance.features)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON holds it."""
        distance = self.distance
        return {
            "day": str(self.day),
            "decisions": self.decisions,
            "replay": {
                "same": self.same,
                "mismatches": len(self.mismatches),
                "repeated": len(self.repeated),
                "without_state": self.without_state,
                "other_features": self.other_features,
                "first_mismatches": [list(each) for each in self.mismatches[:SHOWN]],
            },
            "lake": {
                "compared": distance.compared,
                "same": distance.same,
                "causes": {cause: distance.causes[cause] for cause in CAUSES},
                "features": dict(distance.features.most_common()),
            },
        }

    def lines(self) -> list[str]:
        """Return the report in lines for a log."""
        distance, left = self.distance, Counter({"without state": self.without_state, "other set": self.other_features})
        skipped = "".join(f", {count:,} {name}" for name, count in left.items() if count)
        causes = ", ".join(f"{cause} {distance.causes[cause]:,}" for cause in CAUSES)
        replayed = f"{self.same:,} of {self.decisions:,} vectors are those of the arrival order{skipped}"
        return [
            f"parity {self.day}: {replayed}, {len(self.mismatches):,} are not",
            f"  {distance.same:,} of {distance.compared:,} are those of the lake; the others: {causes}",
        ]

    def require_same(self) -> None:
        """Refuse a log that a replay does not reproduce.

        Raises:
            ReplayMismatch: A vector differs, or an arrival number comes twice.
        """
        if self.repeated:
            shown = ", ".join(str(arrival) for _, arrival in self.repeated[:SHOWN])
            raise ReplayMismatch(
                f"the log of {self.day} has {len(self.repeated)} arrival numbers twice ({shown}), each was expected "
                "once: look for rows that were not appended by the shipper"
            )
        if self.mismatches:
            shown = ", ".join(str(arrival) for _, arrival in self.mismatches[:SHOWN])
            raise ReplayMismatch(
                f"{len(self.mismatches)} of {self.decisions} decisions of {self.day} (arrival numbers {shown}) have "
                "other vectors than a replay of the arrival order gives: see docs/runbook.md, Parity"
            )


def parity_of(settings: JobSettings, day: dt.date) -> ParityReport:
    """Return the report on the decisions that were made on `day`, as far as they are shipped.

    Raises:
        DataError: A state export is damaged.
    """
    catalog, report = open_catalog(settings), ParityReport(day)
    logs = read_log(catalog, day, settings.label_delay_days)
    lake = _lake_vectors(catalog, logs)
    with States(settings.state_dir) as states:
        for store, log in sorted(logs.items()):
            report.add(store, log, replay(log, states), measure_distance(log, lake, settings.id_scope))
    return report


def _lake_vectors(catalog: "Catalog", logs: Mapping[str, StoreLog]) -> dict[Key, Vector]:
    """Return the lake's vectors of the events' days, as far as these are published."""
    days = {day_of(event.event_time) for log in logs.values() for event in log.arrivals if event.arrival in log.checked}
    if not days:
        return {}
    first, last = date_of(min(days)), date_of(max(days))
    there = [day for day in published(catalog, FEATURES, first, last) if day_number(day) in days]
    vectors: dict[Key, Vector] = {}
    for day in there:
        vectors |= lake_vectors(read_days(catalog, FEATURES, day, day, ("day", "transaction_id", *FEATURE_NAMES)))
    return vectors

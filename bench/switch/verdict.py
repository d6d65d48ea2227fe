"""The verdict of the kill-switch about everything that was decided: what kills and other guards must not change."""

import json
from typing import Any, Final, NamedTuple

from antifraud.killswitch.machine import Cause
from serving.store.port import DecisionStore

ALL: Final = 1 << 32
TIMES: Final = frozenset({"at", "unproved_at", "observed_at"})


class Verdict(NamedTuple):
    """Changes of the switch, evidence, counts of closed days, eras, and the last closed day."""

    transitions: list[dict[str, Any]]
    evidence: dict[Any, Any]
    counts: dict[Any, Any]
    eras: Any
    closed: int

    @property
    def trips(self) -> int:
        """The number of trips."""
        return sum(change["cause"] == Cause.TRIP for change in self.transitions)


def read_verdict(store: DecisionStore) -> Verdict:
    """Return the verdict of a store."""
    history = [json.loads(text) for _, text in store.shipping.switch_history(0, ALL, 100_000)]
    # How many labels still come after the close depends on how long decisions are kept, and so on the guard's pace.
    counts = {(each.era, each.timely.day, each.timely.release): each.timely for each in store.cohorts()}
    return Verdict(
        [_without_times(change) for change in history], store.evidence(), counts, store.eras(), store.closed_day()
    )


def _without_times(value: Any) -> Any:
    """Return a change of the switch, or a part of it, without what clocks that differ say differently."""
    if not isinstance(value, dict):
        return value
    return {name: _without_times(each) for name, each in value.items() if name not in TIMES}


def find_differences(expected: Verdict, found: Verdict) -> list[str]:
    """Return a line for each part of a verdict that differs."""
    return [
        f"{part} differ at {key}: {before.get(key)} became {after.get(key)}"
        for part, before, after in zip(Verdict._fields, map(_by_key, expected), map(_by_key, found), strict=True)
        for key in {**before, **after}
        if before.get(key) != after.get(key)
    ]


def _by_key(part: Any) -> dict[Any, Any]:
    if isinstance(part, dict):
        return part
    return dict(enumerate(part)) if isinstance(part, list) else {"all": part}

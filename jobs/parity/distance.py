"""The distance of logged vectors to the lake's features, which count events in their order and not in that of arrival.

| cause | what it means |
| --- | --- |
| `history_incomplete` | the event was so late that its history was not known; the scorer has marked the decision |
| `late` | an earlier event of the customer or the terminal arrived after this one |
| `concurrent` | a later event of the same hour arrived before this one, and its hour counts as a whole |
| `label_later` | only features of labels differ: lake and scorer have learnt them at different times |
| `other` | nothing of the above, such as a payment that only one of both knows |
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from antifraud.clock import HOUR_SECONDS, day_number, day_of
from antifraud.features.registry import FEATURE_NAMES, REGISTRY
from antifraud.transaction_id import IdScope, number_of
from jobs.parity.log import Arrival, Checked, StoreLog, group_by_party

CAUSES: Final = ("history_incomplete", "late", "concurrent", "label_later", "other")
LABEL_WORDS: Final = ("terminal_fraud_", "terminal_streak_", "terminal_legit_")
OF_LABELS: Final = np.array([feature.name.startswith(LABEL_WORDS) for feature in REGISTRY])
Key = tuple[int, int]
"""Day number and number of a transaction in the lake."""
Vector = npt.NDArray[np.float64]


@dataclass(slots=True)
class Distance:
    """Decisions that the lake has, those with the lake's vector, the others by cause, and features by differences."""

    compared: int = 0
    same: int = 0
    causes: Counter[str] = field(default_factory=Counter)
    features: Counter[str] = field(default_factory=Counter)


def lake_vectors(rows: pa.Table) -> dict[Key, Vector]:
    """Return the vectors of rows of `features` in double precision; null is NaN."""
    matrix = np.column_stack([rows[name].to_numpy() for name in FEATURE_NAMES])
    days = [day_number(day) for day in rows["day"].to_pylist()]
    return dict(zip(zip(days, rows["transaction_id"].to_pylist(), strict=True), matrix, strict=True))


def measure_distance(log: StoreLog, lake: Mapping[Key, Vector], scope: IdScope) -> Distance:
    """Compare the logged vectors with the lake's; ids of other namespaces are no transactions of the lake."""
    found, parties = Distance(), group_by_party(log.arrivals)
    for event in log.arrivals:
        decision = log.checked.get(event.arrival)
        theirs = lake.get((day_of(event.event_time), _number(event, scope))) if decision else None
        if decision is None or theirs is None or len(decision.vector) != theirs.nbytes:
            continue
        ours = np.frombuffer(decision.vector, "<f8")
        differs = (ours != theirs) & ~(np.isnan(ours) & np.isnan(theirs))
        found.compared += 1
        if not differs.any():
            found.same += 1
            continue
        found.causes[_cause_of(event, decision, differs, parties, scope)] += 1
        found.features.update(name for name, is_other in zip(FEATURE_NAMES, differs, strict=True) if is_other)
    return found


def _number(event: Arrival, scope: IdScope) -> int:
    number = None if event.namespace else number_of(event.transaction_id, event.event_time, scope)
    return -1 if number is None else number


def _cause_of(
    event: Arrival,
    decision: Checked,
    differs: npt.NDArray[np.bool_],
    parties: Mapping[str, Sequence[Arrival]],
    scope: IdScope,
) -> str:
    if not decision.history_complete:
        return "history_incomplete"
    if not differs[~OF_LABELS].any():
        return "label_later"
    others = [other for token in (event.customer, event.terminal) for other in parties[token]]
    mine = event.event_time, _number(event, scope)
    hour = event.event_time // HOUR_SECONDS
    late = concurrent = False
    for other in others:
        theirs = other.event_time, _number(other, scope)
        late |= theirs < mine and other.arrival > event.arrival
        concurrent |= theirs > mine and other.arrival < event.arrival and theirs[0] // HOUR_SECONDS == hour
    return "late" if late else "concurrent" if concurrent else "other"

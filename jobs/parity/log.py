"""The shipped log of decisions as plain rows: those to be checked, and whatever their features may depend on."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pyarrow as pa

from antifraud.clock import DAY_SECONDS, date_of, day_number, day_of
from antifraud.features.outcomes import REMOVED, RESTORED
from antifraud.lake.catalog import open_table
from antifraud.lake.outcome_table import OUTCOMES
from antifraud.lake.schemas import NAMESPACE
from antifraud.lake.shipped_tables import CLIENT_LABELS, DECISIONS
from antifraud.lake.table_format import Table

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

CHECKED: Final = ("store", "arrival", "vector", "cutoff", "history_complete")
ARRIVED: Final = (
    "store", "arrival", "namespace", "transaction_id", "event_time", "customer", "terminal", "amount", "counted",
)  # fmt: skip
SAID: Final = ("store", "sequence", "event_time", "terminal", "arrival", "after", "status", "learned_at")
APPLIED: Final = ("store", "sequence", "arrival", "after", "effect")
LABEL_DAYS_BEFORE: Final = 1
"""Days by which labels are read too early, because a label delay is counted in hours."""


class Arrival(NamedTuple):
    """An event as a store has taken it in; `counted` tells whether later events see it."""

    arrival: int
    namespace: str
    transaction_id: str
    event_time: int
    customer: str
    terminal: str
    amount: int
    counted: bool


class Checked(NamedTuple):
    """A decision to be checked: the bytes of its vector, and the cut-off of its state (a day number)."""

    vector: bytes
    cutoff: int
    history_complete: bool


class SaidLabel(NamedTuple):
    """A label of a client; `arrival` is that of its decision, and decisions up to `after` have not seen it."""

    sequence: int
    event_time: int
    terminal: str
    arrival: int
    after: int
    status: str
    learned_at: int


class Applied(NamedTuple):
    """An outcome that took the event with an arrival number out of the history, or put it back; cf. `SaidLabel`."""

    sequence: int
    arrival: int
    after: int
    effect: str


@dataclass(frozen=True, slots=True)
class StoreLog:
    """The log of one store: arrivals, labels and outcomes in order, and the decisions to be checked by arrival."""

    arrivals: list[Arrival] = field(default_factory=list)
    labels: list[SaidLabel] = field(default_factory=list)
    checked: dict[int, Checked] = field(default_factory=dict)
    repeated: list[int] = field(default_factory=list)
    """Arrival numbers that the log has more than once."""
    applied: list[Applied] = field(default_factory=list)


def read_log(catalog: "Catalog", day: dt.date, label_delay_days: int) -> dict[str, StoreLog]:
    """Return, by store, the decisions that were made on `day`, and what their features depend on.

    Stores without such decisions are left out. A decision depends on events after the cut-off of its state, and on
    labels that the state does not bring.
    """
    if not catalog.table_exists((NAMESPACE, DECISIONS.name)):
        return {}
    start = day_number(day) * DAY_SECONDS
    made = f"decided_at >= {start} and decided_at < {start + DAY_SECONDS}"
    checked = _scan(catalog, DECISIONS, made, (*CHECKED, "event_time"))
    if not checked.num_rows:
        return {}
    times, cutoffs = checked["event_time"].to_pylist(), [day_number(each) for each in checked["cutoff"].to_pylist()]
    first, last = min(*cutoffs, day_of(min(times))), day_of(max(times))
    arrived = _scan(catalog, DECISIONS, _between(first, last), ARRIVED)
    said = _scan(catalog, CLIENT_LABELS, _between(first - label_delay_days - LABEL_DAYS_BEFORE, last), SAID)
    applied = _scan(catalog, OUTCOMES, f"{_between(first, last)} and effect in ('{REMOVED}', '{RESTORED}')", APPLIED)
    return build_logs(checked, arrived, said, applied)


def build_logs(checked: pa.Table, arrived: pa.Table, said: pa.Table, applied: pa.Table) -> dict[str, StoreLog]:
    """Return the log of each store with decisions to be checked, from rows with the columns named above."""
    logs = {store: StoreLog() for store in checked["store"].unique().to_pylist()}
    for store, row in _rows(arrived, ARRIVED):
        if store in logs:
            logs[store].arrivals.append(Arrival(*row))
    for store, row in _rows(said, SAID):
        if store in logs:
            logs[store].labels.append(SaidLabel(*row))
    for store, row in _rows(applied, APPLIED):
        if store in logs:
            logs[store].applied.append(Applied(*row))
    names = ("store", "arrival", "cutoff", "history_complete")
    for (store, (arrival, cutoff, complete)), vector in zip(_rows(checked, names), _vectors(checked), strict=True):
        log = logs[store]
        if arrival in log.checked:
            log.repeated.append(arrival)
        log.checked[arrival] = Checked(vector, day_number(cutoff), complete)
    for log in logs.values():
        log.arrivals.sort()
        log.labels.sort()
        log.applied.sort()
    return logs


def _rows(table: pa.Table, names: Sequence[str]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield the first of the named columns, and the values of the others."""
    for store, *values in zip(*(table[name].to_pylist() for name in names), strict=True):
        yield store, tuple(values)


def _vectors(table: pa.Table) -> Iterator[bytes]:
    """Yield the bytes of each vector."""
    column = table["vector"].combine_chunks()
    values, ends = column.flatten().to_numpy(zero_copy_only=False), np.cumsum(column.value_lengths().to_numpy())
    start = 0
    for end in ends:
        yield values[start:end].astype("<f8").tobytes()
        start = end


def _scan(catalog: "Catalog", table: Table, condition: str, columns: Sequence[str]) -> pa.Table:
    source = open_table(catalog, table, columns)
    return source.scan(row_filter=condition, selected_fields=tuple(columns)).to_arrow()


def _between(first: int, last: int) -> str:
    return f"day >= '{date_of(first)}' and day <= '{date_of(last)}'"


def group_by_party(arrivals: Sequence[Arrival]) -> dict[str, list[Arrival]]:
    """Return the arrivals of each customer and terminal, in their order."""
    groups: dict[str, list[Arrival]] = defaultdict(list)
    for arrival in arrivals:
        for token in {arrival.customer, arrival.terminal}:
            groups[token].append(arrival)
    return groups

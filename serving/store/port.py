"""The decision store as its users see it: operations, not keys. `serving/store/lmdb.py` has the one implementation.

Every operation is atomic. An operation that finds something else than its caller has read changes nothing and says so.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Protocol

from antifraud.api.labels import LabelIn
from antifraud.features.labels import Change
from antifraud.killswitch.cohorts import CohortCounts
from antifraud.killswitch.eras import Eras
from antifraud.killswitch.machine import Order, Switch
from serving.store.guard_port import Counts, Leadership, Outbox
from serving.store.outcome_port import Outcomes
from serving.store.records import AddedLabels, Decision, Entry, NewDecision, Place, StoredLabel


class Wanted(NamedTuple):
    """Whatever a decision needs of the store: its place, both tokens, and the hours whose live labels count.

    `other_customers` and `other_terminals` are tokens of the same entities under other keys, while keys rotate. They
    are read with the token of the request, and only the latter is written.
    """

    place: Place
    customer: str
    terminal: str
    label_hours: range
    other_customers: tuple[str, ...] = ()
    other_terminals: tuple[str, ...] = ()


class Seen(NamedTuple):
    """The store at one moment, as a decision sees it.

    `live_customer` and `live_terminal` are live records, or None. `changes` are the changes by live labels of the
    terminal under all of its tokens, by hour of the event. `earlier` is the stored decision, if the id was decided.
    `other_customers` and `other_terminals` are the live records of the other tokens, as far as there are any.
    """

    switch: Switch
    earlier: Decision | None
    live_customer: bytes | None
    live_terminal: bytes | None
    changes: Sequence[tuple[int, list[Change]]]
    stamp: Any
    other_customers: Sequence[bytes] = ()
    other_terminals: Sequence[bytes] = ()


NOTHING_PENDING: Final[Mapping[str, bytes]] = MappingProxyType({})


class Shipped(NamedTuple):
    """The arrival number up to which decisions are shipped, and the newest time of their events; 0 if none are."""

    arrival: int
    event_time: int


class Commit(NamedTuple):
    """A decision to be committed, with what it was made from."""

    wanted: Wanted
    seen: Seen
    decision: NewDecision


class Fill(NamedTuple):
    """Bytes in use, the largest size, and why a decision would be refused now; empty if it would not."""

    used: int
    limit: int
    refusal: str

    @property
    def share(self) -> float:
        """The used share of the largest size."""
        return self.used / self.limit


class Horizon(NamedTuple):
    """Times and days before which nothing is needed any more.

    Attributes:
        decided_before: Shipped decisions made before this business time can go, with their labels.
        live_day: Live buckets of earlier days can go.
        label_hour: Live labels of events before this hour can go.
        cohort_day: Counts and evidence of earlier closed days can go.
    """

    decided_before: int
    live_day: int
    label_hour: int
    cohort_day: int


class StoredCohort(NamedTuple):
    """The decisions of a day by a release in an era: as they were when the day closed, and as they are now.

    Before the day has closed, both are the same. `missed` is the amount of frauds that were not flagged, as it is known
    now (minor units).
    """

    era: int
    timely: CohortCounts
    latest: CohortCounts
    missed: float = 0.0


EvidenceKey = tuple[int, str]
"""Era and subject of evidence: a release, or the empty name for the service."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """A change of the guard's.

    Attributes:
        closed_before: The last closed day that was read, -1 if there is none.
        closes: The day that closes; None if none does.
        cohorts: The counts of that day that were read.
        evidence: The evidence of each subject before and after.
        suspend: The switch after a trip, which begins an era; None if nothing trips.
        warn: The switch after other warnings, in an inspection without a trip; None if they stay as they are.
        alarms: The alarms of the evidence as the status shows them; None if they stay as they are.
    """

    closed_before: int
    closes: int | None = None
    cohorts: Sequence[StoredCohort] = ()
    evidence: Mapping[EvidenceKey, tuple[Mapping[str, Any] | None, Mapping[str, Any]]] = field(default_factory=dict)
    suspend: Switch | None = None
    warn: Switch | None = None
    alarms: bytes | None = None


class Shipping(Protocol):
    """The operations that ship what is not a decision; each raises a StoreError if the store cannot be used."""

    def labels(self, first: int, last: int, limit: int) -> list[tuple[int, StoredLabel]]:
        """Return up to `limit` labels with numbers from `first` to `last`, and what a replay needs of each."""

    def release_labels(self, last: int) -> None:
        """Note that the labels up to number `last` are shipped."""

    def shipped_label(self) -> int:
        """Return the number up to which labels are shipped, 0 if none are."""

    def switch_history(self, first: int, last: int, limit: int) -> list[tuple[int, bytes]]:
        """Return up to `limit` changes by epoch, from `first` to `last`: the switch after each as JSON."""


class DecisionStore(Counts, Protocol):
    """The operations of a decision store; each raises a StoreError if the store cannot be used."""

    @property
    def identity(self) -> str:
        """The identity that the store got when it was initialised."""

    def decision_id(self, place: Place, arrival: int) -> str:
        """Return the id of a decision."""

    def look_up(self, wanted: Wanted, pending: Mapping[str, bytes] = NOTHING_PENDING) -> Seen:
        """Return what a decision needs, of one moment, without waiting for a writer.

        `pending` are live records by token that earlier decisions of the same commit will have written.
        """

    def commit_decision(self, wanted: Wanted, seen: Seen, decision: NewDecision) -> int | None:
        """Store a decision and both live records; return its arrival number.

        Return None, and change nothing, if the switch, the id, a live record or a live label has changed since `seen`.
        """

    def commit_decisions(self, commits: Sequence[Commit]) -> list[int | None]:
        """Do the same for several decisions in their order, in one transaction; one that is refused stops no other."""

    def decision_of(self, place: Place) -> Decision | None:
        """Return the decision about a transaction, or None."""

    def newest_arrival(self) -> int:
        """Return the largest arrival number, 0 for a new store."""

    def entries(self, first: int, last: int, limit: int) -> list[tuple[Entry, Decision]]:
        """Return up to `limit` unshipped decisions with arrival numbers from `first` to `last`, in their order."""

    def entries_at(self, arrivals: Sequence[int]) -> list[tuple[Entry, Decision]]:
        """Return the unshipped decisions with these arrival numbers, in this order."""

    @property
    def outcomes(self) -> Outcomes:
        """The outcomes of payments."""

    def release(self, first: int, last: int) -> None:
        """Note that the decisions `first` to `last` are shipped, and remove their vectors."""

    def shipped(self) -> Shipped:
        """Return up to which decision and event time decisions are shipped."""

    @property
    def shipping(self) -> Shipping:
        """The shipping of labels and the history of the switch."""

    def remove_expired(self, horizon: Horizon, limit: int) -> int:
        """Remove up to about `limit` records that are not needed any more; return how many there were."""

    def add_labels(
        self, namespace: str, new: Sequence[LabelIn], *, source: str, now: int, live_hour: int
    ) -> AddedLabels:
        """Store the labels that are possible; return the outcome of each."""

    def read_labels(self, first: int, limit: int) -> list[tuple[int, StoredLabel]]:
        """Return up to `limit` stored labels with their numbers, from number `first` on."""

    def newest_label(self) -> int:
        """Return the number of the newest label, 0 if there is none."""

    def count_arrivals(self, delay_days: int, limit: int) -> int:
        """Count up to `limit` decisions that the guard has not counted yet; return how many there were."""

    def take_in_labels(self, delay_days: int, limit: int) -> int:
        """Count up to `limit` new labels; return how many there were."""

    def cohorts(self) -> list[StoredCohort]:
        """Return the counts of every day, release and era, oldest day first."""

    def closed_day(self) -> int:
        """Return the last closed day, -1 before the first."""

    def eras(self) -> Eras:
        """Return the eras of evidence."""

    def evidence(self) -> dict[EvidenceKey, dict[str, Any]]:
        """Return the evidence about every subject of every era."""

    def commit_inspection(self, inspection: Inspection) -> bool:
        """Make the guard's change; return False, and change nothing, if something has changed since it was read."""

    def commit_signals(self, measured: bytes, changes: Sequence[Switch]) -> bool:
        """Keep what the guard has measured, and make the changes of the switch that follow from it.

        Return False, and change nothing, if the switch has changed since it was read.
        """

    def switch(self) -> Switch:
        """Return the present switch."""

    def change_switch(self, order: Order) -> Switch:
        """Change the switch, with an entry in its audit trail, and queue the notification."""

    @property
    def outbox(self) -> Outbox:
        """The notifications of changes of the switch, and their deliveries."""

    @property
    def lease(self) -> Leadership:
        """The lease of the guard that leads."""

    def led_by(self, epoch: int) -> "DecisionStore":
        """Return the store for the guard with the lease of `epoch`: every change is refused once the lease is over."""

    def report(self, process: str, text: bytes) -> None:
        """Store the report of a process."""

    def reports(self) -> dict[str, bytes]:
        """Return the last report of every process."""

    def forget_reports(self, processes: Iterable[str]) -> None:
        """Remove reports of processes that are gone."""

    def sizes(self) -> dict[str, int]:
        """Return the number of records by kind."""

    def fill(self) -> Fill:
        """Return how full the store is, and whether it takes decisions."""

    def look_after(self) -> None:
        """Do what is due every second: clear dead readers, keep room on the disk, write to the disk."""

    def announce_size(self) -> None:
        """Tell the other processes the size that the settings of this one give; they take a larger one over."""

    def close(self) -> None:
        """Close the store; the process can then open it again."""

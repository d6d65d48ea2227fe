"""The decision store: the operations of `serving/store/port.py`, over LMDB or Redis, for all workers and the guard.

`serving/store/databases.py` lists the named databases.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final

from antifraud.api.labels import LabelIn
from antifraud.errors import StoreDamaged, StoreForeign
from antifraud.killswitch.audit import Trail
from antifraud.killswitch.machine import Note, Order, Switch
from antifraud.settings.serving import StoreSettings
from serving.store import counting, decisions, earlier, labels, retention, room
from serving.store.databases import DATABASES
from serving.store.environment import Environment
from serving.store.evidence import GuardStore
from serving.store.fenced import Fenced
from serving.store.lease import Leadership
from serving.store.lmdb import HELP
from serving.store.opening import open_environment
from serving.store.outbox import Outbox
from serving.store.outcomes import OUTCOMES, Outcomes
from serving.store.port import NOTHING_PENDING, Commit, Fill, Horizon, Seen, Shipped, Wanted
from serving.store.records import AddedLabels, Decision, Entry, NewDecision, Place, StoredLabel
from serving.store.redis import open_redis
from serving.store.shipping import Shipping
from serving.store.soundness import find_flaws
from serving.store.stubs import decision_id_of, key_of_place
from serving.store.switchboard import begin_switch, read_switch, set_drill, set_switch, verify_audit
from serving.store.view import View

RELEASED_A_STEP: Final = 500
"""Decisions of one step of a release: it bounds how long the lock is held."""


class Store(GuardStore):
    """An open decision store. Open it after the fork: LMDB environments do not survive one."""

    def __init__(self, environment: Environment) -> None:
        """Take over an environment that `open_store` or `init_store` has opened."""
        self._environment = environment
        self._outbox, self._lease = Outbox(environment), Leadership(environment)
        self._contexts = decisions.Contexts()
        self.shipping = Shipping(environment, self._contexts)
        self._outcomes = Outcomes(environment, self._contexts)
        self._sweeps = retention.make_sweeps()
        with environment.read() as view:
            self._identity = (view.get("meta", decisions.IDENTITY) or b"").decode()
            is_current = earlier.has_these_formats(view)
        if not self._identity:
            raise StoreForeign("the decision store has no identity: `python -m serving.store init` gives it one")
        if not is_current:
            environment.write(earlier.empty_other_formats)

    @property
    def outbox(self) -> Outbox:
        """The notifications of changes of the switch, and their deliveries."""
        return self._outbox

    @property
    def lease(self) -> Leadership:
        """The lease of the guard that leads."""
        return self._lease

    def led_by(self, epoch: int) -> "Store":
        """Return the store for the guard with the lease of `epoch`: every change is refused once the lease is over."""
        return Store(Fenced(self._environment, epoch))

    @property
    def outcomes(self) -> Outcomes:
        """The outcomes of payments."""
        return self._outcomes

    @property
    def identity(self) -> str:
        """The identity that the store got when it was initialised."""
        return self._identity

    def decision_id(self, place: Place, arrival: int) -> str:
        """Return the id of a decision."""
        return decision_id_of(self._identity, key_of_place(place), arrival)

    def look_up(self, wanted: Wanted, pending: Mapping[str, bytes] = NOTHING_PENDING) -> Seen:
        """Return what a decision needs, of one moment, without waiting for a writer."""
        with self._environment.read() as view:
            return decisions.look_up(view, self._contexts, wanted, pending)

    def commit_decision(self, wanted: Wanted, seen: Seen, new: NewDecision) -> int | None:
        """Store a decision and both live records, and return its arrival number; None if something has changed."""
        return self.commit_decisions([Commit(wanted, seen, new)])[0]

    def commit_decisions(self, commits: Sequence[Commit]) -> list[int | None]:
        """Do the same for several decisions in their order, in one transaction."""
        return self._environment.write(
            lambda view: [decisions.commit_decision(view, self._contexts, commit) for commit in commits],
            spare=room.DECISIONS,
            # Metadata can be larger than everything else.
            size=sum([1 + len(commit.decision.decision.metadata) // room.BYTES_A_RECORD for commit in commits]),
        )

    def decision_of(self, place: Place) -> Decision | None:
        """Return the decision about a transaction, or None."""
        with self._environment.read() as view:
            return decisions.find_decision(view, self._contexts, place)

    def newest_arrival(self) -> int:
        """Return the largest arrival number, 0 for a new store."""
        with self._environment.read() as view:
            return view.number(decisions.ARRIVAL)

    def entries(self, first: int, last: int, limit: int) -> list[tuple[Entry, Decision]]:
        """Return up to `limit` unshipped decisions with arrival numbers from `first` to `last`, in their order."""
        with self._environment.read() as view:
            return decisions.read_entries(view, self._contexts, first, last, limit)

    def entries_at(self, arrivals: Sequence[int]) -> list[tuple[Entry, Decision]]:
        """Return the unshipped decisions with these arrival numbers, in this order."""
        with self._environment.read() as view:
            return [
                row for arrival in arrivals for row in decisions.read_entries(view, self._contexts, arrival, arrival, 1)
            ]

    def release(self, first: int, last: int) -> None:
        """Note that the decisions `first` to `last` are shipped, and remove their vectors, in small steps."""
        with self._environment.read() as view:
            decisions.require_releasable(view, first, last)
        for start in range(first, last + 1, RELEASED_A_STEP):
            end = min(start + RELEASED_A_STEP - 1, last)
            release = partial(decisions.release_entries, first=start, last=end)
            self._environment.write(release, size=RELEASED_A_STEP)

    def shipped(self) -> Shipped:
        """Return up to which decision and event time decisions are shipped."""
        with self._environment.read() as view:
            return Shipped(view.number(decisions.SHIPPED), view.number(decisions.SHIPPED_EVENT))

    def remove_expired(self, horizon: Horizon, limit: int) -> int:
        """Remove records that are not needed any more, some `limit` of each kind; return how many there were."""
        with self._environment.read() as view:
            found = retention.find_expired(view, self._sweeps, horizon, limit)
        if found:
            self._environment.write(lambda view: retention.remove(view, found), size=len(found))
        return len(found)

    def add_labels(
        self, namespace: str, new: Sequence[LabelIn], *, source: str, now: int, live_hour: int
    ) -> AddedLabels:
        """Store the labels that are possible; return the outcome of each."""

        def add(view: View) -> AddedLabels:
            return labels.add_labels(
                view, self._contexts, new, namespace=namespace, source=source, now=now, live_hour=live_hour
            )

        return self._environment.write(add, spare=room.LABELS, size=len(new))

    def read_labels(self, first: int, limit: int) -> list[tuple[int, StoredLabel]]:
        """Return up to `limit` stored labels with their numbers, from number `first` on."""
        with self._environment.read() as view:
            return labels.read_labels(view, first, limit)

    def newest_label(self) -> int:
        """Return the number of the newest label, 0 if there is none."""
        with self._environment.read() as view:
            return view.number(labels.SEQUENCE)

    def switch(self) -> Switch:
        """Return the present switch."""
        with self._environment.read() as view:
            return read_switch(view)

    def change_switch(self, order: Order) -> Switch:
        """Change the switch, with an entry in its audit trail, and queue the notification."""
        return self._environment.write(lambda view: set_switch(view, order), urgent=True)

    def mark_drill(self, *, begins: bool, note: Note) -> Switch:
        """Mark a drill that begins or ends, and queue the notification."""
        return self._environment.write(lambda view: set_drill(view, begins=begins, note=note), urgent=True)

    def verify_audit(self) -> Trail:
        """Check the audit trail of the switch, and return what it has."""
        with self._environment.read() as view:
            return verify_audit(view)

    def require_sound(self) -> None:
        """Refuse a store with records that contradict each other; no process may change it meanwhile.

        Raises:
            StoreDamaged: Something is wrong; the message says what was found first.
        """
        with self._environment.read() as view:
            for flaw in find_flaws(view):
                raise StoreDamaged(f"the decision store is damaged ({flaw}): {HELP}")

    def report(self, process: str, text: bytes) -> None:
        """Store the report of a process."""
        self._environment.write(lambda view: view.put("workers", process.encode(), text))

    def reports(self) -> dict[str, bytes]:
        """Return the last report of every process."""
        with self._environment.read() as view:
            return {name.decode(): text for name, text in view.items("workers")}

    def forget_reports(self, processes: Iterable[str]) -> None:
        """Remove reports of processes that are gone."""

        def forget(view: View) -> None:
            for process in processes:
                view.delete("workers", process.encode())

        self._environment.write(forget)

    def sizes(self) -> dict[str, int]:
        """Return the number of records by kind."""
        with self._environment.read() as view:
            counts = {name: view.count(name) for name in ("labels", OUTCOMES, "outbox", "dead")}
            pending = view.number(labels.SEQUENCE) - view.number(counting.CURSOR)
            judged = view.number(counting.JUDGED)
            decided = {"decisions": view.count("stubs"), "unshipped": view.count("entries"), "judged": judged}
            return {**decided, "pending": pending, **counts}

    def fill(self) -> Fill:
        """Return how full the store is, and whether it takes decisions."""
        known = self._environment.room
        return Fill(known.used, known.limit, known.refusal(room.DECISIONS))

    def look_after(self) -> None:
        """Do what is due every second: clear dead readers, keep room on the disk, write to the disk."""
        self._environment.look_after()

    def settle(self) -> None:
        """Write everything to the disk, with the entry of a new file in its folder."""
        self._environment.settle()

    def announce_size(self) -> None:
        """Tell the other processes the size that the settings of this one give; they take a larger one over."""
        self._environment.announce_size()

    def close(self) -> None:
        """Close the store; the process can then open it again."""
        self._environment.close()


def open_store(settings: StoreSettings, *, accept: bool = False) -> Store:
    """Open the store of the settings; `accept` goes on with one in Redis that has lost changes.

    Raises:
        StoreForeign: There is none, or it has no identity.
        StoreError: It cannot be opened.
    """
    if settings.store_url:
        return _take_over(open_redis(settings, accept=accept))
    return _take_over(open_environment(settings, create=False))


def init_store(settings: StoreSettings, identity: str) -> Store:
    """Open the store of the settings, which is made if it is missing, and give it an identity.

    Raises:
        StoreError: It has an identity already, or cannot be opened.
    """
    environment = open_redis(settings) if settings.store_url else open_environment(settings, create=True)

    def initialise(view: View) -> None:
        if known := view.get("meta", decisions.IDENTITY):
            raise StoreForeign(f"the decision store has the identity {known.decode()}: it was initialised before")
        if earlier.is_filled(view):
            earlier.convert(view)
        else:
            begin_switch(view)
        view.put("meta", decisions.IDENTITY, identity.encode())
        view.start_digest(DATABASES)

    return _take_over(environment, initialise)


def _take_over(environment: Environment, initialise: Callable[[View], None] | None = None) -> Store:
    try:
        if initialise:
            environment.write(initialise)
        return Store(environment)
    except BaseException:
        # An environment that stays open could not be opened again by this process.
        environment.close()
        raise

"""Whole days of decisions and labels in a store, and a guard that looks at them day by day."""

from antifraud.api.labels import LabelIn
from antifraud.clock import DAY_SECONDS
from antifraud.killswitch.machine import Mode, Order
from antifraud.settings.serving import GuardSettings
from serving.guard.known import CLOSING_SECONDS
from serving.guard.watch import inspect_evidence
from serving.store.decisions import commit_decision, look_up
from serving.store.port import Commit, Wanted
from serving.store.records import Context, Decision, Entry, NewDecision, Place
from serving.store.store import open_store
from tests.serving.scene import DAY, init_store

DELAY = 7
FIRST_DAY = DAY - 60
CHUNK = 500


def new_store(home):
    """A store that is initialised as the service's own."""
    init_store(home)
    # A busy machine must not make a change come too late.
    return open_store(GuardSettings(home=home, store_map_bytes=1 << 28, store_wait_seconds=30.0))


def guard_settings(home, **changes):
    """Settings of a guard for the store."""
    return GuardSettings(home=home, store_map_bytes=1 << 28, **changes)


def decide_day(
    store,
    day,
    decided,
    flagged,
    *,
    release="first",
    epoch=None,
    mode="SERVING",
    terminals=50,
    lag=0,
    alone=False,
    **policy,
):
    """Decide so many transactions of a day, the first `flagged` of them above the threshold; return their ids.

    They are decided `lag` days after they happened, and each has a customer and a terminal of its own if `alone` is
    true. `policy` may have a `ruling` and a `control_share`.
    """
    first, epoch = store.newest_arrival(), store.switch().epoch if epoch is None else epoch
    context = Context(release, 500_000, mode, epoch, day - 1, control_share=policy.get("control_share", 0.0))
    ruling = policy.get("ruling")
    rows = [
        (
            str(first + place),
            f"k1.c{first + place}" if alone else "k1.c",
            f"k1.t{first + place if alone else place % terminals}",
            day * DAY_SECONDS + place,
            place < flagged,
        )
        for place in range(decided)
    ]
    for start in range(0, decided, CHUNK):
        store._environment.write(
            lambda view, some=rows[start : start + CHUNK]: _commit(store, view, some, context, lag, ruling)
        )
    return [name for name, *_ in rows]


def _commit(store, view, rows, context, lag, ruling):
    for name, customer, terminal, time, flagged in rows:
        wanted = Wanted(Place("", name), customer, terminal, range(0))
        decision = Decision(
            context, 600_000 if flagged else 400_000, time, time + lag * DAY_SECONDS, terminal, 100, bytes(16),
            counted=True, history_complete=True, ruling=ruling,
        )  # fmt: skip
        seen = look_up(view, store._contexts, wanted, {})
        entry = Entry(*wanted.place, customer, b"")
        assert commit_decision(view, store._contexts, Commit(wanted, seen, NewDecision(decision, entry, None, None)))


def label(store, ids, status, day, *, received=None, propensity=1.0):
    """Store a label of each transaction, learnt at the end of a day; it arrives at once, or on another day."""
    learned = (day + 1) * DAY_SECONDS - 1
    now = learned if received is None else (received + 1) * DAY_SECONDS - 1
    for start in range(0, len(ids), CHUNK):
        labels = [LabelIn(name, status, learned, propensity) for name in ids[start : start + CHUNK]]
        assert store.add_labels("", labels, source="till", now=now, live_hour=0).unknown == []


def look(store, settings, day):
    """Let the guard work at the beginning of a day until nothing waits; return why it has suspended, if it has."""
    reason, now = None, day * DAY_SECONDS + CLOSING_SECONDS
    while (inspected := inspect_evidence(store, settings, now)).more or inspected.suspended_because:
        reason = reason or inspected.suspended_because
    return reason


def resume(store, day):
    """Let an admin resume the service."""
    _change(store, Mode.SERVING, "mended", day)


def suspend(store, day):
    """Let an admin suspend the service."""
    _change(store, Mode.SUSPENDED, "a drill", day)


def _change(store, mode, reason, day):
    epoch = store.switch().epoch
    store.change_switch(Order(mode=mode, expected_epoch=epoch, reason=reason, by="boss", at=day * DAY_SECONDS))


def subject(store, name="", era=0):
    """The evidence about a subject: a release, or the service."""
    return store.evidence().get((era, name))

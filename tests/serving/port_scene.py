"""Decisions and labels for tests that know a decision store by its port alone, and processes that use its folder."""

import subprocess
import sys
from contextlib import contextmanager

from antifraud.api.fields import TransactionId
from antifraud.api.labels import LabelIn
from antifraud.artifacts.state_export import Entity, encode_entity
from antifraud.clock import DAY_SECONDS, HOUR_SECONDS
from antifraud.features.buckets import Buckets, bucket_of
from antifraud.settings.serving import StoreSettings
from serving.store.port import Horizon, Wanted
from serving.store.records import Context, Decision, Entry, NewDecision, Place
from serving.store.store import open_store
from tests.serving.scene import CUSTOMER, DAY, NO_LABELS, NOON, TERMINAL, place_of

OPEN = "import lmdb, sys; env = lmdb.open(sys.argv[1], map_size=1 << 30, max_dbs=64)\n"
LOCK = OPEN + "with env.begin(write=True):\n    print('ready', flush=True)\n    sys.stdin.read()\n"
READ = OPEN + "with env.begin():\n    print('ready', flush=True)\n    sys.stdin.read()\n"
GROW = (
    OPEN
    + "with env.begin(write=True) as t:\n    t.put(b'x', bytes(100 << 20), db=env.open_db(b'dead', t))\n"
    + "with env.begin(write=True) as t:\n    t.delete(b'x', db=env.open_db(b'dead', t))\n"
    + "print('ready', flush=True)\nsys.stdin.read()\n"
)
VECTOR = bytes(range(200))
KEPT = Horizon(decided_before=0, live_day=0, label_hour=0, cohort_day=0)
"""A horizon behind which nothing lies."""
GONE = Horizon(NOON + DAY_SECONDS, DAY + 2, (DAY + 2) * 24, DAY + 2)
"""A horizon behind which everything of the scene's today lies."""


def settings_of(home, megabytes=64, **changes):
    """Settings of a store of so many megabytes."""
    # A busy machine must not make a change come too late.
    patient = {"store_wait_seconds": 30.0, **place_of(home), **changes}
    return StoreSettings(home=home, store_map_bytes=megabytes << 20, **patient)


def wanted_of(number, *, customer=CUSTOMER, terminal=TERMINAL, namespace="", hours=range(0)):
    """Needs of a decision about transaction `number`."""
    return Wanted(Place(namespace, str(number)), customer, terminal, hours)


def new_decision(wanted, seen, *, time=NOON, flagged=False, complete=True, amount=7_091):
    """A decision as the scorer would make it; both live records are an hour's bucket with `amount`."""
    live = encode_entity(Entity(Buckets(), Buckets.of({time // HOUR_SECONDS: bucket_of(time, amount)}), NO_LABELS))
    decision = Decision(
        context=Context("first", 500_000, seen.switch.mode, seen.switch.epoch, DAY - 1),
        score=600_000 if flagged else 400_000,
        event_time=time,
        decided_at=time + 1,
        terminal=wanted.terminal,
        amount=amount,
        payload=bytes(16),
        counted=True,
        history_complete=complete,
    )
    return NewDecision(decision, Entry(*wanted.place, wanted.customer, VECTOR), live, live)


def commit(store, number, *, seen=None, time=NOON, flagged=False, amount=7_091, **where):
    """Commit a decision that was made from `seen`, by default from the store as it is; return the arrival number."""
    wanted = wanted_of(number, **where)
    seen = seen or store.look_up(wanted)
    return store.commit_decision(wanted, seen, new_decision(wanted, seen, time=time, flagged=flagged, amount=amount))


def put_label(store, *numbers, status="legitimate", learned_at=NOON, namespace="", received=NOON + 30 * DAY_SECONDS):
    """Store a label of each transaction, which is received by default long after the day has closed.

    Return the outcome.
    """
    labels = [LabelIn(TransactionId(str(number)), status, learned_at) for number in numbers]
    return store.add_labels(namespace, labels, source="till", now=received, live_hour=0)


def remove_all(store, horizon):
    """Remove step by step until nothing is found in ten steps; return the number of records."""
    return sum(store.remove_expired(horizon, 50) for _ in range(10))


def commit_many(home, first, count, results):
    """In a process of its own, commit decisions at one terminal, each anew until it succeeds."""
    store = open_store(settings_of(home))
    try:
        for number in range(first, first + count):
            arrival = None
            while arrival is None:
                arrival = commit(store, number, amount=number + 1)
            results.put((number, arrival))
    finally:
        store.close()


@contextmanager
def process_at(folder, program):
    """A process that has the folder open with plain LMDB, and is ready."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()

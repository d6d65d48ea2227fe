"""Fill a new store with decisions, several at once, and acknowledge each one: the process whose power a test cuts.

python -m tests.serving.cut_load HOME DURABILITY DECISIONS THREADS SYNC_SECONDS
"""

import hashlib
import os
import sys
import threading
from pathlib import Path

from antifraud.settings.serving import StoreSettings
from serving.store.port import Wanted
from serving.store.records import Context, Decision, Entry, NewDecision, Place
from serving.store.store import Store, init_store
from tests.serving.scene import NOON

CONTEXT = Context("first", 500_000, "SERVING", 0, 19_999)
IDENTITY = "0" * 32
ROUNDS_BEFORE_RELEASE = 5


def parties(number):
    """The customer and the terminal of a transaction."""
    return f"k1.{number % 40:022}", f"k1.{number % 30:018}term"


def live_after(before, number):
    """The live record of an entity after one more transaction; it depends on all that came before."""
    return hashlib.sha512((before or b"") + str(number).encode()).digest() * (1 + number % 9)


def wanted_of(number):
    """The look-up of a decision about a transaction."""
    customer, terminal = parties(number)
    return Wanted(Place("", str(number)), customer, terminal, range(0))


def decision_about(number):
    """The decision about a transaction."""
    _, terminal = parties(number)
    payload = hashlib.sha256(str(number).encode()).digest()[:16]
    return Decision(CONTEXT, 1_000 + number, NOON, NOON + 1, terminal, 100 + number, payload, True, True)


def decide(store: Store, number):
    """Decide a transaction, as a worker does, and return its arrival number."""
    wanted = wanted_of(number)
    while True:
        seen = store.look_up(wanted)
        entry = Entry("", str(number), wanted.customer, bytes(272))
        lives = live_after(seen.live_customer, number), live_after(seen.live_terminal, number)
        arrival = store.commit_decision(wanted, seen, NewDecision(decision_about(number), entry, *lives))
        if arrival is not None:
            return arrival


def main(home, durability, decisions, threads, sync_seconds):
    """Decide transactions 0, 1, 2, … in some threads, and release old ones now and then."""
    settings = StoreSettings(home=Path(home), store_map_bytes=1 << 26, store_durability=durability)
    store = init_store(settings, IDENTITY)
    store.settle()
    acknowledged = os.open(Path(home) / "acknowledged", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(acknowledged, b"init")
    over = threading.Event()

    def decide_share(first):
        for number in range(first, int(decisions), int(threads)):
            os.write(acknowledged, f"{decide(store, number)} {number}".encode())

    def look_after():
        rounds = 0
        while not over.wait(float(sync_seconds)):
            store.look_after()
            rounds += 1
            if rounds % ROUNDS_BEFORE_RELEASE == 0 and store.newest_arrival() > 50:
                store.release(store.shipped() + 1, store.newest_arrival() - 50)

    workers = [threading.Thread(target=decide_share, args=(first,)) for first in range(int(threads))]
    caretaker = threading.Thread(target=look_after)
    for thread in (caretaker, *workers):
        thread.start()
    for thread in workers:
        thread.join()
    over.set()
    caretaker.join()
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])

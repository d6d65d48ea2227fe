"""Work beside the decisions: old decisions to remove, labels for the guard, other releases, and a state to load."""

import json
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from antifraud.api.fields import TransactionId
from antifraud.api.labels import LabelIn
from antifraud.artifacts.pointer import activate
from antifraud.clock import DAY_SECONDS, HOUR_SECONDS, day_of
from antifraud.features.registry import FEATURE_NAMES
from antifraud.files import replace_file
from antifraud.keys.signing import PublicKey
from antifraud.settings.serving import StoreSettings
from bench.serving.edge.candidates import TERMINALS, Scorer
from bench.serving.processes import NOON, initialise_store
from serving.store.port import DecisionStore, Wanted
from serving.store.records import Context, Decision, Entry, NewDecision, Place
from serving.store.store import open_store

EXPIRED, WAITING = 60_000, 40_000
EXPIRED_DAYS, MATURED_DAYS = 12, 9
"""Days ago: the first are older than anything that the store keeps, the others have matured and have labels."""
LABELS_A_CALL: Final = 1_000
MAP_BYTES: Final = 1 << 30


def renew_store(scorer: Scorer) -> None:
    """Give the scorer an empty store."""
    home = scorer.process.home
    shutil.rmtree(home / "store")
    (home / "releases" / "store.json").unlink()
    initialise_store(scorer.process.version, home)


def fill_store(scorer: Scorer) -> None:
    """Give the store decisions to remove, and labels that the guard has not counted."""
    store = open_store(StoreSettings(home=scorer.process.home, store_map_bytes=MAP_BYTES))
    try:
        old = [_decide(store, number, EXPIRED_DAYS) for number in range(EXPIRED)]
        store.release(1, len(old))
        decided = [_decide(store, number, MATURED_DAYS) for number in range(WAITING)]
        learned = NOON - DAY_SECONDS
        for begin in range(0, WAITING, LABELS_A_CALL):
            labels = [
                LabelIn(TransactionId(each), "legitimate", learned) for each in decided[begin : begin + LABELS_A_CALL]
            ]
            store.add_labels("", labels, source="bench", now=NOON, live_hour=learned // HOUR_SECONDS)
    finally:
        store.close()


def _decide(store: DecisionStore, number: int, days_ago: int) -> str:
    """Keep a decision of some days ago; return its id."""
    name, time_of_event = f"{days_ago}-{number}", NOON - days_ago * DAY_SECONDS
    wanted = Wanted(Place("", name), f"k1.{number:022}", f"k1.{number % TERMINALS:022}", range(0))
    seen = store.look_up(wanted)
    context = Context("first", 900_000, "SERVING", 0, day_of(time_of_event) - 1)
    decision = Decision(
        context, number % 1_000_000, time_of_event, time_of_event, wanted.terminal, 100, bytes(16), counted=True,
        history_complete=True,
    )  # fmt: skip
    entry = Entry(*wanted.place, wanted.customer, bytes(8 * len(FEATURE_NAMES)))
    if not store.commit_decision(wanted, seen, NewDecision(decision, entry, None, None)):
        raise RuntimeError("nobody else writes, so no commit can be refused")
    return name


@contextmanager
def kept_busy(scorer: Scorer, seconds: float) -> Iterator[None]:
    """Start the guard; then swap the release, load a state and swap back, evenly over some seconds."""
    home = scorer.process.home
    key = PublicKey.read(home / "secrets" / "release.pub")
    sequence, fresh = _copy_state(home / "state")
    scorer.process.start_guard()
    steps = (
        lambda: activate(home / "releases", "second", key),
        lambda: _point_to_state(home / "state", sequence, fresh),
        lambda: activate(home / "releases", "first", key),
    )

    def work() -> None:
        for step in steps:
            time.sleep(seconds / (len(steps) + 1))
            step()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        thread.join()
    _require_done(scorer, sequence)


def _require_done(scorer: Scorer, sequence: int) -> None:
    """Refuse a measurement in which less was done beside the decisions than it says."""
    status = scorer.process.status()
    states = {worker["state"]["sequence"] for worker in status["workers"]}
    judged, kept = status["counts"]["judged"], status["counts"]["decisions"]
    if states != {sequence} or judged != WAITING or kept >= EXPIRED + WAITING:
        raise RuntimeError(f"states {states}, {judged} labels counted, {kept} decisions kept: measure for longer")


def _copy_state(states: Path) -> tuple[int, Path]:
    """Copy the state in use into a folder of its own; return its sequence number and the folder."""
    pointer = json.loads((states / "pointer.json").read_text())
    sequence = pointer["sequence"] + 1
    fresh = states / f"{pointer['cutoff']}-{sequence:08}"
    shutil.copytree(states / pointer["path"], fresh)
    return sequence, fresh


def _point_to_state(states: Path, sequence: int, fresh: Path) -> None:
    pointer = json.loads((states / "pointer.json").read_text())
    replace_file(states / "pointer.json", json.dumps({**pointer, "path": fresh.name, "sequence": sequence}))

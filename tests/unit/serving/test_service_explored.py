"""Every interleaving of admin, guard, promotion and a worker, with a crash possible after every step of each of them.

The switch is that of the decision store, with its audit trail, and the worker chooses its release as in production. The
store is a dictionary: a transaction is one step, because LMDB commits all of it or nothing.
"""

import dataclasses
from collections import deque
from typing import Any, NamedTuple

import pytest

from antifraud.artifacts.pointer import Pointer
from antifraud.client.switch import SwitchSeen
from antifraud.errors import GateRefused, StaleEpoch, TransitionRefused
from antifraud.killswitch.machine import Cause, Mode, Order, release_in_service, trip
from jobs.judging.switching import require_movable
from serving.store.switchboard import begin_switch, put_switch, read_switch, set_switch, verify_audit
from serving.worker import services as services_module
from serving.worker.loading import Loaded, Release
from serving.worker.services import Services

RELEASES = {name: Release(name, 0, "PASS", evaluator=None) for name in ("a", "b")}


class Records:
    """The part of a `View` that the switch needs, over a dictionary that is never changed."""

    def __init__(self, stored):
        self.stored = dict(stored)

    def get(self, database, key):
        """Return a value, or None."""
        return self.stored.get((database, key))

    def put(self, database, key, value):
        """Write a value."""
        self.stored[database, key] = value

    def items(self, database):
        """Return keys and values in the order of the keys."""
        return sorted((key, value) for (name, key), value in self.stored.items() if name == database)


class World(NamedTuple):
    """Everything that a step can read or change; whatever a crash loses is None after it."""

    stored: dict[Any, bytes]
    switch: Any
    pointer: str
    named: frozenset[str]
    """Releases that the pointer has named since the mode began."""
    loaded: Loaded | None
    kept: frozenset[str]
    seen_by_worker: Any
    """Switch that the worker has read in a poll that is not over."""
    seen_by_guard: Any
    """Switch and pointer that the guard has read before it trips."""
    candidates: str
    """Releases that may be promoted."""
    promotion: Any
    """Candidate, switch that was read, and whether the pointer has been moved."""


def key_of(world):
    """Whatever can matter to the next step: of epochs, only whether they are the present one."""
    switch, loaded, seen = world.switch, world.loaded, world.seen_by_worker
    return (
        switch.mode, switch.release, frozenset(switch.tripped), switch.unproved_at is None, world.pointer, world.named,
        loaded and (loaded.champion.release, loaded.epoch < switch.began), world.kept,
        seen and (seen.epoch < switch.began, seen.release),
        world.seen_by_guard and (world.seen_by_guard[0].epoch == switch.epoch, world.seen_by_guard[1]),
        world.promotion and (world.promotion[0], world.promotion[1].epoch == switch.epoch, world.promotion[2]),
    )  # fmt: skip


def commit(world, change):
    """The world after a transaction on the switch; None if the switch refuses it."""
    records, before = Records(world.stored), world.switch
    try:
        after = change(records)
    except (StaleEpoch, TransitionRefused):
        assert records.stored == world.stored
        return None
    trail = verify_audit(records)
    assert trail.entries == after.epoch + 1 == before.epoch + 2
    named = frozenset({world.pointer}) if after.began == after.epoch else world.named
    return world._replace(stored=records.stored, switch=read_switch(records), named=named)


def orders(world):
    """Orders that an admin can give; a resume names the pointer's release."""
    for mode, release in (
        (Mode.SUSPENDED, None), (Mode.OBSERVE, world.pointer), (Mode.SERVING, world.pointer),
        (Mode.ROLLED_BACK, "a"),
    ):  # fmt: skip
        yield Order(mode=mode, expected_epoch=world.switch.epoch, reason="r", by="boss", at=0, release=release)


def steps_of_admin(world):
    for order in orders(world):
        yield commit(world, lambda records, order=order: set_switch(records, order))


def steps_of_guard(world):
    """Read switch and pointer, then trip, unless the switch has changed since; a crash forgets what was read."""
    if world.seen_by_guard is None:
        yield world._replace(seen_by_guard=(world.switch, world.pointer))
        return
    yield world._replace(seen_by_guard=None)
    switch, pointer = world.seen_by_guard
    after = trip(switch, release=release_in_service(switch, pointer), reason="r", at=0, evidence={})
    if after is None or world.switch.epoch != switch.epoch:
        return

    def put(records):
        put_switch(records, after)
        return after

    if tripped := commit(world, put):
        yield tripped._replace(seen_by_guard=None)


def steps_of_promotion(world):
    """Read the switch, move the pointer, resume; a crash ends the promotion, and another may begin."""
    if world.promotion is None:
        for candidate in world.candidates:
            yield world._replace(promotion=(candidate, world.switch, False))
        return
    yield world._replace(promotion=None)
    candidate, switch, has_moved = world.promotion
    seen = SwitchSeen(switch.mode, switch.epoch, switch.by, switch.reason)
    for resume in ("", "it passes"):
        if not has_moved:
            yield moved(world, candidate, seen, resume)
        elif resume:
            yield commit(world, lambda records: set_switch(records, passed(candidate, switch)))


def moved(world, candidate, seen, resume):
    """The world after the pointer was moved; one that is held stays, unless the candidate shall resume it."""
    try:
        require_movable(seen, is_first=False, resume=resume)
    except GateRefused:
        assert seen.mode in {"SUSPENDED", "ROLLED_BACK"}
        return None
    is_to_resume = bool(resume) and seen.is_held
    promotion = (candidate, world.promotion[1], True) if is_to_resume else None
    return world._replace(pointer=candidate, named=world.named | {candidate}, promotion=promotion)


def passed(candidate, switch):
    return Order(
        mode=Mode.SERVING, expected_epoch=switch.epoch, reason="r", by="boss", at=0, release=candidate,
        cause=Cause.PASS,
    )  # fmt: skip


def steps_of_worker(world):
    """Read the switch, then the pointer, and load both releases; a crash loses everything."""
    yield world._replace(loaded=None, kept=frozenset(), seen_by_worker=None)
    seen = world.seen_by_worker
    if seen is None:
        yield world._replace(seen_by_worker=world.switch)
        return
    champion = RELEASES[world.pointer]
    loaded = Loaded("state", champion, is_named=True, epoch=seen.epoch)
    kept = frozenset(name for name in (world.pointer, seen.release) if name)
    yield world._replace(loaded=loaded, kept=kept, seen_by_worker=None)


def require_right(world, services, monkeypatch):
    """A decision that is made now is made with what the switch says, or not at all."""
    if world.loaded is None:
        return
    for name in RELEASES:
        if name in world.kept:
            services.releases.load(name)
    services.releases.keep(world.kept)
    monkeypatch.setattr(services_module, "read_pointer", lambda _: Pointer(world.pointer, None, None, 1))
    switch = world.switch
    serving = services.choose(world.loaded, switch)
    # While the service is suspended, rules may decide, and no release does.
    if serving is None or switch.mode is Mode.SUSPENDED:
        return
    if switch.mode is Mode.ROLLED_BACK:
        assert serving.release.release == switch.release
    else:
        assert serving.release.release in world.named


def next_worlds(world):
    for steps in (steps_of_admin, steps_of_guard, steps_of_promotion, steps_of_worker):
        yield from (after for after in steps(world) if after is not None)


def begin(candidates):
    records = Records({})
    begin_switch(records)
    return World(
        records.stored, read_switch(records), "a", frozenset({"a"}), None, frozenset(), None, None, candidates, None
    )


@pytest.fixture
def services(tmp_path):
    """A worker's services, of which only the choice of the release is used."""
    made = Services(dataclasses.make_dataclass("Settings", ["releases_dir"])(tmp_path), None, None, None, None)
    made.releases._load = RELEASES.get
    return made


@pytest.mark.parametrize("candidates", ["b", pytest.param("ab", marks=pytest.mark.prove)])
def test_no_order_of_steps_and_crashes_lets_a_wrong_release_decide(services, monkeypatch, candidates):
    """In every world that can be reached, a worker decides with the right release or not at all.

    While the service is rolled back, that is the release of the switch; otherwise one that the pointer has named since
    the mode began. Each change of the switch adds one entry to a sound audit trail, and a refused one leaves no trace.
    """
    start = begin(candidates)
    found, waiting = {key_of(start)}, deque([start])
    while waiting:
        world = waiting.popleft()
        require_right(world, services, monkeypatch)
        for after in next_worlds(world):
            if (key := key_of(after)) not in found:
                found.add(key)
                waiting.append(after)
    assert {key[0] for key in found} == set(Mode)
    assert len(found) > 1_000

"""Every interleaving of admin, guard, promotion and a worker, with a crash possible after every step of each of them.

The switch is that of the decision store, with its audit trail, and the worker chooses its release as in production. The
store is a dictionary: a transaction is one step, because LMDB commits all of it or nothing.
"""

import dataclasses
from collections import deque
from typing import Any, NamedTuple

import pytest

from antifraud.artifacts.pointer import Pointer, find_champion
from antifraud.client.switch import SwitchSeen
from antifraud.errors import GateRefused, StaleEpoch, TransitionRefused
from antifraud.killswitch.consequence import Situation, answer_trip
from antifraud.killswitch.machine import Cause, Mode, Order, release_in_service, trip
from jobs.judging.switching import require_movable
from serving.store.switchboard import begin_switch, put_switch, read_switch, set_switch, verify_audit
from serving.worker import services as services_module
from serving.worker.loading import Loaded, Release
from serving.worker.services import Services
from tests.judgement_example import AS_OF, judged, judgement

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
    pointer: Pointer
    champion: str
    """The release that the pointer names by the rules, which are written a second time here."""
    named: frozenset[str]
    """Releases that have been champion since the mode began."""
    loaded: Loaded | None
    kept: frozenset[str]
    seen_by_worker: Any
    """Switch that the worker has read in a poll that is not over."""
    order: Any
    """Order of an admin that is not carried out yet, and the champion when it was given."""
    seen_by_guard: Any
    """Switch, and both champions by name, that the guard has read before it trips."""
    candidates: str
    """Releases that may be promoted."""
    is_split: bool
    """Whether others may act between the reading of the pointer and an admin's change of the switch."""
    promotion: Any
    """A promotion under way: its next step, its candidate, the pointer before it, switch and pointer that it knows."""


def key_of(world):
    """Whatever can matter to the next step: of epochs and sequences, only how they compare."""
    switch, loaded, seen, guard = world.switch, world.loaded, world.seen_by_worker, world.seen_by_guard
    return (
        switch.mode, switch.release, switch.champion, frozenset(switch.tripped), switch.unproved_at is None,
        name_pointer(world, world.pointer), world.champion, world.named,
        loaded and (loaded.champion.release, loaded.epoch < switch.began), world.kept,
        seen and (seen.epoch < switch.began, seen.release), guard and (guard[0].epoch == switch.epoch, *guard[1:]),
        name_order(world), name_promotion(world), switch.trip is None,
    )  # fmt: skip


def name_order(world):
    if world.order is None:
        return None
    order, champion = world.order
    return order.expected_epoch == world.switch.epoch, order.mode, order.release, order.champion, order.cause, champion


def name_pointer(world, pointer):
    return pointer.release, pointer.seen_epoch is not None and pointer.seen_epoch < world.switch.began


def name_promotion(world):
    if world.promotion is None:
        return None
    step, candidate, before, switch, pointer = world.promotion
    ages = switch and (switch.epoch == world.switch.epoch, switch.epoch < world.switch.began, switch.mode)
    return step, candidate, name_pointer(world, before), ages, pointer.sequence == world.pointer.sequence


def commit(world, change, champion):
    """The world after a transaction on the switch; None if the switch refuses it. Its author knew this champion."""
    records, before = Records(world.stored), world.switch
    try:
        after = change(records)
    except (StaleEpoch, TransitionRefused):
        assert records.stored == world.stored
        return None
    trail = verify_audit(records)
    assert trail.entries == after.epoch + 1 == before.epoch + 2
    changed = world._replace(stored=records.stored, switch=read_switch(records))
    return changed._replace(champion=champion, named=frozenset({champion})) if after.began == after.epoch else changed


def orders(world):
    """Orders that an admin can give; a resume serves the champion."""
    champion = find_champion(world.pointer, world.switch)
    for mode, release in (
        (Mode.SUSPENDED, None), (Mode.OBSERVE, champion), (Mode.SERVING, champion), (Mode.ROLLED_BACK, "a"),
    ):  # fmt: skip
        yield Order(
            mode=mode, expected_epoch=world.switch.epoch, reason="r", by="boss", at=0, release=release,
            champion=champion,
        )  # fmt: skip


def steps_of_admin(world):
    """The scorer reads switch and pointer, then changes the switch."""
    if world.order is None:
        given = (world._replace(order=(order, world.champion)) for order in orders(world))
        yield from given if world.is_split else map(carry_out, given)
    else:
        yield world._replace(order=None)
        yield carry_out(world)


def carry_out(world):
    order, champion = world.order
    changed = commit(world, lambda records: set_switch(records, order), champion)
    return changed and changed._replace(order=None)


def steps_of_guard(world):
    """Read switch and pointer, then trip, unless the switch has changed since; a crash forgets what was read."""
    if world.seen_by_guard is None:
        found = find_champion(world.pointer, world.switch)
        yield world._replace(seen_by_guard=(world.switch, found, world.champion))
        return
    yield world._replace(seen_by_guard=None)
    switch, found, champion = world.seen_by_guard
    after = trip(
        switch, release=release_in_service(switch, found), champion=found, reason="r", at=0, evidence={}
    )  # fmt: skip
    if after is None or world.switch.epoch != switch.epoch:
        return
    for answer in (after, *goes_back(switch, after)):

        def put(records, answer=answer):
            put_switch(records, answer)
            return answer

        if tripped := commit(world, put, champion):
            yield tripped._replace(seen_by_guard=None)


def goes_back(switch, after):
    """The same trip by a guard that knows a release to go back to; the worker may not have loaded it."""
    if after.mode is not Mode.SUSPENDED or switch.mode is Mode.SUSPENDED:
        return
    both = judgement(*(judged(name, AS_OF) for name in RELEASES), made_at=0)
    situation = Situation(
        serving=after.tripped[-1], onset="1970-01-01", judgement=both, loaded=frozenset(RELEASES),
    )  # fmt: skip
    yield answer_trip(switch, after, situation)


def steps_of_recovery(world):
    """Roll back by a judgement, or resume by a PASS, at the present epoch: one of another epoch is refused anyway."""
    if world.order is not None:
        return
    champion = find_champion(world.pointer, world.switch)
    for mode, release in ((Mode.ROLLED_BACK, "a"), (Mode.SERVING, champion)):
        order = Order(
            mode=mode, expected_epoch=world.switch.epoch, reason="r", by="judge", at=0, release=release,
            champion=champion, cause=Cause.PASS, recovers=True,
        )  # fmt: skip
        if after := carry_out(world._replace(order=(order, world.champion))):
            assert world.switch.trip is not None
            yield after


def steps_of_promotion(world):
    """Read the pointer, read the switch, move the pointer, then resume or look again; a crash ends the promotion."""
    if world.promotion is None:
        for candidate in world.candidates:
            yield world._replace(promotion=("read", candidate, world.pointer, None, world.pointer))
        return
    yield world._replace(promotion=None)
    step, candidate, before, _, pointer = world.promotion
    if step == "read":
        yield world._replace(promotion=("move", candidate, before, world.switch, pointer))
    elif pointer.sequence != world.pointer.sequence:
        return
    elif step == "move":
        yield from (moved(world, resume) for resume in ("", "it passes"))
    elif step == "put back":
        back = dataclasses.replace(before, sequence=world.pointer.sequence + 1)
        yield world._replace(pointer=back, promotion=None)
    elif find_champion(pointer, world.switch) != pointer.release:
        yield world._replace(promotion=("put back", *world.promotion[1:]))


def moved(world, resume):
    """The world after the pointer was moved; one that is held stays, unless the candidate shall resume it."""
    _, candidate, before, switch, _ = world.promotion
    try:
        require_movable(seen_of(switch), is_first=False, resume=resume)
    except GateRefused:
        assert switch.mode in {"SUSPENDED", "ROLLED_BACK"}
        return None
    pointer = move(world.pointer, candidate, switch.epoch)
    after = world._replace(pointer=pointer, promotion=("look", candidate, before, switch, pointer))
    if switch.epoch >= world.switch.began:
        after = after._replace(champion=candidate, named=world.named | {candidate})
    if not (resume and seen_of(switch).is_held):
        return after
    # The scorer is asked to resume, unless it has another order at the moment: then the promotion is killed.
    order = passed(find_champion(pointer, world.switch), switch)
    return after._replace(promotion=None, order=world.order or (order, after.champion))


def move(pointer, candidate, epoch):
    if pointer.release == candidate:
        return dataclasses.replace(pointer, seen_epoch=epoch)
    return Pointer(candidate, pointer.release, None, pointer.sequence + 1, "", epoch)


def seen_of(switch):
    return SwitchSeen(
        switch.mode, switch.epoch, switch.by, switch.reason, switch.release, switch.began, switch.champion
    )


def passed(champion, switch):
    return Order(
        mode=Mode.SERVING, expected_epoch=switch.epoch, reason="r", by="boss", at=0, release=champion,
        champion=champion, cause=Cause.PASS,
    )  # fmt: skip


def steps_of_worker(world):
    """Read the switch, then the pointer, and load both releases; a crash loses everything."""
    yield world._replace(loaded=None, kept=frozenset(), seen_by_worker=None)
    seen = world.seen_by_worker
    if seen is None:
        yield world._replace(seen_by_worker=world.switch)
        return
    champion = find_champion(world.pointer, seen)
    loaded = Loaded("state", RELEASES[champion], is_named=True, epoch=seen.epoch)
    kept = frozenset(name for name in (champion, seen.release) if name)
    yield world._replace(loaded=loaded, kept=kept, seen_by_worker=None)


def require_right(world, services, monkeypatch):
    """A decision that is made now is made with what the switch says, or not at all."""
    assert find_champion(world.pointer, world.switch) == world.champion
    if world.loaded is None:
        return
    for name in RELEASES:
        if name in world.kept:
            services.releases.load(name)
    services.releases.keep(world.kept)
    monkeypatch.setattr(services_module, "read_champion", lambda _, switch: find_champion(world.pointer, switch))
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
    for steps in (steps_of_admin, steps_of_guard, steps_of_promotion, steps_of_recovery, steps_of_worker):
        yield from (after for after in steps(world) if after is not None)


def begin(candidates, *, is_split):
    records = Records({})
    begin_switch(records)
    pointer = Pointer("a", None, None, 1)
    return World(
        records.stored, read_switch(records), pointer, "a", frozenset({"a"}), None, frozenset(), None, None, None,
        candidates, is_split, None,
    )  # fmt: skip


@pytest.fixture
def services(tmp_path):
    """A worker's services, of which only the choice of the release is used."""
    made = Services(dataclasses.make_dataclass("Settings", ["releases_dir"])(tmp_path), None, None, None, None)
    made.releases._load = RELEASES.get
    return made


@pytest.mark.parametrize(("candidates", "is_split"), [("b", False), pytest.param("ab", True, marks=pytest.mark.prove)])
def test_no_order_of_steps_and_crashes_lets_a_wrong_release_decide(services, monkeypatch, candidates, is_split):
    """In every world that can be reached, a worker decides with the right release or not at all.

    While the service is rolled back, that is the release of the switch. Otherwise it is the one that the pointer named
    when the mode began, or one of a promotion that has seen this mode. Each change of the switch adds one entry to a
    sound audit trail, and a refused one leaves no trace.
    """
    start = begin(candidates, is_split=is_split)
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

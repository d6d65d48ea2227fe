"""Every state of the switch that admins, guard and time can reach, checked against rules that are written twice."""

import dataclasses
from collections import deque
from typing import NamedTuple

from antifraud.clock import DAY_SECONDS
from antifraud.errors import StaleEpoch, TransitionRefused
from antifraud.killswitch.consequence import Situation, answer_trip
from antifraud.killswitch.machine import ALLOWED, INITIAL, Cause, Mode, Order, Switch, change, trip
from tests.judgement_example import AS_OF, judged, judgement

RELEASES = ("a", "b")
STEP_DAYS = 15
OLD_DAYS = 45
"""Ages beyond this one make no difference to any rule."""


class World(NamedTuple):
    """The switch, and what the rules need to know about its past: all times in days before now."""

    switch: Switch
    proven: frozenset[str]
    """Releases that may serve: none of them has tripped since it was promoted, passed or put back."""
    unproved_days: int | None
    """How long ago a release was put back although it had tripped, without a PASS."""
    observing_days: int | None
    """For how long the service observes without a break; None if it does not observe."""
    is_unfinished: bool
    """Whether an observation has begun and has not been finished or forced."""
    recovers: bool = False
    """Whether a trip has ended what served, and no person has changed the mode since."""


def days_since(at):
    return None if at is None else min(-at // DAY_SECONDS, OLD_DAYS)


def key_of(world):
    """Whatever can matter to the next change: epochs and texts do not."""
    switch = world.switch
    kept = (switch.mode, switch.release, frozenset(switch.tripped), switch.drill, switch.cause is Cause.TRIP,
            switch.trip is None)  # fmt: skip
    return (*kept, days_since(switch.unproved_at), days_since(switch.observed_at), *world[1:])


def age(world):
    """Let `STEP_DAYS` pass: now is always second 0."""

    def shift(at):
        return None if at is None else max(at - STEP_DAYS * DAY_SECONDS, -OLD_DAYS * DAY_SECONDS)

    def grow(days):
        return None if days is None else min(days + STEP_DAYS, OLD_DAYS)

    switch = world.switch
    aged = dataclasses.replace(switch, unproved_at=shift(switch.unproved_at), observed_at=shift(switch.observed_at))
    return world._replace(
        switch=aged, unproved_days=grow(world.unproved_days), observing_days=grow(world.observing_days)
    )


def orders(switch):
    """Every order that somebody could give now."""
    for mode in Mode:
        for release in RELEASES:
            for cause in (Cause.ADMIN, Cause.PASS):
                for forced in (False, True):
                    yield Order(
                        mode=mode, expected_epoch=switch.epoch, reason="r", by="boss", at=0, release=release,
                        cause=cause, forced=forced,
                    )  # fmt: skip
            yield Order(
                mode=mode, expected_epoch=switch.epoch, reason="r", by="judge", at=0, release=release,
                cause=Cause.PASS, recovers=True,
            )  # fmt: skip


def is_right(world, order):
    """The rules, written a second time."""
    if order.mode not in ALLOWED[world.switch.mode]:
        return False
    if order.recovers and not world.recovers:
        return False
    if order.mode in {Mode.SUSPENDED, Mode.OBSERVE} or order.forced:
        return True
    passes = order.release in world.proven or order.cause is Cause.PASS
    if world.is_unfinished:
        long_enough = world.observing_days is not None and world.observing_days - 1 >= 14
        return passes and long_enough
    return passes or world.unproved_days is None or world.unproved_days >= 30


def obey(world, order):
    """The world after an order that the rules allow."""
    after = change(world.switch, order)
    assert (after.epoch, after.began) == (world.switch.epoch + 1, world.switch.epoch + 1)
    if order.mode is Mode.SUSPENDED:
        return world._replace(switch=after, observing_days=None, recovers=False)
    if order.mode is Mode.OBSERVE:
        return world._replace(switch=after, observing_days=0, is_unfinished=True, recovers=False)
    is_put_back = order.release not in world.proven and order.cause is not Cause.PASS
    return World(
        switch=after,
        proven=world.proven | {order.release},
        unproved_days=0 if is_put_back else world.unproved_days,
        observing_days=None,
        is_unfinished=False,
        recovers=world.recovers and order.recovers and order.mode is Mode.ROLLED_BACK,
    )


def tripped(world, release, situation=None):
    """The world after the guard has tripped about a release; the same if it knows that already.

    With a situation, what serves is answered by the standing judgement; without one, the guard suspends.
    """
    after = trip(world.switch, release=release, reason="r", at=0, evidence={})
    if after is None:
        assert world.switch.mode in {Mode.OBSERVE, Mode.SUSPENDED}
        assert release not in world.proven
        return world
    stays = world.switch.mode is Mode.OBSERVE
    assert after.mode is (Mode.OBSERVE if stays else Mode.SUSPENDED)
    assert after.epoch == world.switch.epoch + 1
    fallen = world._replace(switch=after, proven=world.proven - {release})
    if stays or world.switch.mode is Mode.SUSPENDED:
        return fallen
    if situation is None:
        return fallen._replace(recovers=False)
    answered = answer_trip(world.switch, after, situation)
    assert answered.epoch == answered.began == after.epoch
    goes_back = answered.mode is Mode.ROLLED_BACK
    assert goes_back == bool(situation.loaded & world.proven - {release})
    return fallen._replace(switch=answered, recovers=True)


def situation_of(release, loaded):
    """The knowledge of the guard if both releases pass, and these are loaded."""
    both = judgement(*(judged(name, AS_OF) for name in RELEASES), made_at=0)
    return Situation(serving=release, onset="1970-01-01", judgement=both, loaded=frozenset(loaded))


def next_worlds(world):
    """All worlds one step further; an order that is repeated after a crash changes nothing."""
    yield age(world)
    for release in RELEASES:
        yield tripped(world, release)
        for loaded in ("", "a", "ab"):
            yield tripped(world, release, situation_of(release, loaded))
    for order in orders(world.switch):
        try:
            after = obey(world, order)
        except TransitionRefused:
            assert not is_right(world, order)
            continue
        assert is_right(world, order)
        try:
            change(after.switch, order)
        except StaleEpoch:
            yield after
        else:
            raise AssertionError("an order was obeyed twice")


def explore(start):
    """All worlds that can be reached, by their keys."""
    found, waiting = {key_of(start): start}, deque([start])
    while waiting:
        for world in next_worlds(waiting.popleft()):
            if (key := key_of(world)) not in found:
                found[key] = world
                waiting.append(world)
    return found


def test_the_machine_keeps_the_rules_in_every_state_that_can_be_reached():
    """In each of them, each order is obeyed exactly if the rules allow it, and each repeat of it is refused."""
    found = explore(World(INITIAL, frozenset(RELEASES), None, None, is_unfinished=False))

    assert {world.switch.mode for world in found.values()} == set(Mode)
    assert len(found) > 250
    for world in found.values():
        assert set(world.switch.tripped) == set(RELEASES) - world.proven
        assert (world.switch.release is not None) == (world.switch.mode is Mode.ROLLED_BACK)
        assert (world.switch.observed_at is not None) == world.is_unfinished
        assert (world.switch.trip is not None) == world.recovers
        assert not world.recovers or world.switch.mode in {Mode.ROLLED_BACK, Mode.SUSPENDED}

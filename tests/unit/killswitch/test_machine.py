"""The switch allows only the drawn transitions, and only from its present epoch."""

import dataclasses
import itertools

import pytest

from antifraud.clock import DAY_SECONDS
from antifraud.errors import StaleEpoch, TransitionRefused
from antifraud.killswitch.machine import (
    INITIAL,
    UNCHANGED,
    Cause,
    Level,
    Mode,
    Note,
    Order,
    Switch,
    change,
    release_in_service,
    trip,
    warn,
)

DRAWN = {
    ("OBSERVE", "SERVING"),
    ("OBSERVE", "SUSPENDED"),
    ("SERVING", "ROLLED_BACK"),
    ("SERVING", "SUSPENDED"),
    ("ROLLED_BACK", "SERVING"),
    ("ROLLED_BACK", "SUSPENDED"),
    ("SUSPENDED", "OBSERVE"),
    ("SUSPENDED", "SERVING"),
    ("SUSPENDED", "ROLLED_BACK"),
}
SERVING = Switch(Mode.SERVING, 4, "old", "somebody", 1, began=4)
NUMBERS = {"fpr": 0.08}


def order(mode, epoch, **changes):
    """An admin's order at second 2."""
    return Order(**{"mode": mode, "expected_epoch": epoch, "reason": "new", "by": "boss", "at": 2, **changes})


def tripped(switch=SERVING, release="a", at=1_000):
    return trip(switch, release=release, reason="too many flags", at=at, evidence=NUMBERS)


@pytest.mark.parametrize(("start", "end"), list(itertools.product(Mode, Mode)))
def test_only_the_drawn_transitions_exist(start, end):
    """Each pair of modes is either drawn and raises the epoch by one, or refused."""
    before = Switch(start, 4, "old", "somebody", 1)
    if (start, end) not in DRAWN:
        with pytest.raises(TransitionRefused, match=f"{start} cannot become {end}"):
            change(before, order(end, 4))
    else:
        after = change(before, order(end, 4))
        observed = 2 if end == "OBSERVE" else None
        assert after == Switch(end, 5, "new", "boss", 2, began=5, observed_at=observed)


@pytest.mark.parametrize("read", [-1, 1, 99])
def test_another_epoch_is_refused(read):
    """A change that was decided on an old reading is refused."""
    with pytest.raises(StaleEpoch, match=f"at epoch 0, the change was decided at {read}"):
        change(INITIAL, order(Mode.SUSPENDED, read, reason="drill"))


def test_a_new_store_is_suspended_and_an_earlier_one_goes_on():
    """A person begins the service of a new store; a store of an earlier version that nobody has changed serves."""
    assert (INITIAL.mode, INITIAL.epoch, INITIAL.by, INITIAL.cause) == ("SUSPENDED", 0, "store", "store")
    assert (UNCHANGED.mode, UNCHANGED.epoch, UNCHANGED.by) == ("SERVING", 0, "store")


def test_a_trip_suspends_what_serves():
    """The release, the numbers, the author and the cause are kept, and a rolled-back release no longer serves."""
    back = change(SERVING, order(Mode.ROLLED_BACK, 4, release="a", cause=Cause.PASS, drill=True))

    after = tripped(back)

    assert (back.release, back.cause, back.drill, back.began) == ("a", "pass", True, 5)
    assert after == Switch(
        Mode.SUSPENDED, 6, "too many flags", "guard", 1_000,
        cause=Cause.TRIP, began=6, evidence={"fpr": 0.08}, tripped=("a",),
    )  # fmt: skip


def test_a_trip_in_observation_changes_no_mode():
    """The service goes on to observe, and the trip is on record once."""
    observing = change(INITIAL, order(Mode.OBSERVE, 0))

    after = tripped(observing)

    assert (after.mode, after.cause, after.tripped, after.observed_at) == ("OBSERVE", "trip", ("a",), 2)
    assert (after.epoch, after.began) == (2, 1)
    assert tripped(after) is None


def test_a_trip_ends_a_drill():
    """A suspension that was an exercise becomes a real one, with the guard's reason."""
    drill = change(SERVING, order(Mode.SUSPENDED, 4, drill=True))

    after = tripped(drill)

    assert (after.mode, after.epoch, after.drill, after.cause, after.by) == ("SUSPENDED", 6, False, "trip", "guard")
    assert tripped(after) is None


def test_a_trip_without_a_release_counts_once():
    """If the pointer cannot be read, the guard suspends nevertheless, and says so once."""
    after = tripped(release=None)

    assert (after.mode, after.tripped) == ("SUSPENDED", ())
    assert tripped(after, release=None) is None


def test_a_warning_changes_only_the_level():
    """The mode, its cause and its reason stay; the warning has a note of its own, and the same level is no change."""
    note = Note("the loss budget is used up", "guard", 9, {"burn": 2.0})

    after = warn(SERVING, Level.PAGE, note)

    assert after == dataclasses.replace(SERVING, epoch=5, warning=Level.PAGE, warned=note)
    assert warn(after, Level.PAGE, note) is None
    assert change(after, order(Mode.SUSPENDED, 5)).warning == "page"


def test_only_a_roll_back_serves_another_release_than_the_pointers():
    """In every other mode the pointer says what serves."""
    modes = {mode: dataclasses.replace(SERVING, mode=mode, release="a") for mode in Mode}

    assert {mode.value: release_in_service(switch, "b") for mode, switch in modes.items()} == {
        "OBSERVE": "b", "SERVING": "b", "ROLLED_BACK": "a", "SUSPENDED": "b",
    }  # fmt: skip
    assert release_in_service(INITIAL, None) is None


def resumed_after_two_trips(*, days, **changes):
    """Resume a tripped release, let it trip again, and resume it `days` after the first resume."""
    first = change(tripped(), order(Mode.SERVING, 5, release="a", at=2_000))
    assert (first.tripped, first.unproved_at) == ((), 2_000)
    second = tripped(first, at=3_000)
    return change(second, order(Mode.SERVING, 7, release="a", at=2_000 + round(days * DAY_SECONDS), **changes))


def test_a_tripped_release_is_resumed_once_in_thirty_days():
    """The second time in 30 days is refused, and says what would help; afterwards it is possible again."""
    with pytest.raises(TransitionRefused, match=r"release a has tripped.*less than 30 days.*promote.*or force it"):
        resumed_after_two_trips(days=29.99)
    assert resumed_after_two_trips(days=30).unproved_at == 2_000 + 30 * DAY_SECONDS


def test_a_pass_or_force_resumes_a_tripped_release_at_once():
    """A PASS uses up nothing; a forced resume counts as one without a PASS."""
    assert resumed_after_two_trips(days=1, cause=Cause.PASS).unproved_at == 2_000
    assert resumed_after_two_trips(days=1, forced=True).unproved_at == 2_000 + DAY_SECONDS


def test_another_release_than_the_tripped_one_is_free():
    """A promotion brings a release that has not tripped; the one that has stays on record."""
    first = change(tripped(), order(Mode.SERVING, 5, release="b"))

    assert (first.mode, first.tripped, first.unproved_at) == ("SERVING", ("a",), None)
    both = tripped(first, release="b")
    assert both.tripped == ("a", "b")
    after = change(both, order(Mode.SERVING, 7, release="a"))
    assert (after.tripped, after.unproved_at) == (("b",), 2)


def test_a_way_round_does_not_free_a_tripped_release():
    """A roll-back and a suspension in between change nothing: the rule is about the release."""
    first = change(tripped(), order(Mode.SERVING, 5, release="a"))
    second = tripped(first)
    around = change(second, order(Mode.ROLLED_BACK, 7, release="b"))
    with pytest.raises(TransitionRefused, match="release a has tripped"):
        change(around, order(Mode.SERVING, 8, release="a", at=3_000))
    halted = change(around, order(Mode.SUSPENDED, 8))
    with pytest.raises(TransitionRefused, match="release a has tripped"):
        change(halted, order(Mode.ROLLED_BACK, 9, release="a", at=3_000))


def observed_for(days, *, with_trip=False, **changes):
    """Observe from noon of day 0 on, and resume at the beginning of the day `days`, with labels after 7 days."""
    switch = change(INITIAL, order(Mode.OBSERVE, 0, at=12 * 3_600))
    switch = tripped(switch) if with_trip else switch
    return change(
        switch,
        order(Mode.SERVING, switch.epoch, release="a", at=days * DAY_SECONDS, label_delay_days=7, **changes),
    )


def test_observation_is_left_after_fourteen_matured_days():
    """Days 1 to 14 are whole, and the labels of day 14 have come at the end of day 21."""
    with pytest.raises(TransitionRefused, match="13 whole days of the observation have matured, 14 are needed"):
        observed_for(21)
    assert observed_for(22).observed_at is None
    assert observed_for(1, forced=True).mode == "SERVING"


def test_a_trip_blocks_the_way_out_of_observation():
    """Days do not help; a PASS or a person who forces it does."""
    with pytest.raises(TransitionRefused, match="release a has tripped while it was observed"):
        observed_for(400, with_trip=True)
    assert observed_for(400, with_trip=True, cause=Cause.PASS).mode == "SERVING"
    assert observed_for(1, with_trip=True, forced=True).mode == "SERVING"


def test_a_suspension_is_no_way_out_of_observation():
    """A service that was suspended while it observed has to observe again, from the beginning."""
    observing = change(INITIAL, order(Mode.OBSERVE, 0))
    halted = change(observing, order(Mode.SUSPENDED, 1))
    late = 400 * DAY_SECONDS
    with pytest.raises(TransitionRefused, match="was suspended while it was observed: observe it again"):
        change(halted, order(Mode.SERVING, 2, release="a", at=late))
    again = change(halted, order(Mode.OBSERVE, 2, at=late))
    assert again.observed_at == late
    with pytest.raises(TransitionRefused, match="0 whole days"):
        change(again, order(Mode.SERVING, 3, release="a", at=late + DAY_SECONDS))

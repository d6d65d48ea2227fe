"""Subscribers are told what has happened by the kind of news, and nothing that changes the switch is left out."""

import dataclasses

import pytest

from antifraud.killswitch.machine import INITIAL, Cause, Level, Mode, Note, Order, change, mark_drill, trip, warn
from antifraud.killswitch.news import news_of


def order(mode, switch, **more):
    return Order(mode=mode, expected_epoch=switch.epoch, reason="because", by="boss", at=60, release="a", **more)


SERVING = change(INITIAL, order(Mode.SERVING, INITIAL))


@pytest.mark.parametrize(
    ("mode", "kind"),
    [(Mode.SUSPENDED, "suspended"), (Mode.ROLLED_BACK, "rolled_back")],
)
def test_a_change_of_the_mode_is_told_by_what_becomes_of_it(mode, kind):
    """Each mode has its word, and a return to service is a resume."""
    after = change(SERVING, order(mode, SERVING))

    assert news_of(SERVING, after) == [kind]
    assert news_of(after, change(after, order(Mode.SERVING, after))) == ["resumed"]


def test_observing_is_a_resume_too():
    """Decisions are made again; the mode says that nothing is flagged."""
    assert news_of(INITIAL, change(INITIAL, order(Mode.OBSERVE, INITIAL))) == ["resumed"]


def test_a_suspension_as_an_exercise_is_both():
    """Clients must react to it as to any other, and may know that it is one."""
    after = change(SERVING, order(Mode.SUSPENDED, SERVING, drill=True))

    assert news_of(SERVING, after) == ["drill", "suspended"]
    assert news_of(after, change(after, order(Mode.SERVING, after))) == ["drill", "resumed"]


def test_a_drill_is_told_when_it_begins_and_ends():
    """Nothing else changes."""
    begun = mark_drill(SERVING, begins=True, note=Note("we try it", "operator", 70))
    ended = mark_drill(begun, begins=False, note=Note("it works", "operator", 80))

    assert news_of(SERVING, begun) == news_of(begun, ended) == ["drill"]
    assert (begun.drill, begun.mode, begun.epoch, begun.at, begun.began) == (
        True, Mode.SERVING, SERVING.epoch + 1, SERVING.at, SERVING.began,
    )  # fmt: skip
    assert ended == dataclasses.replace(SERVING, epoch=SERVING.epoch + 2, drilled=ended.drilled)


def test_warnings_are_told_when_they_begin_change_and_end():
    """A second warning of the same level is news, the same ones again are none."""
    note = Note("full", "guard", 70)
    one = warn(SERVING, {"store_fill": Level.WARN}, note)
    two = warn(one, {"store_fill": Level.WARN, "p99": Level.WARN}, note)

    assert [news_of(SERVING, one), news_of(one, two), news_of(two, warn(two, {}, note))] == [["warning"]] * 3
    assert warn(two, {"p99": Level.WARN, "store_fill": Level.WARN}, note) is None
    assert (one.warning, warn(two, {"loss": Level.PAGE}, note).warning, warn(two, {}, note).warning) == (
        Level.WARN, Level.PAGE, Level.NONE,
    )  # fmt: skip


def test_a_trip_is_told_whatever_it_changes():
    """While the service serves it is a suspension; while it observes, a warning; in a drill it ends the drill."""
    observing = change(INITIAL, order(Mode.OBSERVE, INITIAL))
    exercise = change(SERVING, order(Mode.SUSPENDED, SERVING, drill=True))

    def tripped(switch):
        return trip(switch, release="a", reason="too many flags", at=90, evidence={})

    assert news_of(SERVING, tripped(SERVING)) == ["suspended"]
    assert news_of(observing, tripped(observing)) == ["warning"]
    assert news_of(exercise, tripped(exercise)) == ["drill"]


def test_a_technical_trip_blames_no_release():
    """Its cause is a signal, so that a resume needs no PASS."""
    after = trip(SERVING, release=None, reason="unreadable", at=90, evidence={}, cause=Cause.SIGNAL)

    assert (after.mode, after.cause, after.tripped) == (Mode.SUSPENDED, Cause.SIGNAL, ())

"""The switch: the state machine that says whether the scorer may answer, and with which release.

This module has the pure rules; `serving/store/switchboard.py` keeps the switch in the decision store. Every change
names the epoch that its author had read. If two operators, or an operator and the guard, act on the same reading, only
the first change is accepted.

A trip of the guard suspends, unless the standing judgement knows a release that is good today
(`antifraud.killswitch.consequence`). In OBSERVE nothing is flagged, so a trip there only blocks the way to SERVING.
The diagram is in docs/architecture/serving.md.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from antifraud.errors import StaleEpoch, TransitionRefused
from antifraud.killswitch.admission import is_unproved, require_admissible
from antifraud.killswitch.trips import Trip

GUARD: Final = "guard"
"""The author of trips and warnings."""


class Mode(StrEnum):
    """The scorer observes (scores without flagging), serves, serves an earlier release, or refuses to decide."""

    OBSERVE = "OBSERVE"
    SERVING = "SERVING"
    ROLLED_BACK = "ROLLED_BACK"
    SUSPENDED = "SUSPENDED"


class Cause(StrEnum):
    """Kind of reason: a new or accepted store, a person, the guard, or a release that passed the gate.

    The guard acts on evidence against a release (a trip), or on a technical signal.
    """

    STORE = "store"
    ADMIN = "admin"
    TRIP = "trip"
    SIGNAL = "signal"
    PASS = "pass"  # noqa: S105 a verdict, no password


class Level(StrEnum):
    """The guard's warning: none, a warning for working hours, or one that pages a person."""

    NONE = "none"
    WARN = "warn"
    PAGE = "page"


ALLOWED: Final[dict[Mode, frozenset[Mode]]] = {
    Mode.OBSERVE: frozenset({Mode.SERVING, Mode.SUSPENDED}),
    Mode.SERVING: frozenset({Mode.ROLLED_BACK, Mode.SUSPENDED}),
    Mode.ROLLED_BACK: frozenset({Mode.SERVING, Mode.SUSPENDED}),
    Mode.SUSPENDED: frozenset({Mode.OBSERVE, Mode.SERVING, Mode.ROLLED_BACK}),
}


@dataclass(frozen=True, slots=True)
class Note:
    """Why, by whom and when warnings or the mark of a drill were changed, and the evidence for it."""

    reason: str
    by: str
    at: int
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Switch:
    """The switch at one moment.

    Attributes:
        mode: Whether and with what the scorer decides.
        epoch: Number of changes so far.
        reason: Why the last change was made, in a sentence; warnings and drills have notes of their own.
        by: Who made it: a client's name, ``guard``, or ``store`` for a new store.
        at: Business time of the change, UTC seconds.
        cause: Kind of reason.
        release: The release that serves while ROLLED_BACK; None in the other modes, in which the pointer says it.
        began: Epoch in which the mode began.
        champion: The release that the pointer named when the mode began (`antifraud.killswitch.champion`).
        warning: The highest level of the guard's warnings.
        warnings: Level of each warning by its name.
        warned: Why the warnings were last changed; None if they never were.
        drill: Whether an exercise is under way, with or without a suspension or a roll-back.
        drilled: Why a drill was last marked or ended without a change of the mode; None if none was.
        evidence: Numbers behind the change.
        tripped: Releases that served when the guard tripped, and have not been put back into service since.
        unproved_at: When a release that had tripped was last put back without a PASS.
        observed_at: When OBSERVE began; it stays until the service has left observation by way of SERVING.
        trip: The trip that the service recovers from by itself; None if it serves, or if a person has taken over.
    """

    mode: Mode
    epoch: int
    reason: str
    by: str
    at: int
    cause: Cause = Cause.ADMIN
    release: str | None = None
    began: int = 0
    champion: str | None = None
    warning: Level = Level.NONE
    warnings: Mapping[str, Level] = field(default_factory=dict)
    warned: Note | None = None
    drill: bool = False
    drilled: Note | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    tripped: tuple[str, ...] = ()
    unproved_at: int | None = None
    observed_at: int | None = None
    trip: Trip | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A change that somebody asks for, and everything that the rules ask about it.

    Attributes:
        mode: The mode to change to.
        expected_epoch: The epoch that the author has read.
        reason: Why, in a sentence.
        by: The author.
        at: Business time, UTC seconds.
        cause: Kind of reason; PASS means that `release` has passed the gate on today's data.
        release: The release that will serve.
        champion: The release that the pointer names, as the author has read it; None if it cannot be read.
        drill: Whether it is an exercise.
        forced: Whether a person takes the responsibility for what the evidence forbids.
        recovers: Whether the recovery from a trip asks for it, and no person.
        evidence: Numbers behind the change.
        label_delay_days: Days until the labels of a day have come.
    """

    mode: Mode
    expected_epoch: int
    reason: str
    by: str
    at: int
    cause: Cause = Cause.ADMIN
    release: str | None = None
    champion: str | None = None
    drill: bool = False
    forced: bool = False
    recovers: bool = False
    evidence: Mapping[str, Any] = field(default_factory=dict)
    label_delay_days: int = 0


UNCHANGED: Final = Switch(Mode.SERVING, epoch=0, reason="a new store", by="store", at=0, cause=Cause.STORE)
"""The switch of a store of an earlier version that nobody has changed: such a store began with SERVING."""
INITIAL: Final = dataclasses.replace(
    UNCHANGED, mode=Mode.SUSPENDED, reason="a new store: an admin begins with `observe` or `resume`"
)
"""The switch of a new store: a person decides when it begins to answer."""


def release_in_service(switch: Switch, champion: str | None) -> str | None:
    """Return the release that serves, or would if the service were not suspended; the pointer names `champion`.

    >>> release_in_service(INITIAL, "b")
    'b'
    >>> release_in_service(dataclasses.replace(INITIAL, mode=Mode.ROLLED_BACK, release="a"), "b")
    'a'
    """
    return switch.release if switch.mode is Mode.ROLLED_BACK else champion


def change(switch: Switch, order: Order) -> Switch:
    """Return the switch after a change that somebody asks for.

    >>> order = Order(mode=Mode.SERVING, expected_epoch=0, reason="we begin", by="boss", at=60, release="a")
    >>> after = change(INITIAL, order)
    >>> after.mode, after.epoch, after.began
    (<Mode.SERVING: 'SERVING'>, 1, 1)

    Raises:
        StaleEpoch: The switch has changed since `order.expected_epoch`.
        TransitionRefused: The mode cannot follow the present mode, or the evidence speaks against the release.
    """
    # Compare and set: a decision that was based on an outdated reading must not overwrite a newer one.
    if switch.epoch != order.expected_epoch:
        raise StaleEpoch(
            f"the switch is at epoch {switch.epoch}, the change was decided at {order.expected_epoch}: "
            "read it again and decide anew"
        )
    if order.mode not in ALLOWED[switch.mode]:
        possible = ", ".join(sorted(ALLOWED[switch.mode]))
        raise TransitionRefused(f"{switch.mode} cannot become {order.mode}: from here the switch goes to {possible}")
    if order.recovers and switch.trip is None:
        raise TransitionRefused("the service does not recover from a trip by itself: an admin decides what serves")
    after = dataclasses.replace(
        _noted(switch, order.reason, order.by, order.at, order.evidence),
        mode=order.mode,
        cause=order.cause,
        began=switch.epoch + 1,
        release=order.release if order.mode is Mode.ROLLED_BACK else None,
        champion=order.champion,
        drill=order.drill,
        trip=switch.trip if order.recovers and order.mode is Mode.ROLLED_BACK else None,
    )
    if order.mode is Mode.OBSERVE:
        return dataclasses.replace(after, observed_at=order.at)
    return after if order.mode is Mode.SUSPENDED else _admit(switch, order, after)


def _admit(switch: Switch, order: Order, after: Switch) -> Switch:
    """Return the switch with the order's release in service, if the evidence allows it."""
    has_passed = order.cause is Cause.PASS
    require_admissible(switch, order.release, order.at, order.label_delay_days, passed=has_passed, forced=order.forced)
    unproved = is_unproved(switch, order.release, passed=has_passed)
    return dataclasses.replace(
        after,
        tripped=tuple(release for release in switch.tripped if release != order.release),
        unproved_at=order.at if unproved else switch.unproved_at,
        observed_at=None,
    )


def trip(
    switch: Switch,
    *,
    release: str | None,
    reason: str,
    at: int,
    evidence: Mapping[str, Any],
    champion: str | None = None,
    by: str = GUARD,
    cause: Cause = Cause.TRIP,
) -> Switch | None:
    """Return the switch after a trip of the guard about the `release` in service; None if it is known already.

    `champion` is the release that the pointer names, as the guard has read it.

    A service that is suspended for another reason, such as a drill, is suspended for this one from now on. A trip by a
    technical signal (`cause`) is about no release.

    >>> trip(change(INITIAL, Order(mode=Mode.OBSERVE, expected_epoch=0, reason="we begin", by="boss", at=60)),
    ...      release="a", reason="too many flags", at=90, evidence={}).mode
    <Mode.OBSERVE: 'OBSERVE'>
    """
    is_known = release in switch.tripped or (release is None and switch.cause in {Cause.TRIP, cause})
    if is_known and switch.mode in {Mode.OBSERVE, Mode.SUSPENDED}:
        return None
    after = dataclasses.replace(
        _noted(switch, reason, by, at, evidence),
        cause=cause,
        drill=False,
        tripped=switch.tripped if release is None else (*(r for r in switch.tripped if r != release), release),
    )
    if switch.mode in {Mode.OBSERVE, Mode.SUSPENDED}:
        return after
    began = switch.epoch + 1
    return dataclasses.replace(after, mode=Mode.SUSPENDED, release=None, began=began, champion=champion, trip=None)


def warn(switch: Switch, warnings: Mapping[str, Level], note: Note) -> Switch | None:
    """Return the switch with these warnings instead of the present ones; None if they are the same.

    Whoever raises or ends one brings the others along: they may be somebody else's.

    >>> warn(INITIAL, {"loss": Level.PAGE, "p99": Level.WARN}, Note("the budget is used up", "guard", 60)).warning
    <Level.PAGE: 'page'>
    """
    if warnings == switch.warnings:
        return None
    highest = max(warnings.values(), key=list(Level).index, default=Level.NONE)
    return dataclasses.replace(switch, epoch=switch.epoch + 1, warning=highest, warnings=dict(warnings), warned=note)


def mark_drill(switch: Switch, *, begins: bool, note: Note) -> Switch:
    """Return the switch with the mark of a drill that begins or ends; mode, evidence and eras stay as they are.

    >>> mark_drill(INITIAL, begins=True, note=Note("we try our webhooks", "operator", 60)).drill
    True

    Raises:
        TransitionRefused: A drill is under way already, or none is.
    """
    if switch.drill == begins:
        found = "a drill is under way already" if begins else "no drill is under way"
        raise TransitionRefused(f"{found}: `GET /v1/status` shows the switch")
    return dataclasses.replace(switch, epoch=switch.epoch + 1, drill=begins, drilled=note)


def _noted(switch: Switch, reason: str, by: str, at: int, evidence: Mapping[str, Any]) -> Switch:
    """Return the switch of the next epoch, with who changed it, why and when."""
    return dataclasses.replace(switch, epoch=switch.epoch + 1, reason=reason, by=by, at=at, evidence=dict(evidence))

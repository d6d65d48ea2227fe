"""The rules that a release has to meet before it is put into service again.

A release that served at a trip needs a PASS of the gate. Without one, an admin may put it back once in 30 days, for the
case that the evidence was wrong. A service that observes leaves OBSERVE after 14 days with labels, unless a trip blocks
it. A person may force what these rules forbid, with a reason; the audit trail keeps it.
"""

from typing import Final, Protocol

from antifraud.clock import DAY_SECONDS, day_of
from antifraud.errors import TransitionRefused

UNPROVED_DAYS: Final = 30
"""Days in which an admin may once put a release back that has tripped, without a PASS."""
OBSERVED_DAYS: Final = 14
"""Whole days with matured labels after which OBSERVE may be left."""
FORCE: Final = "or force it with a reason"


class History(Protocol):
    """The part of the switch that the rules ask about."""

    @property
    def mode(self) -> str:
        """The present mode."""

    @property
    def tripped(self) -> tuple[str, ...]:
        """Releases that served at a trip."""

    @property
    def unproved_at(self) -> int | None:
        """When a release that had tripped was last put back without a PASS."""

    @property
    def observed_at(self) -> int | None:
        """When OBSERVE began."""


def is_unproved(history: History, release: str | None, *, passed: bool) -> bool:
    """Return whether a release has tripped, and has not passed the gate since."""
    return release in history.tripped and not passed


def require_admissible(
    history: History, release: str | None, at: int, label_delay_days: int, *, passed: bool, forced: bool
) -> None:
    """Refuse to put a release into service at the time `at` if the evidence speaks against it.

    Raises:
        TransitionRefused: It does, and nobody forces it.
    """
    if forced:
        return
    unproved = is_unproved(history, release, passed=passed)
    if history.observed_at is not None:
        _require_observed(history, at, label_delay_days)
        if unproved:
            raise TransitionRefused(f"release {release} has tripped while it was observed: promote one that passes")
    elif unproved and history.unproved_at is not None and at < history.unproved_at + UNPROVED_DAYS * DAY_SECONDS:
        raise TransitionRefused(
            f"release {release} has tripped, and one that had was put back without a PASS less than {UNPROVED_DAYS} "
            f"days ago: promote a release that passes, {FORCE}"
        )


def _require_observed(history: History, at: int, label_delay_days: int) -> None:
    """Refuse to leave an observation that is too short, or was interrupted."""
    if history.mode != "OBSERVE":
        raise TransitionRefused(f"the service was suspended while it was observed: observe it again, {FORCE}")
    days = matured_days(history.observed_at or 0, at, label_delay_days)
    if days < OBSERVED_DAYS:
        raise TransitionRefused(
            f"{days} whole days of the observation have matured, {OBSERVED_DAYS} are needed: wait, {FORCE}"
        )


def matured_days(since: int, now: int, label_delay_days: int) -> int:
    """Return the number of whole days after `since` whose labels have come by `now`; both are UTC seconds.

    A day is closed when the label delay of its last second is over.

    >>> matured_days(12 * 3_600, 22 * DAY_SECONDS, 7), matured_days(12 * 3_600, 22 * DAY_SECONDS - 1, 7)
    (14, 13)
    """
    return max(0, day_of(now) - label_delay_days - 1 - day_of(since))

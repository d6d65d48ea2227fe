"""Shared by the calls for one decision and for a batch: collaborators, moment, and the problems of refusals."""

from typing import Final

from antifraud.errors import (
    AntifraudError,
    EventTimeRefused,
    NothingToServe,
    OtherPayload,
    StoreError,
    SwitchedOff,
    UnknownKey,
)
from serving.api.problems import Problem, not_ready, store_problem
from serving.decisions.decide import Decider, Moment
from serving.worker.services import Services

REFUSALS: Final = (SwitchedOff, OtherPayload, EventTimeRefused, UnknownKey, NothingToServe)
"""Errors of a decision that are no failures of the store."""


def decider_of(services: Services) -> Decider:
    """Return the collaborators of decisions.

    Raises:
        StoreError: The store is not open.
    """
    return Decider(services.store, lambda: services.loaded, services.choose, services.turns)


def moment_of(services: Services) -> Moment:
    """Return the time of a decision that is made now."""
    return Moment(services.clock.now(), services.settings.late_event_days, services.oldest_live_day)


def problem_of(services: Services, error: AntifraudError) -> Problem:
    """Return the problem that an error of a decision is for a client."""
    match error:
        case SwitchedOff():
            wait = {"Retry-After": str(services.settings.retry_after_seconds)}
            return Problem("suspended", str(error), headers=wait)
        case OtherPayload():
            return Problem("other-payload", str(error), "transaction_id")
        case EventTimeRefused():
            return Problem("invalid", str(error), "event_time")
        case UnknownKey():
            # The message begins with the name of the field.
            return Problem("unknown-key", str(error), str(error).partition(" ")[0])
        case NothingToServe():
            return not_ready(str(error))
        case StoreError():
            return store_problem(error)
    raise error

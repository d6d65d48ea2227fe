"""Shared by the calls for one decision and for a batch: collaborators, moment, and the problems of refusals."""

from typing import Final

from flask import g

from antifraud.errors import (
    AntifraudError,
    EventTimeRefused,
    NothingToServe,
    OtherPayload,
    StoreError,
    SwitchedOff,
    UnknownKey,
)
from antifraud.killswitch.machine import Switch
from serving.api.problems import Problem, not_ready, store_problem, suspended
from serving.decisions.decide import Decider, Moment
from serving.worker.loading import Loaded, Serving
from serving.worker.services import Services

REFUSALS: Final = (SwitchedOff, OtherPayload, EventTimeRefused, UnknownKey, NothingToServe)
"""Errors of a decision that are no failures of the store."""


def decider_of(services: Services) -> Decider:
    """Return the collaborators of decisions.

    Raises:
        StoreError: The store is not open.
    """

    def choose(loaded: Loaded, switch: Switch) -> Serving | None:
        # The header of the answer tells the switch that was decided by, and not an older one of the poller.
        g.switch = switch
        return services.choose(loaded, switch)

    return Decider(services.store, lambda: services.loaded, choose, services.turns)


def moment_of(services: Services) -> Moment:
    """Return the time of a decision that is made now."""
    return Moment(services.clock.now(), services.settings.late_event_days, services.oldest_live_day)


def problem_of(services: Services, error: AntifraudError) -> Problem:
    """Return the problem that an error of a decision is for a client."""
    match error:
        case SwitchedOff():
            return suspended(str(error), services)
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

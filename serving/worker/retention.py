"""The age at which the store forgets, and the removal in small steps between the requests of a worker."""

from typing import Final

from antifraud.clock import DAY_HOURS, DAY_SECONDS, HOUR_SECONDS, day_of
from antifraud.features.labels import DAYS_AHEAD
from serving.store.port import Horizon
from serving.worker.loading import State
from serving.worker.services import Services

GRACE_DAYS: Final = 3
"""Days after the label delay for which a shipped decision is kept, for late labels and repeats."""
COHORT_DAYS: Final = 60
"""Closed days whose counts and evidence are kept."""
RECORDS_A_STEP: Final = 100
STEPS_A_POLL: Final = 20


def remove_expired(services: Services) -> bool:
    """Remove what nobody needs, in small steps; the rest waits for the next poll. Return True.

    Raises:
        StoreError: The store cannot be used.
    """
    # The state says which labels it tells. Without a state nothing is removed.
    if services.loaded is not None:
        horizon = horizon_of(services, services.loaded.state)
        for _ in range(STEPS_A_POLL):
            if not services.store.remove_expired(horizon, RECORDS_A_STEP):
                break
    return True


def horizon_of(services: Services, state: State) -> Horizon:
    """Return the times before which nothing is needed any more."""
    settings, now = services.settings, services.clock.now()
    kept_days = max(settings.label_delay_days + GRACE_DAYS, settings.late_event_days)
    return Horizon(
        # An hour more, because an event may lie some minutes after its decision.
        decided_before=now - kept_days * DAY_SECONDS - HOUR_SECONDS,
        live_day=services.oldest_live_day,
        label_hour=oldest_label_hour(services, state),
        cohort_day=day_of(now) - settings.label_delay_days - COHORT_DAYS,
    )


def oldest_label_hour(services: Services, state: State) -> int:
    """Return the first hour of events with live labels that a decision of any worker can still count."""
    oldest_event = services.clock.now() // HOUR_SECONDS - services.settings.late_event_days * DAY_HOURS
    # Another worker may still decide with an older state, which brings fewer labels of the feed.
    cutoff = min(state.cutoff, services.oldest_live_day)
    return max(_first_hour(cutoff, state.label_delay_days, oldest_event), 0)


def first_counted_hour(state: State, hour: int) -> int:
    """Return the first hour of events with live labels that count in `hour`.

    From the hour after it is due, the feed's own label counts, which the state brings. Both would count twice. A state
    tells labels of the days up to its cut-off, if they are due at most `DAYS_AHEAD` days later.
    """
    return _first_hour(state.cutoff, state.label_delay_days, hour)


def _first_hour(cutoff: int, label_delay_days: int, hour: int) -> int:
    delay, first_live_hour = label_delay_days * DAY_HOURS, (cutoff + 1) * DAY_HOURS
    return min(hour - delay, first_live_hour, first_live_hour + DAYS_AHEAD * DAY_HOURS - delay)

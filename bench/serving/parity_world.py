"""The traffic of the parity bench: payments over a midnight, some of them late, and what becomes of them.

A payment's fields follow from its number, so that clients need not share a source of chance.
"""

import random
from dataclasses import dataclass
from typing import Any, Final

from antifraud.artifacts.state_export import Entity
from antifraud.clock import DAY_SECONDS, HOUR_SECONDS, day_of
from antifraud.features.buckets import LONGEST_WINDOW_DAYS, Buckets, bucket_of
from antifraud.features.labels import LabelHistory
from bench.serving.world import CUSTOMERS, CUTOFF, TERMINALS, labels_of, make_entities, tokens

MIDNIGHT: Final = (CUTOFF + 2) * DAY_SECONDS
"""End of the first of two days; the state of the first day's morning has the cut-off `CUTOFF`."""
FIRST, LAST = MIDNIGHT - 6 * HOUR_SECONDS, MIDNIGHT + 6 * HOUR_SECONDS
LATE_SHARE: Final = 0.02
LATE_SECONDS: Final = 4 * DAY_SECONDS
DECLINED_SHARE: Final = 0.01
RESTORED_SHARE: Final = 0.002
LABELLED_SHARE: Final = 0.01
HOT_SHARE: Final = 0.043
"""Share of the payments at one terminal, as in production."""
SPREAD_SECONDS: Final = 600
"""Payments arrive up to so many seconds after their time, in any order."""
_CUSTOMERS: Final = tokens("customer", CUSTOMERS)
_TERMINALS: Final = tokens("terminal", TERMINALS)
_TOKENS_WITH_LABELS: Final = frozenset(_TERMINALS)


@dataclass(frozen=True, slots=True)
class Payment:
    """A request, and what its client tells later: outcomes with their times, and a label or none."""

    body: dict[str, Any]
    outcomes: list[dict[str, Any]]
    label: dict[str, Any] | None


def time_of(number: int, count: int) -> int:
    """Return the business time at which a payment of so many is sent."""
    return FIRST + (LAST - FIRST) * number // count


def make_payment(number: int, count: int) -> Payment:
    """Return the payment with a number."""
    chance = random.Random(number)  # noqa: S311 reproducible traffic
    sent = time_of(number, count)
    is_late = chance.random() < LATE_SHARE
    time = sent - chance.randrange(LATE_SECONDS if is_late else SPREAD_SECONDS)
    is_hot = chance.random() < HOT_SHARE
    name = f"p-{number}"
    body = {
        "transaction_id": name,
        "event_time": time,
        "customer": chance.choice(_CUSTOMERS),
        "terminal": _TERMINALS[0] if is_hot else chance.choice(_TERMINALS),
        "amount": chance.randint(100, 500_000),
    }
    is_labelled, status = chance.random() < LABELLED_SHARE, chance.choice(("fraud", "legitimate"))
    label = {"transaction_id": name, "status": status, "learned_at": sent} if is_labelled else None
    return Payment(body, _outcomes_of(chance.random(), name, time), label)


def _outcomes_of(drawn: float, name: str, time: int) -> list[dict[str, Any]]:
    """Return no outcome of most payments, a decline of some, and its correction of a few."""
    said = ["declined"] if drawn < DECLINED_SHARE else []
    said += ["authorised"] if drawn < RESTORED_SHARE else []
    return [{"transaction_id": name, "outcome": each, "happened_at": time + at} for at, each in enumerate(said)]


def first_state() -> dict[str, Entity]:
    """Return the state before all payments."""
    return dict(make_entities())


def next_state(count: int, sent: int) -> dict[str, Entity]:
    """Return the state of the night: the first of so many payments are in it as far as their day has ended.

    The lake knows a payment that was declined until then; which state serves does not matter to a replay of the log.
    """
    cutoff = CUTOFF + 1
    days = {token: dict(entity.days) for token, entity in first_state().items()}
    hours: dict[str, dict[int, Any]] = {token: {} for token in days}
    for number in range(sent):
        body = make_payment(number, count).body
        time, payment = body["event_time"], bucket_of(body["event_time"], body["amount"])
        if day_of(time) == cutoff:
            for token in (body["customer"], body["terminal"]):
                _add(days[token], cutoff, payment)
                _add(hours[token], time // HOUR_SECONDS, payment)
    return {token: _entity(token, days[token], hours[token], cutoff) for token in days}


def _add(buckets: dict[int, Any], number: int, payment: Any) -> None:
    buckets[number] = buckets[number].plus(payment) if number in buckets else payment


def _entity(token: str, days: dict[int, Any], hours: dict[int, Any], cutoff: int) -> Entity:
    kept = {day: bucket for day, bucket in days.items() if day > cutoff - LONGEST_WINDOW_DAYS}
    labels = labels_of(cutoff) if token in _TOKENS_WITH_LABELS else LabelHistory(cutoff)
    return Entity(Buckets.of(kept), Buckets.of(hours), labels)

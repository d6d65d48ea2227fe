"""Notifications of changes of the switch, and their deliveries to subscribers.

A change of the switch queues one notification. The guard that leads turns it into a delivery for each subscriber. A
guard that was stopped for a while cannot undo what its successor has done: its environment is fenced by its lease.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from serving.store.environment import Environment
from serving.store.records import Delivery, pack, unpack_delivery
from serving.store.view import View

WAITING: Final = "outbox"
DEAD: Final = "dead"
SLASH: Final = b"/"
NOT_SUBSCRIBED: Final = "there is no such subscriber any more"


class Outbox:
    """The operations on notifications and deliveries, each in a transaction of its own."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def notifications(self) -> list[str]:
        """Return the notifications that have no deliveries yet, oldest first."""
        with self._environment.read() as view:
            return _read_notifications(view)

    def queue_notifications(self, subscribers: Sequence[str], now: float) -> None:
        """Turn each notification into a delivery to each subscriber; deliveries to others become dead letters."""
        self._environment.write(lambda view: _queue_notifications(view, subscribers, now))

    def deliveries(self) -> list[Delivery]:
        """Return all deliveries that wait, by subscriber, oldest first."""
        with self._environment.read() as view:
            return _read_deliveries(view, WAITING)

    def begin_attempt(self, delivery: Delivery, due: float) -> Delivery | None:
        """Count an attempt before it is made; return the delivery as it is now, or None if it has changed."""
        return self._environment.write(lambda view: _begin_attempt(view, delivery, due))

    def postpone(self, delivery: Delivery, due: float, reason: str) -> None:
        """Note when the next attempt is due, and why the last one failed."""
        self._environment.write(lambda view: _postpone(view, delivery, due, reason))

    def settle(self, delivery: Delivery, *, given_up_because: str | None) -> None:
        """Remove a delivery; one that was given up becomes a dead letter."""
        self._environment.write(lambda view: _settle(view, delivery, given_up_because))

    def dead_letters(self) -> list[Delivery]:
        """Return the deliveries that were given up, by subscriber, oldest first."""
        with self._environment.read() as view:
            return _read_deliveries(view, DEAD)

    def redeliver(self, letters: Sequence[Delivery], now: float) -> int:
        """Queue dead letters again; return how many there still were."""
        return self._environment.write(lambda view: _redeliver(view, letters, now))


def _read_notifications(view: View) -> list[str]:
    """Return the notifications that have no deliveries yet, oldest first."""
    return [name.decode() for name, _ in view.items(WAITING) if SLASH not in name]


def _read_deliveries(view: View, database: str) -> list[Delivery]:
    """Return deliveries that wait, or dead letters, by subscriber, oldest first."""
    return [unpack_delivery(text) for key, text in view.items(database) if SLASH in key]


def _queue_notifications(view: View, subscribers: Sequence[str], now: float) -> None:
    """Turn each notification into a delivery to each subscriber; deliveries to others become dead letters."""
    for name in _read_notifications(view):
        switch = view.get(WAITING, name.encode()) or b""
        for subscriber in subscribers:
            _put(view, WAITING, Delivery(subscriber, name, switch, queued_at=now, due=now))
        view.delete(WAITING, name.encode())
    for delivery in _read_deliveries(view, WAITING):
        if delivery.subscriber not in subscribers:
            _bury(view, delivery, NOT_SUBSCRIBED)


def _begin_attempt(view: View, delivery: Delivery, due: float) -> Delivery | None:
    """Count an attempt before it is made; return the delivery as it is now, or None if it has changed."""
    if _find(view, WAITING, delivery) != delivery:
        return None
    begun = msgspec.structs.replace(delivery, due=due, attempts=delivery.attempts + 1)
    _put(view, WAITING, begun)
    return begun


def _postpone(view: View, delivery: Delivery, due: float, reason: str) -> None:
    """Note when the next attempt is due, and why the last one failed."""
    if _find(view, WAITING, delivery) == delivery:
        _put(view, WAITING, msgspec.structs.replace(delivery, due=due, reason=reason))


def _settle(view: View, delivery: Delivery, given_up_because: str | None) -> None:
    """Remove a delivery; one that was given up becomes a dead letter."""
    if _find(view, WAITING, delivery) != delivery:
        return
    if given_up_because is None:
        view.delete(WAITING, _key(delivery))
    else:
        _bury(view, delivery, given_up_because)


def _redeliver(view: View, letters: Iterable[Delivery], now: float) -> int:
    """Queue dead letters again, as if they were new; return how many there still were."""
    found = [letter for letter in letters if _find(view, DEAD, letter) is not None]
    for letter in found:
        view.delete(DEAD, _key(letter))
        _put(view, WAITING, Delivery(letter.subscriber, letter.notification, letter.switch, queued_at=now, due=now))
    return len(found)


def count_by_subscriber(deliveries: Iterable[Delivery]) -> Iterator[tuple[str, int, float]]:
    """Yield each subscriber with the number of its deliveries, and when the oldest was queued."""
    by_subscriber: dict[str, list[float]] = {}
    for delivery in deliveries:
        by_subscriber.setdefault(delivery.subscriber, []).append(delivery.queued_at)
    for subscriber, queued in by_subscriber.items():
        yield subscriber, len(queued), min(queued)


def _find(view: View, database: str, delivery: Delivery) -> Delivery | None:
    text = view.get(database, _key(delivery))
    return unpack_delivery(text) if text else None


def _put(view: View, database: str, delivery: Delivery) -> None:
    view.put(database, _key(delivery), pack(delivery))


def _bury(view: View, delivery: Delivery, reason: str) -> None:
    view.delete(WAITING, _key(delivery))
    _put(view, DEAD, msgspec.structs.replace(delivery, reason=reason))


def _key(delivery: Delivery) -> bytes:
    # No name of a subscriber has a slash.
    return delivery.subscriber.encode() + SLASH + delivery.notification.encode()

"""Notifications of changes of the switch, their deliveries to subscribers, and the lease of the one guard that sends.

A change of the switch queues one notification. The sending guard turns it into a delivery for each subscriber. Every
change of a delivery names the epoch of the guard's lease, so a guard that was stopped for a while cannot undo what its
successor has done.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from serving.store.lmdb import Environment
from serving.store.records import Delivery, pack, unpack_delivery
from serving.store.view import View

WAITING: Final = "outbox"
DEAD: Final = "dead"
SLASH: Final = b"/"
NOT_SUBSCRIBED: Final = "there is no such subscriber any more"
_LEASE: Final = b"lease"
_NO_LEASE: Final = {"holder": "", "epoch": 0, "until": 0.0}


class Outbox:
    """The operations on notifications and deliveries, each in a transaction of its own."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def notifications(self) -> list[str]:
        """Return the notifications that have no deliveries yet, oldest first."""
        with self._environment.read() as view:
            return _read_notifications(view)

    def take_lease(self, holder: str, now: float, seconds: float) -> int | None:
        """Take or renew the right to send; return its epoch, or None while another holds it."""
        return self._environment.write(lambda view: _take_lease(view, holder, now, seconds))

    def end_lease(self, epoch: int) -> None:
        """Give the right to send back."""
        self._environment.write(lambda view: _end_lease(view, epoch))

    def queue_notifications(self, epoch: int, subscribers: Sequence[str], now: float) -> None:
        """Turn each notification into a delivery to each subscriber; deliveries to others become dead letters."""
        self._environment.write(lambda view: _queue_notifications(view, epoch, subscribers, now))

    def deliveries(self) -> list[Delivery]:
        """Return all deliveries that wait, by subscriber, oldest first."""
        with self._environment.read() as view:
            return _read_deliveries(view, WAITING)

    def begin_attempt(self, epoch: int, delivery: Delivery, due: float) -> Delivery | None:
        """Count an attempt before it is made; return the delivery as it is now, or None if it has changed."""
        return self._environment.write(lambda view: _begin_attempt(view, epoch, delivery, due))

    def postpone(self, epoch: int, delivery: Delivery, due: float, reason: str) -> None:
        """Note when the next attempt is due, and why the last one failed."""
        self._environment.write(lambda view: _postpone(view, epoch, delivery, due, reason))

    def settle(self, epoch: int, delivery: Delivery, *, given_up_because: str | None) -> None:
        """Remove a delivery; one that was given up becomes a dead letter."""
        self._environment.write(lambda view: _settle(view, epoch, delivery, given_up_because))

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


def _take_lease(view: View, holder: str, now: float, seconds: float) -> int | None:
    """Take or renew the lease; return its epoch, or None while another holds it."""
    lease = _read_lease(view)
    # An end that lies too far ahead comes from a clock that was set back since, and binds nobody.
    runs = now < lease["until"] <= now + seconds
    if runs and lease["holder"] != holder:
        return None
    epoch = int(lease["epoch"]) if runs else int(lease["epoch"]) + 1
    _put_lease(view, {"holder": holder, "epoch": epoch, "until": now + seconds})
    return epoch


def _end_lease(view: View, epoch: int) -> None:
    """End the lease if it is still that of `epoch`."""
    if _is_current(view, epoch):
        _put_lease(view, {**_read_lease(view), "until": 0.0})


def _queue_notifications(view: View, epoch: int, subscribers: Sequence[str], now: float) -> None:
    """Turn each notification into a delivery to each subscriber; deliveries to others become dead letters."""
    if not _is_current(view, epoch):
        return
    for name in _read_notifications(view):
        switch = view.get(WAITING, name.encode()) or b""
        for subscriber in subscribers:
            _put(view, WAITING, Delivery(subscriber, name, switch, queued_at=now, due=now))
        view.delete(WAITING, name.encode())
    for delivery in _read_deliveries(view, WAITING):
        if delivery.subscriber not in subscribers:
            _bury(view, delivery, NOT_SUBSCRIBED)


def _begin_attempt(view: View, epoch: int, delivery: Delivery, due: float) -> Delivery | None:
    """Count an attempt before it is made; return the delivery as it is now, or None if it has changed."""
    if not _is_current(view, epoch) or _find(view, WAITING, delivery) != delivery:
        return None
    begun = msgspec.structs.replace(delivery, due=due, attempts=delivery.attempts + 1)
    _put(view, WAITING, begun)
    return begun


def _postpone(view: View, epoch: int, delivery: Delivery, due: float, reason: str) -> None:
    """Note when the next attempt is due, and why the last one failed."""
    if _is_current(view, epoch) and _find(view, WAITING, delivery) == delivery:
        _put(view, WAITING, msgspec.structs.replace(delivery, due=due, reason=reason))


def _settle(view: View, epoch: int, delivery: Delivery, given_up_because: str | None) -> None:
    """Remove a delivery; one that was given up becomes a dead letter."""
    if not _is_current(view, epoch) or _find(view, WAITING, delivery) != delivery:
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


def _read_lease(view: View) -> dict[str, Any]:
    text = view.get("meta", _LEASE)
    return dict(json.loads(text)) if text else dict(_NO_LEASE)


def _put_lease(view: View, lease: dict[str, Any]) -> None:
    view.put("meta", _LEASE, json.dumps(lease).encode())


def _is_current(view: View, epoch: int) -> bool:
    return bool(_read_lease(view)["epoch"] == epoch)


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

"""The courier: a thread of the guard that sends every change of the switch to all subscribers, with retries.

The transaction that changes the switch also writes the notification, so a crash in between loses none. Delivery is at
least once; the id lets a subscriber drop a repeat. Each subscriber has one attempt at a time, so none delays another.
The schedule is in the decision store, so a restart goes on with it. If several guards run, the holder of a lease sends.
"""

import asyncio
import json
import random
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any, Final

from antifraud.errors import CourierFailed, NotTaken, StoreError
from antifraud.keys.endpoints import Network
from antifraud.keys.subscribers import Subscriber, Subscribers
from serving.guard.events import CHANGED, build_event, sign
from serving.guard.schedule import ATTEMPT_SECONDS, is_due, is_over, pause_after
from serving.guard.sending import send
from serving.logs import raised_at
from serving.store.port import Outbox
from serving.store.records import Delivery

IDLE_SECONDS: Final = 0.2
LEASE_SECONDS: Final = 10.0
RENEW_SECONDS: Final = 3.0


class Courier:
    """Delivers notifications, in a thread of its own so that it never holds up an inspection."""

    def __init__(
        self,
        outbox: Outbox,
        subscribers: Callable[[], Subscribers],
        networks: Sequence[Network],
        log: Any,
        pause: Callable[[int, float], float] = pause_after,
    ) -> None:
        """Prepare for delivery; `subscribers` is asked before every round."""
        self._outbox, self._subscribers, self._networks, self._log = outbox, subscribers, networks, log
        self._pause, self._holder = pause, uuid.uuid4().hex
        self._epoch: int | None = None
        self._renew_at, self._trouble = 0.0, ""
        self._attempts: dict[str, asyncio.Task[None]] = {}
        self._stop = threading.Event()
        self._failure: CourierFailed | None = None

    def start(self, on_failure: Callable[[], object]) -> None:
        """Begin delivering; `on_failure` is called if the thread ends by a defect."""
        self._thread = threading.Thread(target=self._run, args=(on_failure,), name="courier", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop at once, also in the middle of an attempt; undelivered notifications stay in the outbox."""
        self._stop.set()
        self._thread.join()

    def require_alive(self) -> None:
        """Refuse to go on without the thread.

        Raises:
            CourierFailed: A defect has ended the thread.
        """
        if self._failure:
            raise self._failure

    def _run(self, on_failure: Callable[[], object]) -> None:
        try:
            asyncio.run(self._deliver_until_stopped())
        except Exception as error:  # noqa: BLE001 whatever it is, the process must not go on in silence
            # Only type and place are logged: a library may have put a URL into the message.
            self._log.error("courier failed", error=type(error).__name__, where=raised_at(error))
            self._failure = CourierFailed(f"the courier ended by a defect ({type(error).__name__}): start the guard")
            on_failure()

    async def _deliver_until_stopped(self) -> None:
        try:
            while not self._stop.is_set():
                self.begin_round(time.time())
                await asyncio.sleep(IDLE_SECONDS)
                self._collect()
        finally:
            for task in self._attempts.values():
                task.cancel()
            await asyncio.gather(*self._attempts.values(), return_exceptions=True)
            self._end_lease()

    def begin_round(self, now: float) -> None:
        """Begin an attempt for every subscriber that has none and has a delivery that is due."""
        try:
            if self._holds_lease(now):
                self._begin_attempts(now)
            # An attempt that has just begun may meet the same trouble as the last one.
            self._trouble = self._trouble if self._attempts else ""
        except StoreError as error:
            self._note_trouble(error)

    def _note_trouble(self, error: StoreError) -> None:
        """Log a trouble with the store when it begins, and not in every round."""
        if str(error) != self._trouble:
            self._log.error("outbox not usable", reason=str(error))
        self._trouble = str(error)

    def _holds_lease(self, now: float) -> bool:
        # A clock that was set back must not delay the renewal.
        if self._epoch is None or not 0 < self._renew_at - now <= RENEW_SECONDS:
            self._epoch = self._outbox.take_lease(self._holder, now, LEASE_SECONDS)
            self._renew_at = now + RENEW_SECONDS
        return self._epoch is not None

    def _end_lease(self) -> None:
        try:
            if self._epoch is not None:
                self._outbox.end_lease(self._epoch)
        except StoreError as error:
            self._log.error("outbox not usable", reason=str(error))

    def _begin_attempts(self, now: float) -> None:
        subscribers, waiting = self._subscribers(), self._outbox.deliveries()
        if self._outbox.notifications() or any(each.subscriber not in subscribers for each in waiting):
            self._queue(subscribers, now)
            waiting = self._outbox.deliveries()
        for delivery in waiting:
            subscriber = subscribers.get(delivery.subscriber)
            if subscriber and subscriber.name not in self._attempts and is_due(delivery, now):
                task = asyncio.get_running_loop().create_task(self._attempt(subscriber, delivery, now))
                self._attempts[subscriber.name] = task

    def _queue(self, subscribers: Subscribers, now: float) -> None:
        assert self._epoch is not None  # noqa: S101 tells mypy that the lease is held
        if not subscribers:
            self._log.info("nobody to tell", notifications=self._outbox.notifications())
        self._outbox.queue_notifications(self._epoch, list(subscribers), now)

    def _collect(self) -> None:
        """Forget attempts that have ended; one that a defect has ended raises it."""
        for name, task in list(self._attempts.items()):
            if task.done():
                del self._attempts[name]
                task.result()

    async def _attempt(self, subscriber: Subscriber, delivery: Delivery, now: float) -> None:
        """Try a delivery once, and note what has come of it."""
        epoch = self._epoch
        try:
            if epoch is None:
                return
            pause = self._pause(delivery.attempts + 1, random.random())  # noqa: S311 no secret depends on it
            # The next attempt is scheduled before this one: whoever comes after a crash keeps the schedule.
            begun = self._outbox.begin_attempt(epoch, delivery, now + ATTEMPT_SECONDS + pause)
            if begun is not None:
                await self._send(epoch, subscriber, begun, pause)
        except StoreError as error:
            self._note_trouble(error)

    async def _send(self, epoch: int, subscriber: Subscriber, delivery: Delivery, pause: float) -> None:
        switch = json.loads(delivery.switch)
        body = build_event(delivery.notification, CHANGED, switch["at"], switch)
        headers = sign(subscriber.secrets, delivery.notification, body, time.time())
        named = {"notification": delivery.notification, "subscriber": subscriber.name, "attempt": delivery.attempts}
        try:
            await send(subscriber, headers, body, self._networks)
        except NotTaken as error:
            due = time.time() + pause
            if is_over(delivery, due):
                self._log.error("webhook given up", **named, reason=str(error))
                self._outbox.settle(epoch, delivery, given_up_because=str(error))
            else:
                self._log.warning("webhook not taken", **named, reason=str(error), seconds_to_next=round(pause))
                self._outbox.postpone(epoch, delivery, due, str(error))
        else:
            self._log.info("webhook delivered", **named)
            self._outbox.settle(epoch, delivery, given_up_because=None)

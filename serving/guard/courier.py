"""The courier: a thread of the guard that sends every change of the switch to all subscribers, with retries.

The transaction that changes the switch also writes the notification, so a crash in between loses none. Delivery is at
least once; the id lets a subscriber drop a repeat. Each subscriber has one attempt at a time, so none delays another.
The schedule is in the decision store, so a restart goes on with it. If several guards run, the one that leads sends.
"""

import asyncio
import json
import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from antifraud.errors import CourierFailed, NotLeading, NotTaken, StoreError
from antifraud.keys.endpoints import Network
from antifraud.keys.subscribers import Subscriber, Subscribers
from serving.guard.events import event_of, sign
from serving.guard.schedule import ATTEMPT_SECONDS, is_due, is_over, pause_after
from serving.guard.sending import send
from serving.logs import raised_at
from serving.store.guard_port import Outbox
from serving.store.port import DecisionStore
from serving.store.records import Delivery

IDLE_SECONDS: Final = 0.2


class Courier:
    """Delivers notifications, in a thread of its own so that it never holds up an inspection."""

    def __init__(
        self,
        leading: Callable[[], DecisionStore | None],
        subscribers: Callable[[], Subscribers],
        networks: Sequence[Network],
        log: Any,
        pause: Callable[[int, float], float] = pause_after,
    ) -> None:
        """Prepare for delivery; `leading` and `subscribers` are asked before every round."""
        self._leading, self._subscribers, self._networks, self._log = leading, subscribers, networks, log
        self._pause, self._trouble = pause, ""
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

    def begin_round(self, now: float) -> None:
        """Begin an attempt for every subscriber that has none and has a delivery that is due."""
        try:
            # None while another guard leads.
            if (led := self._leading()) is not None:
                self._begin_attempts(led.outbox, now)
            # An attempt that has just begun may meet the same trouble as the last one.
            self._trouble = self._trouble if self._attempts else ""
        except StoreError as error:
            self._note_trouble(error)

    def _note_trouble(self, error: StoreError) -> None:
        """Log a trouble with the store when it begins, and not in every round."""
        # The main loop tells that another guard leads.
        if isinstance(error, NotLeading):
            return
        if str(error) != self._trouble:
            self._log.error("outbox not usable", reason=str(error))
        self._trouble = str(error)

    def _begin_attempts(self, outbox: Outbox, now: float) -> None:
        subscribers, waiting = self._subscribers(), outbox.deliveries()
        if outbox.notifications() or any(each.subscriber not in subscribers for each in waiting):
            self._queue(outbox, subscribers, now)
            waiting = outbox.deliveries()
        for delivery in waiting:
            subscriber = subscribers.get(delivery.subscriber)
            if subscriber and subscriber.name not in self._attempts and is_due(delivery, now):
                task = asyncio.get_running_loop().create_task(self._attempt(outbox, subscriber, delivery, now))
                self._attempts[subscriber.name] = task

    def _queue(self, outbox: Outbox, subscribers: Subscribers, now: float) -> None:
        if not subscribers:
            self._log.info("nobody to tell", notifications=outbox.notifications())
        outbox.queue_notifications(list(subscribers), now)

    def _collect(self) -> None:
        """Forget attempts that have ended; one that a defect has ended raises it."""
        for name, task in list(self._attempts.items()):
            if task.done():
                del self._attempts[name]
                task.result()

    async def _attempt(self, outbox: Outbox, subscriber: Subscriber, delivery: Delivery, now: float) -> None:
        """Try a delivery once, and note what has come of it."""
        try:
            pause = self._pause(delivery.attempts + 1, random.random())  # noqa: S311 no secret depends on it
            # The next attempt is scheduled before this one: whoever comes after a crash keeps the schedule.
            begun = outbox.begin_attempt(delivery, now + ATTEMPT_SECONDS + pause)
            if begun is not None:
                await self._send(outbox, subscriber, begun, pause)
        except StoreError as error:
            self._note_trouble(error)

    async def _send(self, outbox: Outbox, subscriber: Subscriber, delivery: Delivery, pause: float) -> None:
        body = event_of(delivery.notification, json.loads(delivery.switch))
        headers = sign(subscriber.secrets, delivery.notification, body, time.time())
        named = {"notification": delivery.notification, "subscriber": subscriber.name, "attempt": delivery.attempts}
        try:
            await send(subscriber, headers, body, self._networks)
        except NotTaken as error:
            due = time.time() + pause
            if is_over(delivery, due):
                self._log.error("webhook given up", **named, reason=str(error))
                outbox.settle(delivery, given_up_because=str(error))
            else:
                self._log.warning("webhook not taken", **named, reason=str(error), seconds_to_next=round(pause))
                outbox.postpone(delivery, due, str(error))
        else:
            self._log.info("webhook delivered", **named)
            outbox.settle(delivery, given_up_because=None)

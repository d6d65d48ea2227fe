"""Which guard leads: it renews the lease, or waits until the holder has been silent for long enough.

Only the main loop renews. If inspections hang, the lease ends with them, and a standby guard takes over. A guard that
was stopped and wakes up may still believe that it leads: the store refuses all its changes by their epoch.
"""

import threading
import time
import uuid
from collections.abc import Callable
from typing import Any, Final

from antifraud.errors import NotLeading, StoreError
from serving.store.port import DecisionStore
from serving.store.records import Lease

RENEWALS: Final = 5
"""Renewals within the time after which a silent holder loses the lease."""


class Leader:
    """The share of one guard process in the lease; `seconds` is how long a holder may be silent."""

    def __init__(
        self, store: DecisionStore, seconds: float, log: Any, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store, self._seconds, self._log, self._clock = store, seconds, log, clock
        self._holder = uuid.uuid4().hex
        self._seen, self._seen_at = Lease(), clock()
        self._led: DecisionStore | None = None
        # The courier asks from a thread of its own.
        self._lock = threading.Lock()

    @property
    def pause(self) -> float:
        """The longest pause between two renewals."""
        return self._seconds / RENEWALS

    @property
    def led(self) -> DecisionStore | None:
        """The store for the changes of this guard; None while another guard leads."""
        with self._lock:
            return self._led

    def renew(self) -> DecisionStore | None:
        """Take or renew the lease if that is due, and return the store for changes; None while another guard leads.

        Raises:
            StoreError: The store cannot be used.
        """
        lease, now = self._store.lease.read(), self._clock()
        if lease != self._seen:
            self._seen, self._seen_at = lease, now
        if lease.holder != self._holder:
            self._lead(None)
        if self._may_take(lease, now - self._seen_at):
            taken = self._store.lease.take(self._holder, lease)
            self._seen, self._seen_at = taken or lease, now
            self._lead(taken)
        return self.led

    def resign(self) -> None:
        """Give the lease back at the end."""
        led, self._led = self._led, None
        if led is None:
            return
        try:
            self._store.lease.end(self._seen.epoch)
        except StoreError as error:
            self._log.error("lease not given back", reason=str(error))

    def give_way(self, error: NotLeading) -> None:
        """Note that the store has refused a change, because another guard leads."""
        self._log.warning("another guard leads", reason=str(error))
        self._lead(None)

    def _may_take(self, lease: Lease, silent: float) -> bool:
        if lease.holder == self._holder:
            return self._led is None or silent >= self.pause
        return not lease.holder or silent >= self._seconds

    def _lead(self, lease: Lease | None) -> None:
        with self._lock:
            before = self._led
            if lease is None:
                self._led = None
            elif before is None or lease.renewals == 0:
                self._led = self._store.led_by(lease.epoch)
            after = self._led
        if (before is None) != (after is None):
            self._log.info("leads" if after else "stands by", epoch=self._seen.epoch)

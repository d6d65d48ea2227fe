"""The scorer's kind of Gunicorn worker: a handover at a reload, and health checks that never wait.

Gunicorn's watch over a worker begins with its first sign of life, after loading, so a large state kills no worker. The
worker's main thread then gives the sign once a second, also while all requests wait for something.
"""

import math
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from serving.worker.buffering import BufferingWorker
from serving.worker.connection import Connection
from serving.worker.handover import Handover

HANDOVER: Final = Handover()
HANDOVER_SECONDS: Final = 60.0
"""So long does an old worker wait for new ones that cannot decide; then it leaves nevertheless."""
LOOK_SECONDS: Final = 0.25
LAST_REQUEST_SECONDS: Final = 1.0
"""So long does a leaving worker keep idle connections, for requests that are on their way."""
QUICK: Final = (b"GET /healthz", b"GET /metrics")
"""Requests that never touch the store, so they have a thread of their own."""


class ScorerWorker(BufferingWorker):
    """A worker with threads that takes its leave only when others can decide."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._leave_by: float | None = None
        self._close_idle_at = math.inf
        self._quick_pool = ThreadPoolExecutor(max_workers=1)  # it starts its thread after the fork, with its first task

    def handle_exit(self, sig: int, frame: Any) -> None:  # noqa: ARG002 a signal handler has these two
        """Leave: at once while loading, else when `notify` finds that nothing depends on this worker."""
        if not self.booted:
            sys.exit(0)
        if self._leave_by is None:
            self._leave_by = time.monotonic() + HANDOVER_SECONDS
        # The loop may be waiting for a request: wake it up.
        self.method_queue.defer(lambda: None)

    def notify(self) -> None:
        """Give the sign of life, which Gunicorn's loop does at least once a second, and take part in the handover."""
        super().notify()
        if self._can_decide():
            HANDOVER.report_ready(self.age)
        if self._leave_by is not None and not self._must_stay(self._leave_by):
            self._close_idle_at, self.alive = time.monotonic() + LAST_REQUEST_SECONDS, False

    def is_parent_alive(self) -> bool:
        """Return whether the master lives; a worker without one leaves at once, so that a new master can listen."""
        if super().is_parent_alive():
            return True
        self.set_accept_enabled(False)
        for listener in self.sockets:
            listener.close()
        self._leave_by = self._close_idle_at = time.monotonic()
        self.alive = False
        return False

    def _must_stay(self, leave_by: float) -> bool:
        return self._can_decide() and time.monotonic() < leave_by and HANDOVER.must_wait(self.age)

    def _can_decide(self) -> bool:
        return bool(self.wsgi.extensions["antifraud"].can_decide)

    def enqueue_req(self, conn: Connection) -> None:
        """Give a request to a thread: health checks have one of their own, as others may all wait for the store."""
        pool = self._quick_pool if conn.request.startswith(QUICK) else self.tpool
        future = pool.submit(self.handle, conn)
        future.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, conn, done))

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Dispatch events, but look around again soon while leaving."""
        super().wait_for_and_dispatch_events(timeout if self._leave_by is None else min(timeout, LOOK_SECONDS))

    def murder_keepalived(self) -> None:
        """Close connections that have been idle for too long, and soon all idle ones of a leaving worker."""
        self._shorten(self.keepalived_conns)
        super().murder_keepalived()

    def murder_pending(self) -> None:
        """Close connections that have sent nothing for too long, and soon all silent ones of a leaving worker."""
        self._shorten(self.pending_conns)
        super().murder_pending()

    def _shorten(self, connections: Iterable[Connection]) -> None:
        if not self.alive:
            for connection in connections:
                connection.timeout = min(connection.timeout, self._close_idle_at)

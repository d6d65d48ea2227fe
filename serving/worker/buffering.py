"""A Gunicorn worker whose threads never wait for a client: its main thread gathers requests and closes connections.

Every error before Flask is answered as a problem, and nothing of the request is logged or repeated.
"""

import selectors
import socket
import time
from collections import deque
from collections.abc import Iterator
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from gunicorn.config import Config
from gunicorn.errors import ConfigError
from gunicorn.workers.gthread import ThreadWorker

from serving.logs import raised_at
from serving.worker.connection import Connection, Lingering
from serving.worker.intake import Intake
from serving.worker.refusals import INTERNAL, Refused, refusal_of
from serving.worker.request_id import find_request_id
from serving.worker.state_header import StateHeader

if TYPE_CHECKING:
    # Not imported by the master: prometheus-client chooses its mode before `on_starting` names the folder.
    from serving.worker.services import Services

BATCH_PATH: Final = b"/v1/decisions/batch"
HANDLED: Final[ContextVar[bytes]] = ContextVar("handled", default=b"")
"""The request of this thread. Gunicorn reports an error without its request, if it could not be parsed."""


class BufferingWorker(ThreadWorker):  # type: ignore[misc]  # Gunicorn has no types
    """A worker with threads, in which only complete requests take a thread."""

    @classmethod
    def check_config(cls, cfg: Config, log: Any) -> None:
        """Refuse a certificate: bytes are gathered before they could be decrypted.

        Raises:
            ConfigError: There is one.
        """
        super().check_config(cfg, log)
        if cfg.is_ssl:
            raise ConfigError("the scorer has no TLS of its own: leave the certificate to the proxy of infra/proxy")

    def init_process(self) -> None:
        """Prepare what must not be shared with other workers, then run."""
        self._lingering: Lingering | None = None
        self._state = StateHeader()
        super().init_process()

    @property
    def services(self) -> "Services":
        """The collaborators of the app."""
        return cast("Services", self.wsgi.extensions["antifraud"])

    @property
    def lingering(self) -> Lingering:
        """The connections that have had their last answer."""
        if self._lingering is None:
            self._lingering = Lingering(self.poller)
        return self._lingering

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection and wait for its first request without holding a thread."""
        try:
            client, address = listener.accept()
        except OSError:  # another worker was faster, the client has gone, or there are too many open files
            return
        self.nr_conns += 1
        if self.nr_conns >= self.worker_connections:
            self._drop_oldest()
        settings = self.services.settings
        intake = Intake(settings.max_body_bytes, {BATCH_PATH: settings.max_batch_bytes})
        server = listener.getsockname()
        if isinstance(server, str):
            # A socket in the file system. Gunicorn would take the server's name from the client's Host.
            server = (server, "")
        self._wait(Connection(self.cfg, client, address, server, intake=intake, lingering=self.lingering))

    def _drop_oldest(self) -> None:
        """Make room for a new connection: silent clients must not keep others out."""
        for waiting in (self.pending_conns, self.keepalived_conns):
            if waiting:
                connection = waiting.popleft()
                self.poller.unregister(connection.sock)
                self.nr_conns -= 1
                connection.close()
                return

    def _wait(self, connection: Connection) -> None:
        """Wait for a request, or for the rest of one, for a limited time."""
        connection.set_timeout()
        self.pending_conns.append(connection)
        readable = partial(self.on_pending_socket_readable, connection)
        self.poller.register(connection.sock, selectors.EVENT_READ, readable)

    def on_pending_socket_readable(self, conn: Connection, client: socket.socket) -> None:  # noqa: ARG002 see super
        """Receive more of a first request, or of one that was begun."""
        self._receive(conn, self.pending_conns)

    def on_client_socket_readable(self, conn: Connection, client: socket.socket) -> None:  # noqa: ARG002 see super
        """Receive the next request of a client that has had an answer."""
        self._receive(conn, self.keepalived_conns)

    def _receive(self, connection: Connection, waiting: deque[Connection]) -> None:
        refusal = None
        try:
            is_over = connection.gather()
        except Refused as error:
            is_over, refusal = True, error
        # The time for a request begins with its first byte, and no later byte prolongs it.
        if not is_over and waiting is self.pending_conns:
            return
        self.poller.unregister(connection.sock)
        waiting.remove(connection)
        if refusal:
            self._refuse(connection, refusal)
        elif connection.request and not connection.has_unread_answers:
            self.enqueue_req(connection)
        elif is_over:
            self.nr_conns -= 1
            connection.close()
        else:
            self._wait(connection)

    def _refuse(self, connection: Connection, refusal: Refused) -> None:
        request_id = find_request_id(connection.intake.peek())
        self._note(refusal, request_id)
        connection.send(self._spell(refusal, request_id))
        self.nr_conns -= 1
        connection.close(graceful=True)

    def _spell(self, refusal: Refused, request_id: str) -> bytes:
        return refusal.to_http(request_id, self._state.text(self.services))

    def _note(self, refusal: Refused, request_id: str) -> None:
        self.services.metrics.problems.labels(refusal.kind).inc()
        self.services.log.info("refused", request_id=request_id, problem=refusal.kind)

    def handle(self, conn: Connection) -> Any:
        """Handle a request in a thread, which remembers it."""
        HANDLED.set(conn.request)
        return super().handle(conn)

    def finish_request(self, conn: Connection, fs: Any) -> None:
        """Wait for the next request, which may be here already: its socket may never become readable again."""
        super().finish_request(conn, fs)
        if len(conn.intake) and self.keepalived_conns and self.keepalived_conns[-1] is conn:
            self._receive(conn, self.keepalived_conns)

    def murder_pending(self) -> None:
        """Close connections that were silent for too long, and refuse requests that came too slowly."""
        for connection in self._pop_late():
            if len(connection.intake):
                self._refuse(connection, Refused("request-timeout", "the request came too slowly: send it again"))
            else:
                self.nr_conns -= 1
                connection.close()
        self.lingering.close_late()

    def _pop_late(self) -> Iterator[Connection]:
        while self.pending_conns and self.pending_conns[0].timeout <= time.monotonic():
            connection = self.pending_conns.popleft()
            self.poller.unregister(connection.sock)
            yield connection

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:  # noqa: ARG002
        """Answer a request that Gunicorn could not parse, or that the app could not answer, with a problem."""
        refusal, request_id = refusal_of(exc), find_request_id(HANDLED.get())
        if refusal.kind == INTERNAL:
            error, where = type(exc).__name__, raised_at(exc)
            self.services.log.error("unexpected", request_id=request_id, error=error, where=where)
        self._note(refusal, request_id)
        try:
            client.sendall(self._spell(refusal, request_id))
        except OSError:
            self.log.debug("The client has gone")

"""JSON logs, one object a line. Every logged field is chosen by name: never a body, a path, a token or an id."""

import json
import logging
import os
import select
import threading
from collections.abc import Callable
from typing import Any, Final

import structlog

STDOUT: Final = 1
# Made once: `json.dumps` makes a new one for each line with a fallback.
_encoder: Final = json.JSONEncoder(default=repr)
LONGEST_WRITE: Final = select.PIPE_BUF
"""A pipe that is ready takes so many bytes without making the writer wait, and never mixes them with another's."""


class LineWriter:
    """Writes whole lines to a file descriptor, and drops a line that it does not take: a log never fails a request.

    Lines go to the descriptor without a buffer, because a buffer would keep a dropped line and write half of it later.
    """

    def __init__(self, descriptor: int, on_drop: Callable[[], object]) -> None:
        self._descriptor, self._on_drop = descriptor, on_drop
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self._lock = threading.Lock()
        self._is_cut = False

    def msg(self, line: str) -> None:
        """Write a line, or count it as dropped."""
        with self._lock:
            # After a line that was cut, the next one begins on a line of its own.
            text = ("\n" if self._is_cut else "") + line + "\n"
            if not self._write(text.encode()):
                self._on_drop()

    log = debug = info = warning = error = critical = msg

    def _write(self, content: bytes) -> bool:
        whole = len(content)
        try:
            while content:
                if not self._is_ready():
                    break
                written = os.write(self._descriptor, content[:LONGEST_WRITE])
                content = content[written:]
        except OSError:  # a full disk, a closed pipe
            return self._note(whole, len(content))
        return self._note(whole, len(content))

    def _note(self, whole: int, left: int) -> bool:
        if left < whole:
            self._is_cut = left > 0
        return left == 0

    def _is_ready(self) -> bool:
        """Return whether a write would not wait: nobody may be reading the other end of a pipe."""
        return bool(self._poll.poll(0))


def json_logger(process: str, on_drop: Callable[[], object] = lambda: None) -> Any:
    """Return a logger to standard output that names the `process` in every line.

    `on_drop` is called for each line that standard output does not take.
    """
    logger = structlog.wrap_logger(
        LineWriter(STDOUT, on_drop),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(lambda fields, **_: _encoder.encode(fields)),
        ],
        # Its methods are made once for each level; those of the default are looked up for each line.
        wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET),
    )
    # Bound once: an unbound logger puts itself together anew for every line.
    return logger.bind(process=process)


def raised_at(error: BaseException) -> str:
    """Return the place where an error was raised. It is logged instead of the message, which may hold a value."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""

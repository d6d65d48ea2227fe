"""Gunicorn's own log, without what it would quote of requests."""

import sys
from typing import Any

from gunicorn.glogging import Logger

from serving.logs import raised_at


class QuietLogger(Logger):  # type: ignore[misc]  # Gunicorn has no types
    """Gunicorn's log of its processes. The app logs requests: Gunicorn would log paths and malformed headers."""

    def debug(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Log nothing: Gunicorn's debug lines repeat parts of requests."""

    def access(self, resp: Any, req: Any, environ: Any, request_time: Any) -> None:
        """Log nothing: the app does."""

    def exception(self, msg: str, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002 the values may be of a request
        """Log the type and the place of the error under way, as its message may repeat a part of a request."""
        error = sys.exception()
        where = raised_at(error) if error else ""
        # The message is a pattern such as "Error handling request %s", so it goes without its values.
        self.error("%s: %s at %s", msg.partition("%")[0].strip(), type(error).__name__, where)

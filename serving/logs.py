"""JSON logs, one object a line. Every logged field is chosen by name: never a body, a path, a token or an id."""

import sys
from typing import Any

import structlog


def json_logger(process: str) -> Any:
    """Return a logger to standard output that names the `process` in every line."""
    logger = structlog.wrap_logger(
        structlog.PrintLogger(sys.stdout),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
    )
    # Bound once: an unbound logger puts itself together anew for every line.
    return logger.bind(process=process)

"""JSON logs, one object a line. Every logged field is chosen by name: never a body, a path, a token or an id."""

import sys
from typing import Any

import structlog


def json_logger(process: str) -> Any:
    """Return a logger to standard output that names the `process` in every line."""
    return structlog.wrap_logger(
        structlog.PrintLogger(sys.stdout),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        process=process,
    )

"""JSON logs, one object a line. What is logged is chosen field by field: never a body, a path, a token or an id."""

import sys
from typing import Any

import structlog


def json_logger(process: str) -> Any:
    """A logger to standard output whose lines name the `process`."""
    return structlog.wrap_logger(
        structlog.PrintLogger(sys.stdout),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        process=process,
    )

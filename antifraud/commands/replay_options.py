"""The arguments of a replay, one definition for ``python -m antifraud replay`` and the job that it starts."""

import argparse
import datetime as dt
from pathlib import Path
from typing import Any


def add_replay_options(parser: argparse.ArgumentParser) -> None:
    """Add release, threshold, days, the day of knowledge and the file of logged decisions."""
    day: dict[str, Any] = {"type": dt.date.fromisoformat, "metavar": "YYYY-MM-DD"}
    parser.add_argument("--release", required=True, help="id of the release (`release list` shows them)")
    parser.add_argument(
        "--threshold", type=int, metavar="PPM", help="another threshold than the release's own, 0..1000000"
    )
    parser.add_argument("--from", dest="first", required=True, help="first day that is replayed", **day)
    parser.add_argument("--to", dest="last", required=True, help="last day that is replayed, included", **day)
    parser.add_argument(
        "--as-of", help="judge by what was known at the end of this day; default: --to plus the label delay", **day
    )
    parser.add_argument(
        "--decisions",
        type=Path,
        metavar="FILE",
        help="replay logged vectors (`python -m serving.export_log` writes them) instead of the lake's features",
    )


def replay_arguments(options: argparse.Namespace) -> list[str]:
    """Return parsed options as arguments again.

    >>> parser = argparse.ArgumentParser()
    >>> add_replay_options(parser)
    >>> line = ["--release=r1", "--threshold=0", "--from=2026-04-01", "--to=2026-04-14"]
    >>> replay_arguments(parser.parse_args(line)) == line
    True
    """
    given = {
        "--release": options.release,
        "--threshold": options.threshold,
        "--from": options.first,
        "--to": options.last,
        "--as-of": options.as_of,
        "--decisions": options.decisions,
    }
    return [f"{name}={value}" for name, value in given.items() if value is not None]

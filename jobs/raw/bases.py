"""The base time of a raw file, at which `tx_time_seconds` is 0. No header tells it, but most lines agree on it."""

import datetime as dt
import re
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Final

from antifraud.clock import DAY_SECONDS
from antifraud.lake.raw_text import refuse_unreadable
from antifraud.lake.schemas import RAW
from jobs.raw.files import text_lines

BASE_LINES: Final = 100_000
"""Lines of a file, its header included, that vote on the base time."""
DATETIME: Final = re.compile(RAW.column("tx_datetime").shape.encode())
SECONDS: Final = re.compile(RAW.column("tx_time_seconds").shape.encode())
MIDNIGHT_AFTER: Final = b"24:00:00"
PRINTED, COUNTED = RAW.place("tx_datetime"), RAW.place("tx_time_seconds")


def base_of(path: Path) -> int | None:
    """Return the UTC seconds at which the file's `tx_time_seconds` is 0; None if no line tells.

    If several times are equally frequent, the earliest counts. The driver reads these lines itself: for so few, a pass
    of the cluster over the whole file would cost too much.
    """
    # A vote, so that damaged lines do not decide.
    with refuse_unreadable(path):
        votes = Counter(base for line in islice(text_lines(path), BASE_LINES) if (base := _base(line)) is not None)
    return max(votes, key=lambda base: (votes[base], -base), default=None)


def _base(line: bytes) -> int | None:
    columns = line.split(b",")
    if len(columns) != len(RAW.columns) or not SECONDS.fullmatch(columns[COUNTED]):
        return None
    printed = _printed_time(columns[PRINTED])
    return None if printed is None else printed - int(columns[COUNTED])


def _printed_time(text: bytes) -> int | None:
    """Return UTC seconds; ``X 24:00:00`` is the midnight that ends day X."""
    if not DATETIME.fullmatch(text):
        return None
    day, time = text.split(b" ")
    ends_day = time == MIDNIGHT_AFTER
    try:
        moment = dt.datetime.fromisoformat(f"{day.decode()} {'00:00:00' if ends_day else time.decode()}")
    except ValueError:
        return None
    return int(moment.replace(tzinfo=dt.UTC).timestamp()) + (DAY_SECONDS if ends_day else 0)

"""The base time of a raw file, at which `tx_time_seconds` is 0: no header tells it, most of its first lines agree."""

import datetime as dt
import re
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Final

from antifraud.clock import DAY_SECONDS
from jobs.raw.columns import COLUMNS
from jobs.raw.files import text_lines

BASE_LINES: Final = 100_000
"""Of a file, what is asked for its base time, the header among them."""
DATETIME: Final = re.compile(rb"([0-9]{4}-[0-9]{2}-[0-9]{2}) ([0-9]{2}:[0-9]{2}:[0-9]{2})")
SECONDS: Final = re.compile(rb"[0-9]{1,10}")
MIDNIGHT_AFTER: Final = b"24:00:00"
PRINTED, COUNTED = COLUMNS.index("tx_datetime"), COLUMNS.index("tx_time_seconds")


def base_of(path: Path) -> int | None:
    """UTC seconds at which the file's `tx_time_seconds` is 0; None if no row says.

    Of equally frequent ones the earliest. The driver reads these lines itself: for so few, a pass of the cluster over
    the whole file is too much.
    """
    votes = Counter(base for line in islice(text_lines(path), BASE_LINES) if (base := _base(line)) is not None)
    return max(votes, key=lambda base: (votes[base], -base), default=None)


def _base(line: bytes) -> int | None:
    columns = line.split(b",")
    if len(columns) != len(COLUMNS) or not SECONDS.fullmatch(columns[COUNTED]):
        return None
    printed = _printed_time(columns[PRINTED])
    return None if printed is None else printed - int(columns[COUNTED])


def _printed_time(text: bytes) -> int | None:
    """UTC seconds; ``X 24:00:00`` is the midnight that ends day X."""
    found = DATETIME.fullmatch(text)
    if found is None:
        return None
    day, time = found.groups()
    ends_day = time == MIDNIGHT_AFTER
    try:
        moment = dt.datetime.fromisoformat(f"{day.decode()} {'00:00:00' if ends_day else time.decode()}")
    except ValueError:
        return None
    return int(moment.replace(tzinfo=dt.UTC).timestamp()) + (DAY_SECONDS if ends_day else 0)

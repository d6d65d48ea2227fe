"""The id of a transaction in the API: a text that is unique for ever, even if a source's ids restart every day."""

import re
from typing import Final, Literal

from antifraud.clock import date_of, day_of

LONGEST: Final = 64
EXPECTED: Final = f"1 to {LONGEST} letters of ASCII, digits, dots, underscores, colons and hyphens"
IdScope = Literal["global", "day"]
"""How far the ids of a source are unique: for ever, or within one day."""
TRANSACTION_ID_PATTERN: Final = rf"[A-Za-z0-9._:-]{{1,{LONGEST}}}"
_ID: Final = re.compile(TRANSACTION_ID_PATTERN)
NUMBER_PATTERN: Final = "0|[1-9][0-9]{0,17}"
"""A source's number as `scoped_id` spells it."""


def is_transaction_id(text: str) -> bool:
    """Return whether `text` can be an id; ids of different texts, such as ``17`` and ``017``, are different.

    >>> is_transaction_id("2026-01-02:17"), is_transaction_id("17 ")
    (True, False)
    """
    return _ID.fullmatch(text) is not None


def scoped_id(number: int, event_time: int, scope: IdScope) -> str:
    """Return the API's id of a source's transaction `number`; a time in UTC seconds tells the day.

    >>> scoped_id(17, 1_767_312_000, "global"), scoped_id(17, 1_767_312_000, "day")
    ('17', '2026-01-02:17')
    """
    return f"{date_of(day_of(event_time))}:{number}" if scope == "day" else str(number)


def number_of(text: str, event_time: int, scope: IdScope) -> int | None:
    """Return the source's number of an id, the inverse of `scoped_id`; None for an id that no source has.

    >>> number_of("17", 1_767_312_000, "global"), number_of("2026-01-02:17", 1_767_312_000, "day")
    (17, 17)
    >>> number_of("017", 1_767_312_000, "global"), number_of("2026-01-03:17", 1_767_312_000, "day")
    (None, None)
    """
    prefix = f"{date_of(day_of(event_time))}:" if scope == "day" else ""
    digits = text.removeprefix(prefix)
    if not text.startswith(prefix) or not re.fullmatch(NUMBER_PATTERN, digits):
        return None
    return int(digits)

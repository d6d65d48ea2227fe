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

"""Timely counts of each terminal and day, for the bets; they go when the day has closed.

So there are at most as many as terminals, times the days that are still open. Terminals are known by a digest.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from serving.store.guard_port import StoredTerminal
from serving.store.keys import NUMBER_BYTES, integer_of, key_of
from serving.store.records import pack
from serving.store.tallies import DECIDED, FIELDS, FLAGGED, Tally, counts_of
from serving.store.view import View

TERMINAL_DAYS: Final = "terminal_days"
_unpack = msgspec.msgpack.Decoder(list[int]).decode


class TerminalDay(NamedTuple):
    """Day, era and digest of a terminal."""

    day: int
    era: int
    terminal: bytes

    def to_bytes(self) -> bytes:
        """Return the key of its counts."""
        return key_of(self.day) + key_of(self.era) + self.terminal


def add_terminal_decisions(view: View, added: Mapping[TerminalDay, tuple[int, int]]) -> None:
    """Count decisions by terminal: how many were decided, and how many of these were flagged."""
    for key, (decided, flagged) in added.items():
        tally = read_terminal(view, key)
        tally[DECIDED] += decided
        tally[FLAGGED] += flagged
        put_terminal(view, key, tally)


def read_terminal(view: View, key: TerminalDay) -> Tally:
    """Return the counts of a terminal's day."""
    stored = view.get(TERMINAL_DAYS, key.to_bytes())
    return _unpack(stored) if stored else [0] * FIELDS


def put_terminal(view: View, key: TerminalDay, tally: Tally) -> None:
    """Store the counts of a terminal's day."""
    view.put(TERMINAL_DAYS, key.to_bytes(), pack(tally))


def read_terminals_of(view: View, day: int) -> list[StoredTerminal]:
    """Return the counts of all terminals of a day."""
    found = []
    for key, text in view.items(TERMINAL_DAYS, key_of(day)):
        if day_of_terminal(key) != day:
            break
        era = integer_of(key[NUMBER_BYTES : 2 * NUMBER_BYTES])
        found.append(StoredTerminal(era, counts_of(day, "", _unpack(text))))
    return found


def day_of_terminal(key: bytes) -> int:
    """Return the day of a key."""
    return integer_of(key[:NUMBER_BYTES])

"""The guard's counts in the store: by day, era and release, what was decided and what labels say about it.

A day *closes* when the label delay of its last second is over. Decisions and labels from before that are `timely`. The
times that are stored with them count, and not the time when the guard looks. So a guard that was away for a day closes
the same counts as one that was not. `latest` counts everything, also corrections after the close.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from antifraud.clock import DAY_SECONDS
from antifraud.killswitch.cohorts import CohortCounts
from antifraud.killswitch.eras import FIRST, Eras
from serving.store.keys import NUMBER_BYTES, integer_of, key_of
from serving.store.port import StoredCohort
from serving.store.records import Decision, pack
from serving.store.view import META, View

COHORTS: Final = "blocks"
"""The database of the counts; a day of one release is a block."""
CLOSED: Final = "closed_day"
"""Counter with the number after the last closed day; 0 before the first."""
ERAS: Final = b"eras"
THOUSANDTHS: Final = 1_000
"""Labels are counted in thousandths of the decisions that they stand for, because sums of integers are exact."""
DECIDED, FLAGGED, FIRST_CELL, SQUARES, MISSED, FIELDS = 0, 1, 2, 6, 7, 8
Tally = list[int]
"""Decided, flagged, four cells of labels, and squares: the fields of `CohortCounts`. Then the missed amount.

The amount is that of frauds that were not flagged, in thousandths of minor units.
"""
_unpack = msgspec.msgpack.Decoder(tuple[list[int], list[int]]).decode
_unpack_eras = msgspec.msgpack.Decoder(tuple[int, ...]).decode


class CohortKey(NamedTuple):
    """Day, era and release of a cohort."""

    day: int
    era: int
    release: str

    def to_bytes(self) -> bytes:
        """Return the key of its counts."""
        return key_of(self.day) + key_of(self.era) + self.release.encode()

    @classmethod
    def from_bytes(cls, key: bytes) -> "CohortKey":
        """Read a key back."""
        day, era, release = key[:NUMBER_BYTES], key[NUMBER_BYTES : 2 * NUMBER_BYTES], key[2 * NUMBER_BYTES :]
        return cls(integer_of(day), integer_of(era), release.decode())


def counts_in_rates(decision: Decision) -> bool:
    """Return whether a decision is evidence about a release."""
    # The score of a vector with gaps says how late the event came, and nothing about the release.
    return decision.history_complete and bool(decision.context.release)


def close_time(day: int, delay_days: int) -> int:
    """Return the business time at which a day closes: the label delay of its last second is over.

    >>> close_time(0, 7) // DAY_SECONDS
    8
    """
    return (day + delay_days + 1) * DAY_SECONDS


def is_closed(view: View, day: int) -> bool:
    """Return whether the guard has closed a day."""
    return day < view.number(CLOSED)


def read_closed_day(view: View) -> int:
    """Return the last closed day, -1 before the first."""
    return view.number(CLOSED) - 1


def read_eras(view: View) -> Eras:
    """Return the eras of the store."""
    stored = view.get(META, ERAS)
    return Eras(_unpack_eras(stored)) if stored else FIRST


def put_eras(view: View, eras: Eras) -> None:
    """Store the eras."""
    view.put(META, ERAS, pack(list(eras.starts)))


def read_tallies(view: View, key: CohortKey) -> tuple[Tally, Tally]:
    """Return the timely and the latest tally of a cohort."""
    stored = view.get(COHORTS, key.to_bytes())
    return _unpack(stored) if stored else ([0] * FIELDS, [0] * FIELDS)


def put_tallies(view: View, key: CohortKey, timely: Tally, latest: Tally) -> None:
    """Store the tallies of a cohort."""
    view.put(COHORTS, key.to_bytes(), pack([timely, latest]))


def read_cohorts(view: View) -> list[StoredCohort]:
    """Return all counts, oldest day first."""
    return list(_read_cohorts(view))


def read_cohorts_of(view: View, day: int) -> list[StoredCohort]:
    """Return the counts of a day."""
    found = []
    for cohort in _read_cohorts(view, key_of(day)):
        if cohort.timely.day != day:
            break
        found.append(cohort)
    return found


def _read_cohorts(view: View, start: bytes = b"") -> Iterator[StoredCohort]:
    for text_key, text in view.items(COHORTS, start):
        key, (timely, latest) = CohortKey.from_bytes(text_key), _unpack(text)
        counts = counts_of(key.day, key.release, timely), counts_of(key.day, key.release, latest)
        yield StoredCohort(key.era, *counts, missed=latest[MISSED] / THOUSANDTHS)


def counts_of(day: int, release: str, tally: Sequence[int]) -> CohortCounts:
    """Return what a tally says."""
    legit_flagged, legit_passed, fraud_flagged, fraud_passed = (
        cell / THOUSANDTHS for cell in tally[FIRST_CELL:SQUARES]
    )
    return CohortCounts(
        day,
        release,
        tally[DECIDED],
        tally[FLAGGED],
        legit_flagged=legit_flagged,
        legit_passed=legit_passed,
        fraud_flagged=fraud_flagged,
        fraud_passed=fraud_passed,
        squares=tally[SQUARES] / THOUSANDTHS**2,
    )

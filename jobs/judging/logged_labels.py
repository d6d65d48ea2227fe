"""Labels of a decision log as they were known at the end of a day: a transaction's status, and how late it came."""

import datetime as dt
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from antifraud.artifacts.decision_log import STATUS, Columns
from antifraud.clock import DAY_SECONDS, day_number

FRAUD, UNKNOWN = STATUS.index("fraud"), STATUS.index("unknown")
NEVER: Final = np.iinfo(np.int64).min
"""Delay of a transaction that was never called a fraud."""
Ints = npt.NDArray[np.int64]
Ids = npt.NDArray[np.bytes_]
Mask = npt.NDArray[np.bool_]
Statuses = npt.NDArray[np.int8]
"""Positions in `STATUS`."""


class Delays(NamedTuple):
    """Frauds whose label has come, shape ``(n,)``: age of their day, and days until they were first called frauds."""

    age: Ints
    delay: Ints


class Labels:
    """Labels as they were known at the end of a day."""

    def __init__(self, labels: Columns, as_of: dt.date) -> None:
        """Keep of a log's labels what was known at the end of `as_of`.

        A transaction's latest label, by time learnt, source and arrival, says its status.
        """
        self._as_of = day_number(as_of)
        known = labels["label_learned_at"] < (self._as_of + 1) * DAY_SECONDS
        ids, learned, source, status = (
            labels[f"label_{name}"][known] for name in ("transaction_id", "learned_at", "source", "status")
        )
        # Labels come in the order of arrival, so the position settles what learned_at and source leave open.
        order = np.lexsort((np.arange(ids.size), source, learned, ids))
        is_last = np.append(ids[order][1:] != ids[order][:-1], True)[: ids.size]
        self._ids, self._status = ids[order][is_last], status[order][is_last]
        # An id's frauds are in the order in which they were learnt, and np.unique finds the first of each id.
        frauds = order[status[order] == FRAUD]
        self._frauds, first = np.unique(ids[frauds], return_index=True)
        self._learned = learned[frauds][first]

    def status(self, ids: Ids) -> Statuses:
        """Return each transaction's status by its latest label; transactions without a label are unknown."""
        place, found = _find(ids, self._ids)
        status = np.full(ids.size, UNKNOWN, np.int8)
        status[found] = self._status[place[found]]
        return status

    def delays(self, ids: Ids, day: Ints) -> Delays:
        """Return the delays of the transactions that were ever called frauds; `day` is the day of each transaction."""
        delay = self.delay_of(ids, day)
        called = delay != NEVER
        return Delays(age=self._as_of - day[called], delay=delay[called])

    def delay_of(self, ids: Ids, day: Ints) -> Ints:
        """Return the days until each transaction was first called a fraud; `NEVER` if it never was."""
        place, found = _find(ids, self._frauds)
        delay = np.full(ids.size, NEVER, np.int64)
        delay[found] = self._learned[place[found]] // DAY_SECONDS - day[found]
        return delay


def _find(ids: Ids, among: Ids) -> tuple[npt.NDArray[np.intp], Mask]:
    """Return where each id lies in the ascending ids `among`, and whether it is there at all."""
    place = np.searchsorted(among, ids)
    found = place < among.size
    found[found] = among[place[found]] == ids[found]
    return place, found

"""Defects in raw files: the choice which rows of a day get which defect. `text.py` writes them."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from jobs.simulator.config import DefectRates
from jobs.simulator.rows import Day

NONE, TERMINAL, CUSTOMER, AMOUNT, DUPLICATE, BROKEN_ROW, BROKEN_AMOUNT, MIDNIGHT = range(8)
REASONS: Final = {
    TERMINAL: "terminal_invalid",
    CUSTOMER: "customer_invalid",
    AMOUNT: "amount_not_positive",
    DUPLICATE: "duplicate",
    BROKEN_ROW: "unparsable",
    BROKEN_AMOUNT: "unparsable",
}
"""Reason with which ingest quarantines a row with the defect (`antifraud/lake/raw_defects.py`)."""
DRIFT: Final = (0.5, 1.5)
"""Range of the factor by which rates differ from day to day."""
LATEST_REPEAT: Final = 600
LAST_SECOND: Final = 86_399


def choose_defects(rates: DefectRates, count: int, rng: np.random.Generator, *, first_day: bool) -> NDArray[np.int8]:
    """Return a defect, or NONE, for each of `count` rows; DUPLICATE marks a row to repeat.

    The world's first day has no MIDNIGHT row, because it would be printed under a day before the world.
    """
    shares = np.zeros(MIDNIGHT + 1)
    shares[[TERMINAL, CUSTOMER, AMOUNT, DUPLICATE]] = (
        rates.terminal_invalid, rates.customer_invalid, rates.amount_not_positive, rates.duplicate,
    )  # fmt: skip
    shares[[BROKEN_ROW, BROKEN_AMOUNT]] = rates.unparsable / 2
    shares[MIDNIGHT] = 0 if first_day else rates.midnight
    shares *= rng.uniform(*DRIFT, len(shares))
    shares[NONE] = 1 - shares[1:].sum()
    # One draw for each row: it falls between the edges of its defect.
    edges = np.cumsum(shares)[:-1]
    return np.searchsorted(edges, rng.random(count), side="right").astype(np.int8)


def with_duplicates(day: Day, rng: np.random.Generator) -> Day:
    """Repeat every row marked DUPLICATE within the day, half of them at the same second; the mark goes to the copy."""
    source = np.flatnonzero(day.defect == DUPLICATE)
    again = day.take(np.concatenate([np.arange(len(day)), source]))
    copies = slice(len(day), None)
    delay = rng.integers(1, LATEST_REPEAT, len(source)) * rng.integers(0, 2, len(source))
    again.second[copies] = np.minimum(day.second[source] + delay, LAST_SECOND)
    again.defect[source] = NONE
    return again.take(np.lexsort((again.transaction, again.second)))

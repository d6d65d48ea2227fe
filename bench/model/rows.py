"""Load all labelled feature rows of a small lake as NumPy arrays, for benchmarks that fit in memory."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from antifraud.lake.catalog import open_catalog, published, read_days
from antifraud.lake.schemas import FEATURES, LABELS
from antifraud.settings.core import JobSettings
from jobs.rows.ids import KEYS
from jobs.rows.sample import Sample
from jobs.rows.vectors import vectors_of


@dataclass(frozen=True, slots=True)
class Rows:
    """Labelled feature rows of all days, ordered by time and transaction id; arrays of shape ``(n, ...)``.

    `time` is UTC seconds, `amount` minor units; `card` and `terminal` are numbers that stand for tokens.
    """

    vectors: npt.NDArray[np.float32]
    is_fraud: npt.NDArray[np.bool_]
    day: npt.NDArray[np.datetime64]
    time: npt.NDArray[np.int64]
    card: npt.NDArray[np.int64]
    terminal: npt.NDArray[np.int64]
    amount: npt.NDArray[np.int64]

    def sample(self, first: dt.date, last: dt.date) -> Sample:
        """Return the rows of the days `first` to `last`, both included."""
        kept = self.between(first, last)
        return Sample(self.vectors[kept], self.is_fraud[kept], self.amount[kept], np.ones(int(kept.sum())))

    def between(self, first: dt.date, last: dt.date) -> npt.NDArray[np.bool_]:
        """Return which rows are of the days `first` to `last`, both included."""
        return (self.day >= np.datetime64(first)) & (self.day <= np.datetime64(last))


def load_rows(settings: JobSettings) -> Rows:
    """Load everything that the lake has, with labels."""
    catalog = open_catalog(settings)
    days = published(catalog, FEATURES, dt.date.min, dt.date.max)
    first, last = min(days), max(days)
    labels = read_days(catalog, LABELS, first, last, [*KEYS, "status"])
    table = read_days(catalog, FEATURES, first, last).join(labels, list(KEYS), join_type="inner")
    table = table.sort_by([("event_time", "ascending"), ("transaction_id", "ascending")])
    return Rows(
        vectors_of(table),
        np.array(table["status"].to_pylist()) == "fraud",
        table["day"].to_numpy(),
        table["event_time"].to_numpy(),
        _codes(table["customer"]),
        _codes(table["terminal"]),
        table["amount_minor"].to_numpy(),
    )


def _codes(tokens: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    return np.unique(tokens.to_pylist(), return_inverse=True)[1].astype(np.int64)

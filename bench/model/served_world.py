"""A small lake with days that were served: the scorer knew two kinds of fraud, and blocked one of them.

Blocked payments are legitimate for the feed, because nobody could report them. A control share of the flagged payments
was let through. Rows are made up, so that training and validation can be tried without the data jobs; their tables and
columns are the real ones.
"""

import dataclasses
import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pyspark.sql import SparkSession

from antifraud.clock import DAY_SECONDS, day_number
from antifraud.features.registry import FEATURE_NAMES
from antifraud.lake.catalog import full_name
from antifraud.lake.schemas import CLEAN, FEATURES, LABELS, RUNS
from antifraud.lake.shipped_tables import DECISIONS
from antifraud.lake.table_format import Table
from antifraud.settings.core import JobSettings

AS_OF: Final = dt.date(2026, 3, 15)
FIRST: Final = dt.date(2026, 2, 1)
DAYS: Final = 36
DELAY: Final = 7
FRAUD_SHARE: Final = 0.025
"""Share of each of the two kinds of fraud."""
ALIKE_SHARE: Final = 0.02
"""Share of legitimate payments that look like the blocked kind of fraud."""
PASSING: Final = 4
BLOCKED: Final = 8
"""Positions of the features that tell a kind of fraud."""
SEEN_ABOVE: Final = 3.0
"""The model that served flags payments with the second feature above it."""


@dataclass(frozen=True, slots=True, eq=False)
class Payments:
    """Payments of some days: their truth, whether they were flagged, and whether the control share let them through."""

    vectors: npt.NDArray[np.float64]
    amount: npt.NDArray[np.int64]
    kind: npt.NDArray[np.int64]
    """0: legitimate, 1: a fraud that passes, 2: a fraud that the serving model flags."""
    flagged: npt.NDArray[np.bool_]
    let_through: npt.NDArray[np.bool_]

    @property
    def blocked(self) -> npt.NDArray[np.bool_]:
        """Payments that were flagged and not let through."""
        return self.flagged & ~self.let_through


def draw_payments(rows: int, control_share: float, generator: np.random.Generator) -> Payments:
    """Draw payments of one day."""
    vectors = generator.normal(size=(rows, len(FEATURE_NAMES)))
    kind = generator.choice(3, rows, p=[1 - 2 * FRAUD_SHARE, FRAUD_SHARE, FRAUD_SHARE])
    alike = (kind == 0) & (generator.random(rows) < ALIKE_SHARE)
    vectors[:, PASSING] += 6 * (kind == 1)
    vectors[:, BLOCKED] += 7 * (kind == 2) + 4 * alike
    flagged = vectors[:, BLOCKED] > SEEN_ABOVE
    let_through = flagged & (generator.random(rows) < control_share)
    return Payments(vectors, generator.integers(10_000, 200_000, rows), kind, flagged, let_through)


def shape(settings: JobSettings) -> JobSettings:
    """Return settings with windows that fit: train 2026-02-02..14, select ..22, certify 2026-02-23..03-08."""
    return dataclasses.replace(
        settings,
        train_days=13,
        select_days=8,
        certify_days=14,
        label_delay_days=DELAY,
        search_trials=0,
        baseline_rows=500,
        id_scope="day",
    )


def fill(session: SparkSession, rows: int, control_share: float, seed: int, *, hidden: bool = True) -> None:
    """Write features and labels of `DAYS` days; `hidden`: the feed does not know of blocked fraud."""
    days = days_of(rows, control_share, seed)
    features = [row for day, payments in days for row in _features(day, payments)]
    labels = [row for day, payments in days for row in _labels(day, payments, hidden=hidden)]
    runs = [
        (table.name, day, f"{seed}", 0, rows, json.dumps({"version": table.version}), 1)
        for table in (FEATURES, LABELS, CLEAN)
        for day, _ in days
    ]
    for table, found in ((FEATURES, features), (LABELS, labels), (RUNS, runs)):
        _append(session, table, found)


def ship(session: SparkSession, rows: int, control_share: float, seed: int) -> None:
    """Write the decisions about the same payments, as the shipper does."""
    days = days_of(rows, control_share, seed)
    _append(session, DECISIONS, [row for each in days for row in _decisions(*each, control_share)])


def days_of(rows: int, control_share: float, seed: int) -> list[tuple[dt.date, Payments]]:
    """Return the payments of each day; the same arguments give the same payments."""
    return [
        (FIRST + dt.timedelta(days=n), draw_payments(rows, control_share, np.random.default_rng([seed, n])))
        for n in range(DAYS)
    ]


def _append(session: SparkSession, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    schema = ", ".join(f"`{column.name}` {column.type}" for column in table.columns)
    session.createDataFrame(rows, schema).writeTo(full_name(table)).append()


def _keys(day: dt.date, number: int) -> tuple[dt.date, int, int]:
    return day, number, day_number(day) * DAY_SECONDS + number


def _features(day: dt.date, payments: Payments) -> list[tuple[Any, ...]]:
    return [
        (*_keys(day, n), f"k1.c{n % 37}", f"k1.t{n % 41}", int(payments.amount[n]), *vector, None)
        for n, vector in enumerate(payments.vectors.tolist())
    ]


def _labels(day: dt.date, payments: Payments, *, hidden: bool) -> list[tuple[Any, ...]]:
    fraud = (payments.kind > 0) & ~(payments.blocked & hidden)
    learned = (day_number(day) + DELAY) * DAY_SECONDS
    status = np.where(fraud, "fraud", "legitimate").tolist()
    return [(day, n, said, learned, "feed", n, int(said == "fraud")) for n, said in enumerate(status)]


def _decisions(day: dt.date, payments: Payments, control_share: float) -> list[tuple[Any, ...]]:
    found = []
    for n, (flagged, blocked) in enumerate(zip(payments.flagged.tolist(), payments.blocked.tolist(), strict=True)):
        values = {
            "day": day,
            "store": "s",
            "arrival": day_number(day) * 100_000 + n,
            "decision_id": f"{day}:{n}",
            "namespace": "",
            "transaction_id": f"{day}:{n}",
            "event_time": day_number(day) * DAY_SECONDS + n,
            "decided_at": day_number(day) * DAY_SECONDS + n + 1,
            "customer": f"k1.c{n % 37}",
            "terminal": f"k1.t{n % 41}",
            "amount": int(payments.amount[n]),
            "vector": payments.vectors[n].tolist(),
            "release": "served",
            "score": 900_000 if flagged else 1_000,
            "threshold": 500_000,
            "mode": "SERVING",
            "epoch": 1,
            "cutoff": day - dt.timedelta(days=1),
            "would_flag": flagged,
            "flagged": blocked,
            "effect": "flag" if blocked else "approve",
            "policy": 1,
            "hits": "",
            "propensity": control_share if flagged else 1.0,
            "counted": True,
            "history_complete": True,
            "era": 0,
        }
        found.append(tuple(values[column.name] for column in DECISIONS.columns))
    return found

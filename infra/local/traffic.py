"""Send live transactions to the scorer, measure its answers, and post the labels."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from antifraud.client import Label, ScorerClient
from antifraud.clock import DAY_SECONDS, HOUR_SECONDS
from antifraud.transaction_id import IdScope, scoped_id
from infra.local.live_rows import LiveRow
from infra.local.plan import LABEL_DELAY_DAYS

DECIDE_SECONDS: Final = 30.0
"""Deadline of a decision: Airflow and Spark use the same machine, and no payment waits."""
LABELS_AT_ONCE: Final = 500
"""Labels in one request."""


@dataclass
class Tally:
    """Counts and latencies of the transactions that were sent so far."""

    decided: int = 0
    flagged: int = 0
    legitimate: int = 0
    flagged_legitimate: int = 0
    labels: int = 0
    seconds: list[float] = field(default_factory=list)
    """Latency of each decision, measured by the client."""

    @property
    def false_positive_rate(self) -> float:
        """Share of legitimate transactions that were flagged; 0 before the first one."""
        return self.flagged_legitimate / self.legitimate if self.legitimate else 0.0

    def latency_ms(self, quantile: float) -> float:
        """Return a quantile of the latency in milliseconds; 0 before the first decision."""
        return round(float(np.quantile(self.seconds, quantile)) * 1e3, 2) if self.seconds else 0.0


def send(client: ScorerClient, rows: list[LiveRow], tally: Tally, id_scope: IdScope) -> None:
    """Ask for a decision on every row, in order.

    Raises:
        Suspended: The service is suspended.
        ClientError: A request failed.
    """
    for row in rows:
        began = time.perf_counter()
        decision = client.decide(
            _id(row, id_scope), row.event_time, row.customer, row.terminal, row.amount, seconds=DECIDE_SECONDS
        )
        tally.seconds.append(time.perf_counter() - began)
        flagged = decision.decision == "flag"
        tally.decided += 1
        tally.flagged += flagged
        tally.legitimate += not row.is_fraud
        tally.flagged_legitimate += flagged and not row.is_fraud


def post_labels(client: ScorerClient, rows: list[LiveRow], tally: Tally, id_scope: IdScope) -> None:
    """Post the labels of the rows, dated by the day on which they were learnt.

    Raises:
        ClientError: A request failed.
    """
    for batch in batches(rows, LABELS_AT_ONCE):
        client.label([_label(row, id_scope) for row in batch])
        tally.labels += len(batch)


def _label(row: LiveRow, id_scope: IdScope) -> Label:
    # Before the day closes, whose evidence takes no later label.
    learned_at = row.event_time + LABEL_DELAY_DAYS * DAY_SECONDS - HOUR_SECONDS
    return Label(_id(row, id_scope), "fraud" if row.is_fraud else "legitimate", learned_at)


def _id(row: LiveRow, id_scope: IdScope) -> str:
    return scoped_id(row.transaction_id, row.event_time, id_scope)


def batches(rows: list[LiveRow], size: int) -> Iterator[list[LiveRow]]:
    """Yield the rows in lists of `size`; the last one may be shorter.

    >>> [len(batch) for batch in batches([None] * 5, 2)]
    [2, 2, 1]
    """
    for start in range(0, len(rows), size):
        yield rows[start : start + size]

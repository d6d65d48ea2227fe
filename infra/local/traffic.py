"""Send live transactions to the scorer, measure its answers, and post the labels."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from antifraud.client import Decision, Label, ScorerClient
from antifraud.clock import DAY_SECONDS, HOUR_SECONDS
from antifraud.errors import PublishError
from antifraud.transaction_id import IdScope, scoped_id
from infra.local.live_rows import LiveRow
from infra.local.plan import LABEL_DELAY_DAYS

DECIDE_SECONDS: Final = 30.0
"""Deadline of a decision: Airflow and Spark use the same machine, and no payment waits."""
AT_ONCE: Final = 500
"""Payments or labels in one request."""


@dataclass
class Tally:
    """Counts and latencies of the transactions that were sent so far."""

    decided: int = 0
    flagged: int = 0
    legitimate: int = 0
    flagged_legitimate: int = 0
    seconds: list[float] = field(default_factory=list)
    """Latency of each decision, measured by the client."""

    @property
    def false_positive_rate(self) -> float:
        """Share of legitimate transactions that were flagged; 0 before the first one."""
        return self.flagged_legitimate / self.legitimate if self.legitimate else 0.0

    def latency_ms(self, quantile: float) -> float:
        """Return a quantile of the latency in milliseconds; 0 before the first decision."""
        return round(float(np.quantile(self.seconds, quantile)) * 1e3, 2) if self.seconds else 0.0

    def count(self, row: LiveRow, decision: Decision) -> None:
        """Count a decision."""
        is_flagged = decision.decision == "flag"
        self.decided += 1
        self.flagged += is_flagged
        self.legitimate += not row.is_fraud
        self.flagged_legitimate += is_flagged and not row.is_fraud

    def figures(self) -> dict[str, Any]:
        """Return counts, rate and latencies for the summary."""
        return {
            "decided": self.decided,
            "flagged": self.flagged,
            "false_positive_rate": round(self.false_positive_rate, 4),
            "p50_ms": self.latency_ms(0.5),
            "p99_ms": self.latency_ms(0.99),
        }


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
        tally.count(row, decision)


def post_labels(client: ScorerClient, rows: list[LiveRow], id_scope: IdScope) -> None:
    """Post the labels of the rows, dated by the day on which they were learnt.

    Raises:
        PublishError: The scorer has not decided a payment.
        ClientError: A request failed.
    """
    for batch in batches(rows, AT_ONCE):
        if unknown := client.label([_label(row, id_scope) for row in batch], seconds=DECIDE_SECONDS):
            raise PublishError(f"the scorer has not decided {len(unknown)} labelled payments: see its log")


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

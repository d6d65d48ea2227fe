"""Days before the train window: all their frauds, and a sample of their legitimate rows.

The candidate has not seen these days, but they are older than what it was trained on. The gate looks at them for what
its windows are too short to show (`antifraud/gate/history.py`). They are read each night, because each candidate scores
them differently. Only frauds and `ROWS_A_DAY` other rows of a day are joined and scored, which keeps the night short.
"""

import datetime as dt
from collections.abc import Container
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from antifraud.clock import ONE_DAY, Span
from antifraud.features.registry import WINDOWS
from antifraud.lake.catalog import open_catalog, published
from antifraud.lake.schemas import FEATURES
from antifraud.model.evaluator import PARTS_PER_MILLION
from antifraud.settings.core import JobSettings
from jobs.rows.dataset import downsample, is_drawn, labelled
from jobs.rows.decisions import decisions_of, weigh_rows
from jobs.rows.inputs import Inputs
from jobs.rows.labels import all_labels, frauds_and_drawn
from jobs.rows.source import feature_rows

ROWS_A_DAY: Final = 1_000
"""Legitimate rows of a day that are scored: 300 show a day at 20 % beside days at 4.5 %, whatever their number."""
SEED: Final = 0
"""Start of the hash that draws rows, the same for all candidates."""


@dataclass(frozen=True, slots=True)
class HistoryDays:
    """Published days before a train window: `inputs` has them as its only window, ``history``.

    `transactions` are the rows of each day. `share` is the part of the legitimate rows that is scored.
    """

    inputs: Inputs
    transactions: tuple[int, ...]
    share: float


def find_history(settings: JobSettings, inputs: Inputs) -> HistoryDays | None:
    """Return the days before the train window of `inputs`, at most `gate_history_days`; None if there are none.

    They end the day before, and have no gap. Days of another version of the features are left out. So are the first
    days after a gap or of the lake, because their features know too little of the days before.
    """
    last, warm_up = inputs.spans["train"].first - ONE_DAY, max(WINDOWS) + settings.label_delay_days
    earliest = last - (settings.gate_history_days + warm_up) * ONE_DAY
    runs = published(open_catalog(settings), FEATURES, earliest, last)
    used = usable_days(runs, last, settings.gate_history_days, warm_up)
    if not used:
        return None
    rows = tuple(runs[day].rows for day in used)
    share = min(1.0, ROWS_A_DAY * len(used) / max(sum(rows), 1))
    of_days = Inputs.of(settings, {"history": Span(used[0], used[-1])}, inputs.as_of)
    return HistoryDays(of_days, rows, max(round(share * PARTS_PER_MILLION), 1) / PARTS_PER_MILLION)


def usable_days(published_days: Container[dt.date], last: dt.date, at_most: int, warm_up: int) -> list[dt.date]:
    """Return the published days that end with `last`, oldest first, without the first `warm_up` days after a gap.

    >>> days = [dt.date(2026, 3, day) for day in (1, 3, 4, 5, 6)]
    >>> [day.day for day in usable_days(days, dt.date(2026, 3, 6), at_most=10, warm_up=1)]
    [4, 5, 6]
    >>> [day.day for day in usable_days(days, dt.date(2026, 3, 6), at_most=2, warm_up=1)]
    [5, 6]
    """
    wanted = (last - n * ONE_DAY for n in range(at_most + warm_up))
    found = list(takewhile(published_days.__contains__, wanted))
    return sorted(found[: min(at_most, max(len(found) - warm_up, 0))])


def history_rows(spark: SparkSession, history: HistoryDays) -> DataFrame:
    """Return the frauds of the days and a share of their legitimate rows, as `labelled` gives them.

    Days that were served count by their control share alone: here an error can only warn or widen.
    """
    inputs, drawn = history.inputs, is_drawn(history.share, SEED)
    days = _between(inputs.spans["history"])
    labels = all_labels(spark, inputs, days)
    said = frauds_and_drawn(labels, inputs.as_of, drawn)
    # The frauds of a window are collected anyway, so a few months of them fit every executor.
    rows = labelled(feature_rows(spark, inputs, days), F.broadcast(said), inputs.spans)
    if inputs.decisions_snapshot:
        rows = weigh_rows(rows, decisions_of(spark, inputs, days), ())
    return downsample(rows, history.share, SEED)


def _between(span: Span) -> str:
    return f"day BETWEEN DATE '{span.first}' AND DATE '{span.last}'"

"""Days before the train window reach the gate: all their frauds, and legitimate rows that a hash draws."""

import dataclasses
import datetime as dt

import numpy as np
import pytest

from antifraud.clock import ONE_DAY, Span, day_number
from antifraud.gate.limits import Limits
from antifraud.lake.catalog import open_catalog, read_days
from antifraud.lake.schemas import LABELS
from jobs.judging.certify_rows import ReducedWindows, scored_windows
from jobs.rows.history import HistoryDays, find_history, history_rows
from jobs.rows.inputs import Inputs
from jobs.rows.windows import Windows
from tests.spark.model_lake import AS_OF, ROWS

EARLIER = Span(dt.date(2026, 2, 2), dt.date(2026, 2, 6))
"""Days that the lake has; the gate takes them for days before training."""


def history_of(settings, share):
    """Return five days as history, of which so many legitimate rows are drawn."""
    return HistoryDays(Inputs.of(settings, {"history": EARLIER}, AS_OF), (ROWS,) * 5, share)


def labelled_of(settings):
    """Return day and status of every labelled row of these days, as NumPy reads them."""
    labels = read_days(open_catalog(settings), LABELS, EARLIER.first, EARLIER.last, ["day", "status"])
    return labels["day"].to_pylist(), np.array(labels["status"].to_pylist())


def test_all_frauds_and_a_share_of_the_other_rows_are_read(judged):
    """A tenth of about 380 legitimate rows a day is drawn, the same ones each time; no fraud is missing."""
    session, settings, _, _ = judged
    _, status = labelled_of(settings)
    rows = [history_rows(session, history_of(settings, 0.1)).toPandas() for _ in range(2)]
    drawn = (rows[0]["status"] == "legitimate").sum()

    assert set(rows[0]["window"]) == {"history"}
    assert (rows[0]["status"] == "fraud").sum() == (status == "fraud").sum()
    assert 0.07 < drawn / (status == "legitimate").sum() < 0.13
    assert drawn + (status == "fraud").sum() == len(rows[0])
    assert sorted(rows[0]["transaction_id"]) == sorted(rows[1]["transaction_id"])


def test_a_candidate_is_judged_with_its_history(judged):
    """The reduced windows have the five days' table and frauds, and the certify window is the same as without them."""
    session, settings, candidate, _ = judged
    inputs = Inputs.of(settings, Windows.from_dict(candidate.info["windows"]).spans, AS_OF)
    found = []
    for history in (None, history_of(settings, 1.0)):
        with scored_windows(session, inputs, candidate.path, history=history) as results:
            found.append(ReducedWindows.of_candidate(results, settings, inputs, candidate, Limits(), history))
    alone, together = found
    days, status = labelled_of(settings)
    first = [day for day, said in zip(days, status, strict=True) if day == EARLIER.first and said == "fraud"]

    assert alone.certify.history is None
    assert together.certify.table.columns() == alone.certify.table.columns()
    assert together.select.columns() == alone.select.columns()
    known = together.certify.history
    assert (known.table.legit.sum(), known.table.fraud.sum()) == (
        (status == "legitimate").sum(),
        known.frauds.score.size,
    )
    assert (known.frauds.days, known.frauds.first_day) == (5, day_number(EARLIER.first))
    assert (known.frauds.day == day_number(EARLIER.first)).sum() == len(first)
    assert known.transactions_a_day.tolist() == [400.0] * 5


@pytest.mark.parametrize(("days", "expected"), [(0, None), (3, 3), (180, 5)])
def test_history_is_what_the_lake_has_up_to_the_setting(judged, monkeypatch, days, expected):
    """With six days before training, one of them to warm up, at most five are history; a setting of 0 asks for none."""
    settings = judged[1]
    monkeypatch.setattr("jobs.rows.history.WINDOWS", (1,))
    spans = {"train": Span(dt.date(2026, 2, 7), dt.date(2026, 2, 14))}
    asked = dataclasses.replace(settings, gate_history_days=days, label_delay_days=0)
    found = find_history(asked, Inputs.of(settings, spans, AS_OF))

    assert (found and len(found.transactions)) == expected
    if found:
        assert found.inputs.spans["history"].last == spans["train"].first - ONE_DAY
        assert (found.transactions[0], found.share) == (400, 1.0)

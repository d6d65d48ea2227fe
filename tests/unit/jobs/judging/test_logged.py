"""A replay of logged decisions corrects young days for labels that are still to come."""

import datetime as dt
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from antifraud.artifacts.bundle import Bundle
from antifraud.artifacts.decision_log import STATUS, About, DecisionLog, LogWriter
from antifraud.clock import DAY_SECONDS, Span, date_of, day_number
from antifraud.errors import NotEnoughRows, NotIdentified
from jobs.judging.logged import answer_from_log
from jobs.judging.replaying import Question

FIRST, DAYS, FRAUDS, LEGIT = day_number(dt.date(2026, 3, 1)), 14, 10, 40
LAST = FIRST + DAYS - 1
AS_OF = LAST + 7
SOON, LATE = 3, 10
"""Days until eight of a day's ten frauds are known, and until the other two are."""
WINDOWS = {name: {"first": "2024-01-01", "last": "2024-02-01"} for name in ("train", "select", "certify")}


@pytest.fixture(autouse=True)
def evaluator(monkeypatch):
    """Put a model in place that gives every row the score 5."""
    scored = SimpleNamespace(score=lambda vectors: np.full(len(vectors), 5, np.int32))
    monkeypatch.setattr("jobs.judging.logged.load_evaluator", lambda _: scored)


def said(day, number):
    """Return the status of a row and the day on which it was learnt."""
    if number < FRAUDS:
        return "fraud", day + (SOON if number < FRAUDS - 2 else LATE)
    return "legitimate", day + 7


def logged(path, *, frauds=True, incomplete=(), unlabelled=(), **decisions):
    """Write an export of fourteen days, each with fifty rows, of which ten or none are fraud.

    Rows `unlabelled` have no label, and `decisions` are other columns.
    """
    rows = [(day, number) for day in range(FIRST, LAST + 1) for number in range(FRAUDS + LEGIT)]
    labels = [
        (f"{FIRST}:{id_}", STATUS.index(status if frauds else "legitimate"), learned * DAY_SECONDS + 60)
        for id_, (status, learned) in enumerate(said(*row) for row in rows)
        if id_ not in unlabelled
    ]
    size = len(rows)
    decided = {
        "transaction_id": np.array([f"{FIRST}:{number}" for number in range(size)], np.bytes_),
        "event_time": np.array([day * DAY_SECONDS + number for day, number in rows], np.int64),
        "amount": np.full(size, 100, np.int64),
        "customer": np.arange(size, dtype=np.int64) % 97,
        "terminal": np.arange(size, dtype=np.int64) % 31,
        **{name: np.zeros(size, np.int32) for name in ("release", "threshold")},
        "score": np.full(size, 5, np.int32),
        "flagged": np.zeros(size, np.bool_),
        "history_complete": ~np.isin(np.arange(size), incomplete),
        "said": np.zeros(size, np.int8),
        "propensity": np.ones(size),
        "policy": np.zeros(size, np.int64),
        "vector": np.zeros((size, 1)),
        **decisions,
    }
    kinds = {"transaction_id": np.bytes_, "status": np.int8, "learned_at": np.int64}
    told = {
        f"label_{name}": np.array(column, kinds[name])
        for name, column in zip(kinds, zip(*labels, strict=True), strict=True)
    }
    about = About(
        str(date_of(FIRST)), str(date_of(LAST)), (AS_OF + 1) * DAY_SECONDS, "f", 1, size, len(labels),
        ["r1"], ["feed"],
    )  # fmt: skip
    with LogWriter(path) as writer:
        writer.write(decided)
        writer.write(told | {"label_source": np.zeros(len(labels), np.int32)})
        writer.finish(about)
    return DecisionLog(path)


@pytest.fixture
def asked():
    manifest = {"feature_set": "f", "threshold": 5, "windows": WINDOWS}
    return Question(Bundle("r1", Path("r1"), manifest, {}), Span(date_of(FIRST), date_of(LAST)), date_of(AS_OF))


def test_young_days_are_corrected_for_labels_still_to_come(tmp_path, asked):
    """Three young days know eight of their ten frauds each, so the correction turns 134 frauds into 140."""
    answer = answer_from_log(logged(tmp_path / "log.npz"), asked)

    correction = answer.certify.correction(asked.threshold)
    assert answer.certify.frauds.amount.size == 11 * 10 + 3 * 8
    assert (correction.days, correction.factor) == (3, pytest.approx(140 / 134))
    assert answer.certify.expected_frauds.amount.sum() == 140 * 100


def test_days_before_the_replay_shape_the_curve(tmp_path, asked):
    """In a replay of the last day alone, the export's other days tell what share of its frauds is known."""
    last = Question(asked.bundle, Span(date_of(LAST), date_of(LAST)), asked.as_of)

    answer = answer_from_log(logged(tmp_path / "log.npz"), last)

    assert answer.certify.frauds.amount.size == 8
    assert answer.certify.correction(asked.threshold).factor == pytest.approx(10 / 8)


def test_an_incomplete_history_counts_as_volume_and_in_no_rate(tmp_path, asked):
    """One fraud and two legitimate rows of the first day came late: the rates lose them, the day's volume does not."""
    whole = answer_from_log(logged(tmp_path / "whole.npz"), asked)

    answer = answer_from_log(logged(tmp_path / "log.npz", incomplete=(3, 20, 21)), asked)

    assert (answer.incomplete, whole.incomplete, answer.unknown) == (3, 0, whole.unknown)
    assert answer.certify.frauds.amount.size == whole.certify.frauds.amount.size - 1
    assert answer.certify.table.transactions == whole.certify.table.transactions - 3
    assert answer.certify.unknown_a_day[0] == whole.certify.unknown_a_day[0] + 3
    assert [blocks.legit.sum() for blocks in answer.certify.blocks] == [DAYS * LEGIT - 2] * 2


def test_without_a_fraud_there_is_no_curve(tmp_path, asked):
    """An export without a fraud is refused, and the error says what is missing."""
    with pytest.raises(NotEnoughRows, match="needs frauds with known labels, found none"):
        answer_from_log(logged(tmp_path / "log.npz", frauds=False), asked)


def blocked(*rows, threshold=0):
    """Return columns in which these rows are blocked for good; at a threshold of 5 the rules do it alone."""
    flagged = np.isin(np.arange(DAYS * (FRAUDS + LEGIT)), rows)
    return {
        "flagged": flagged,
        "propensity": np.where(flagged, 0.0, 1.0),
        "threshold": np.where(flagged, threshold, 5).astype(np.int32),
    }


def test_a_blocked_payment_without_a_label_hides_the_rate(tmp_path, asked):
    """Two legitimate payments were blocked, and one of them has a label: nobody knows what the release would do."""
    log = logged(tmp_path / "log.npz", unlabelled={20}, **blocked(20, 21))

    with pytest.raises(NotIdentified, match=r"not identified: 1 of 2 payments that were blocked on .* have no label"):
        answer_from_log(log, asked)


def test_blocked_payments_with_labels_count_as_all_others(tmp_path, asked):
    """All blocked payments have a label, so the answer is the one of a log in which nothing was blocked."""
    log = logged(tmp_path / "log.npz", **blocked(3, 20, 21))

    answer, plain = (answer_from_log(each, asked) for each in (log, logged(tmp_path / "plain.npz")))

    assert answer.certify.table.columns() == plain.certify.table.columns()


def test_what_rules_alone_block_is_none_of_the_model(tmp_path, asked):
    """Its label counts in no rate, and it needs none; the release scores it as all others."""
    log = logged(tmp_path / "log.npz", unlabelled={21}, **blocked(20, 21, threshold=5))

    answer = answer_from_log(log, asked)

    whole = answer_from_log(logged(tmp_path / "whole.npz"), asked)
    assert answer.certify.unknown_a_day[0] == whole.certify.unknown_a_day[0] + 2
    assert answer.certify.table.transactions == whole.certify.table.transactions - 2

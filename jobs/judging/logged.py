"""Score logged decisions again with a release, in NumPy and piece by piece: evidence without the lake."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from antifraud.artifacts.decision_log import Columns, DecisionLog
from antifraud.clock import DAY_SECONDS, Span, date_of, day_number, day_of
from antifraud.errors import DataError, MissingDay, ReleaseError
from antifraud.gate.judge import Certify
from antifraud.model.evaluator import Evaluator, load_evaluator
from antifraud.stats.episodes import Frauds
from antifraud.stats.maturation import Maturation
from antifraud.stats.score_tables import MAX_SCORE, ScoreTable, merge
from antifraud.stats.threshold import LegitBlocks
from jobs.judging.certify_rows import require_labelled
from jobs.judging.logged_flags import Blocked
from jobs.judging.logged_labels import FRAUD, UNKNOWN, Delays, Ints, Labels, Mask, Statuses
from jobs.judging.replaying import Answer, Question


class _Rows(NamedTuple):
    """Rows with a known label, one entry each, shape ``(n,)``; units as in `Frauds`."""

    score: Ints
    amount: Ints
    customer: Ints
    terminal: Ints
    day: Ints
    delay: Ints
    """Days until the row was first called a fraud; `NEVER` if it never was."""
    is_fraud: Mask

    def take(self, rows: npt.NDArray[np.intp] | Mask) -> "_Rows":
        return _Rows(
            score=self.score[rows],
            amount=self.amount[rows],
            customer=self.customer[rows],
            terminal=self.terminal[rows],
            day=self.day[rows],
            delay=self.delay[rows],
            is_fraud=self.is_fraud[rows],
        )


def answer_from_log(log: DecisionLog, question: Question) -> Answer:
    """Score the logged vectors of the question's days with its release.

    Decisions with an incomplete history count as rows without a label: as volume, and in no rate. Their vectors are not
    those of the lake.

    Raises:
        ReleaseError: The vectors are not of the release's feature set.
        MissingDay: The export does not cover the days, was made before `as_of` had ended, or a day has no labels.
        DataError: The release gives other scores here than it gave when it decided.
        NotIdentified: A payment that was blocked on these days has no label.
        NotEnoughRows: No fraud is known.
    """
    _require_covered(log, question)
    evaluator, labels = load_evaluator(question.bundle), Labels(log.labels(), question.as_of)
    rows: list[_Rows] = []
    delays: list[Delays] = []
    unknown, incomplete, blocked = np.zeros(len(question.span.days), np.int64), 0, Blocked()
    for piece in log.decisions():
        # Days outside the question count here: they also show how late labels come.
        delays.append(labels.delays(piece["transaction_id"], piece["event_time"] // DAY_SECONDS))
        part = _within(piece, question.span)
        if not part["day"].size:
            continue
        score = _scored(evaluator, log, part, question.bundle.release)
        said = blocked.count(part, labels.status(part["transaction_id"]))
        status = np.where(part["history_complete"], said, np.int8(UNKNOWN))
        incomplete += int(np.count_nonzero(~part["history_complete"]))
        unknown += _count_a_day(part["day"][status == UNKNOWN], question.span)
        rows.append(_labelled(part, score, status, labels.delay_of(part["transaction_id"], part["day"])))
    blocked.require_identified(question.span)
    table = merge(*(ScoreTable.from_rows(each.day, each.score, each.is_fraud, each.amount) for each in rows))
    require_labelled(table, question.span)
    certify = _certify(table, _Rows(*_joined(rows)), unknown)
    age, delay = Delays(*_joined(delays))
    curve = Maturation.fit(age, delay, np.ones_like(age))
    certify = replace(certify, maturation=curve, as_of=day_number(question.as_of))
    return Answer(certify, "logged decisions", incomplete)


def _require_covered(log: DecisionLog, question: Question) -> None:
    about, bundle = log.about, question.bundle
    if (theirs := about.feature_set) != (ours := bundle.manifest["feature_set"]):
        raise ReleaseError(
            f"the vectors are of feature set {theirs}, release {bundle.release} needs {ours}: replay the lake"
        )
    if str(question.span.first) < about.first or str(question.span.last) > about.last:
        raise MissingDay(f"the export covers {about.first} to {about.last}, not {question.span}: export these days")
    if (day_number(question.as_of) + 1) * DAY_SECONDS > about.exported_at:
        made = date_of(day_of(about.exported_at))
        raise MissingDay(
            f"the export was made on {made}, before {question.as_of} had ended: give an earlier --as-of, or wait"
        )


def _within(piece: Columns, span: Span) -> Columns:
    """Return the piece's rows of the span's days, with `day` (days since 1970) as one more column."""
    day = piece["event_time"] // DAY_SECONDS
    inside = (day >= day_number(span.first)) & (day <= day_number(span.last))
    return {name: values[inside] for name, values in piece.items()} | {"day": day[inside]}


def _scored(evaluator: Evaluator, log: DecisionLog, part: Columns, release: str) -> npt.NDArray[np.int32]:
    """Score a part of the log; where the release itself decided, its scores must be the logged ones."""
    score = evaluator.score(part["vector"])
    own = part["release"] == (log.about.releases.index(release) if release in log.about.releases else -1)
    gap = np.abs(score[own] - part["score"][own])
    if gap.any():
        raise DataError(
            f"release {release} scores {np.count_nonzero(gap)} of {gap.size} of its own decisions differently here, by "
            f"up to {gap.max()} ppm: export again, or replay with the libraries that the scorer has"
        )
    return score


def _count_a_day(day: Ints, span: Span) -> Ints:
    """Count rows by day of the span, shape ``(days,)``."""
    return np.bincount(day - day_number(span.first), minlength=len(span.days))


def _labelled(part: Columns, score: npt.NDArray[np.int32], status: Statuses, delay: Ints) -> _Rows:
    """Keep the rows with a known label."""
    whole = _Rows(
        score=score.astype(np.int64),
        amount=part["amount"],
        customer=part["customer"],
        terminal=part["terminal"],
        day=part["day"],
        delay=delay,
        is_fraud=status == FRAUD,
    )
    return whole.take(status != UNKNOWN)


def _joined(parts: Iterable[tuple[npt.NDArray[Any], ...]]) -> Iterator[npt.NDArray[Any]]:
    """Join parts end to end, column by column."""
    return (np.concatenate(column) for column in zip(*parts, strict=True))


def _certify(table: ScoreTable, rows: _Rows, unknown: Ints) -> Certify:
    frauds, legit = rows.take(rows.is_fraud), rows.take(~rows.is_fraud)
    # The lake's frauds have the same order (jobs/judging/reduction.py); np.lexsort takes the weightiest key last.
    known = frauds.take(np.lexsort((frauds.day, frauds.terminal, frauds.customer, frauds.amount, frauds.score)))
    return Certify(
        table,
        Frauds(known.score, known.amount, known.customer, known.terminal, unknown.size, known.day, known.delay),
        [_blocks("terminals", legit.terminal, legit.score), _blocks("customers", legit.customer, legit.score)],
        unknown_a_day=unknown,
    )


def _blocks(name: str, block: Ints, score: Ints) -> LegitBlocks:
    """Count legitimate rows by block and score."""
    # One number a pair, because np.unique sorts numbers many times faster than pairs; codes of a file are small.
    pairs, count = np.unique(block * (MAX_SCORE + 1) + score, return_counts=True)
    blocks, scores = np.divmod(pairs, MAX_SCORE + 1)
    return LegitBlocks(name, blocks, scores, count.astype(np.int64))

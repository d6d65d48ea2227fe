"""Logged decisions scored again by a release, in NumPy, piece by piece: evidence without the lake."""

import datetime as dt

import numpy as np
import numpy.typing as npt

from antifraud.clock import DAY_SECONDS, date_of, day_number, day_of
from antifraud.decision_log import STATUS, Columns, DecisionLog
from antifraud.errors import DataError, MissingDay, ReleaseError
from antifraud.evaluator import Evaluator, load_evaluator
from antifraud.gate import Certify
from antifraud.loss import Frauds
from antifraud.score_tables import MAX_SCORE, ScoreTable, merge
from antifraud.threshold import LegitBlocks
from jobs.model.evidence import require_labelled
from jobs.model.replaying import Answer, Question

FRAUD, LEGITIMATE, UNKNOWN = (STATUS.index(status) for status in ("fraud", "legitimate", "unknown"))
Ints = npt.NDArray[np.int64]
KEPT = ("score", "amount", "customer", "terminal", "day")


def answer_from_log(log: DecisionLog, asked: Question) -> Answer:
    """Score the logged vectors of the days with the release.

    Raises:
        ReleaseError: The vectors are not of the release's feature set.
        MissingDay: The export does not cover the days, or was made before `as_of` had ended, or a day has no labels.
        DataError: The release gives other scores here than it gave when it decided.
    """
    _require_covered(log, asked)
    evaluator, status_of = load_evaluator(asked.bundle), _Statuses(log.labels(), asked.as_of)
    tables, rows = [], [np.zeros((len(KEPT) + 1, 0), np.int64)]
    unknown = np.zeros(len(asked.span.days), np.int64)
    for piece in log.decisions():
        day = piece["event_time"] // DAY_SECONDS
        inside = (day >= day_number(asked.span.first)) & (day <= day_number(asked.span.last))
        if not inside.any():
            continue
        part = {name: values[inside] for name, values in piece.items()} | {"day": day[inside]}
        score, status = _scored(evaluator, log, part, asked.bundle.release), status_of(part["transaction_id"])
        known = status != UNKNOWN
        unknown += np.bincount(part["day"][~known] - day_number(asked.span.first), minlength=unknown.size)
        is_fraud = status[known] == FRAUD
        tables.append(ScoreTable.from_rows(part["day"][known], score[known], is_fraud, part["amount"][known]))
        kept = np.stack([(score if name == "score" else part[name])[known] for name in KEPT])
        rows.append(np.vstack([kept, is_fraud[None]]).astype(np.int64))
    table = merge(*tables)
    require_labelled(table, asked.span)
    return Answer(_certify(table, np.hstack(rows), unknown), "logged decisions")


def _require_covered(log: DecisionLog, asked: Question) -> None:
    about, bundle = log.about, asked.bundle
    if (theirs := about.feature_set) != (ours := bundle.manifest["feature_set"]):
        raise ReleaseError(
            f"the vectors are of feature set {theirs}, release {bundle.release} needs {ours}: replay the lake"
        )
    if str(asked.span.first) < about.first or str(asked.span.last) > about.last:
        raise MissingDay(f"the export covers {about.first} to {about.last}, not {asked.span}: export these days")
    if (day_number(asked.as_of) + 1) * DAY_SECONDS > about.exported_at:
        made = date_of(day_of(about.exported_at))
        raise MissingDay(
            f"the export was made on {made}, before {asked.as_of} had ended: give an earlier --as-of, or wait"
        )


def _scored(evaluator: Evaluator, log: DecisionLog, part: Columns, release: str) -> npt.NDArray[np.int32]:
    """Scores of a piece; where the release itself decided they must be the logged ones."""
    score = evaluator.score(part["vector"])
    own = part["release"] == (log.about.releases.index(release) if release in log.about.releases else -1)
    gap = np.abs(score[own] - part["score"][own])
    if gap.any():
        raise DataError(
            f"release {release} scores {np.count_nonzero(gap)} of {gap.size} of its own decisions differently here, by "
            f"up to {gap.max()} ppm: export again, or replay with the libraries that the scorer has"
        )
    return score


class _Statuses:
    """What was known at the end of a day: of each transaction the latest label by (learned_at, source, arrival)."""

    def __init__(self, labels: Columns, as_of: dt.date) -> None:
        known = labels["label_learned_at"] < (day_number(as_of) + 1) * DAY_SECONDS
        ids, learned, source, status = (
            labels[f"label_{name}"][known] for name in ("transaction_id", "learned_at", "source", "status")
        )
        order = np.lexsort((np.arange(ids.size), source, learned, ids))
        last = np.append(np.diff(ids[order]) != 0, True)[: ids.size]
        self._ids, self._status = ids[order][last], status[order][last]

    def __call__(self, ids: Ints) -> npt.NDArray[np.int8]:
        """Status of each transaction, unknown without a label."""
        if not self._ids.size:
            return np.full(ids.size, UNKNOWN, np.int8)
        place = np.minimum(np.searchsorted(self._ids, ids), self._ids.size - 1)
        return np.where(self._ids[place] == ids, self._status[place], UNKNOWN).astype(np.int8)


def _certify(table: ScoreTable, rows: Ints, unknown: Ints) -> Certify:
    """`rows` holds `KEPT` and whether it is a fraud, one row each; every label of its days is taken to have come."""
    frauds, legit = rows[:-1, rows[-1] == 1], rows[:-1, rows[-1] == 0]
    score, amount, customer, terminal, day = frauds[:, np.lexsort(frauds[::-1])]
    blocks = [_blocks("terminals", legit[3], legit[0]), _blocks("customers", legit[2], legit[0])]
    known = Frauds(score, amount, customer, terminal, unknown.size, day)
    return Certify(table, known, blocks, unknown_a_day=unknown)


def _blocks(name: str, block: Ints, score: Ints) -> LegitBlocks:
    both, count = np.unique(block * (MAX_SCORE + 1) + score, return_counts=True)
    return LegitBlocks(name, *np.divmod(both, MAX_SCORE + 1), count.astype(np.int64))

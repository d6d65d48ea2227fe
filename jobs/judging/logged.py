"""Logged decisions scored again by a release, in NumPy, piece by piece: evidence without the lake."""

import datetime as dt
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from antifraud.artifacts.decision_log import STATUS, Columns, DecisionLog
from antifraud.clock import DAY_SECONDS, date_of, day_number, day_of
from antifraud.errors import DataError, MissingDay, ReleaseError
from antifraud.gate.judge import Certify
from antifraud.model.evaluator import Evaluator, load_evaluator
from antifraud.stats.episodes import Frauds
from antifraud.stats.maturation import Maturation
from antifraud.stats.score_tables import MAX_SCORE, ScoreTable, merge
from antifraud.stats.threshold import LegitBlocks
from jobs.judging.certify_rows import require_labelled
from jobs.judging.replaying import Answer, Question

FRAUD, LEGITIMATE, UNKNOWN = (STATUS.index(status) for status in ("fraud", "legitimate", "unknown"))
Ints = npt.NDArray[np.int64]
KEPT = ("score", "amount", "customer", "terminal", "day")


def answer_from_log(log: DecisionLog, asked: Question) -> Answer:
    """Score the logged vectors of the days with the release.

    Raises:
        ReleaseError: The vectors are not of the release's feature set.
        MissingDay: The export does not cover the days, or was made before `as_of` had ended, or a day has no labels.
        DataError: The release gives other scores here than it gave when it decided.
        NotEnoughRows: No fraud is known.
    """
    _require_covered(log, asked)
    evaluator, said = load_evaluator(asked.bundle), _Labels(log.labels(), asked.as_of)
    tables, rows, delays = [], [np.zeros((len(KEPT) + 1, 0), np.int64)], []
    unknown = np.zeros(len(asked.span.days), np.int64)
    for piece in log.decisions():
        day = piece["event_time"] // DAY_SECONDS
        delays.append(said.delays(piece["transaction_id"], day))
        inside = (day >= day_number(asked.span.first)) & (day <= day_number(asked.span.last))
        if not inside.any():
            continue
        part = {name: values[inside] for name, values in piece.items()} | {"day": day[inside]}
        score, status = _scored(evaluator, log, part, asked.bundle.release), said.status(part["transaction_id"])
        known = status != UNKNOWN
        unknown += np.bincount(part["day"][~known] - day_number(asked.span.first), minlength=unknown.size)
        is_fraud = status[known] == FRAUD
        tables.append(ScoreTable.from_rows(part["day"][known], score[known], is_fraud, part["amount"][known]))
        kept = np.stack([(score if name == "score" else part[name])[known] for name in KEPT])
        rows.append(np.vstack([kept, is_fraud[None]]).astype(np.int64))
    table = merge(*tables)
    require_labelled(table, asked.span)
    certify = _certify(table, np.hstack(rows), unknown)
    age, delay = np.hstack(delays)
    curve = Maturation.fit(age, delay, np.ones_like(age))
    return Answer(replace(certify, maturation=curve, as_of=day_number(asked.as_of)), "logged decisions")


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


class _Labels:
    """What was known at the end of a day."""

    def __init__(self, labels: Columns, as_of: dt.date) -> None:
        self._as_of = day_number(as_of)
        known = labels["label_learned_at"] < (self._as_of + 1) * DAY_SECONDS
        ids, learned, source, status = (
            labels[f"label_{name}"][known] for name in ("transaction_id", "learned_at", "source", "status")
        )
        order = np.lexsort((np.arange(ids.size), source, learned, ids))
        last = np.append(np.diff(ids[order]) != 0, True)[: ids.size]
        self._ids, self._status = ids[order][last], status[order][last]
        frauds = order[status[order] == FRAUD]
        self._frauds, first = np.unique(ids[frauds], return_index=True)
        self._learned = learned[frauds][first]

    def status(self, ids: Ints) -> npt.NDArray[np.int8]:
        """By each transaction's latest label by (learned_at, source, arrival); unknown without one."""
        place, found = _places(self._ids, ids)
        status = np.full(ids.size, UNKNOWN, np.int8)
        status[found] = self._status[place[found]]
        return status

    def delays(self, ids: Ints, day: Ints) -> Ints:
        """Age of the day and days until it was first called a fraud (2, n), of those of the transactions that were."""
        place, found = _places(self._frauds, ids)
        return np.stack([self._as_of - day[found], self._learned[place[found]] // DAY_SECONDS - day[found]])


def _places(among: Ints, ids: Ints) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Where each id lies among sorted ones, and whether it does."""
    place = np.searchsorted(among, ids)
    found = place < among.size
    found[found] = among[place[found]] == ids[found]
    return place, found


def _certify(table: ScoreTable, rows: Ints, unknown: Ints) -> Certify:
    """`rows` holds `KEPT` and whether it is a fraud, one row each."""
    frauds, legit = rows[:-1, rows[-1] == 1], rows[:-1, rows[-1] == 0]
    score, amount, customer, terminal, day = frauds[:, np.lexsort(frauds[::-1])]
    blocks = [_blocks("terminals", legit[3], legit[0]), _blocks("customers", legit[2], legit[0])]
    known = Frauds(score, amount, customer, terminal, unknown.size, day)
    return Certify(table, known, blocks, unknown_a_day=unknown)


def _blocks(name: str, block: Ints, score: Ints) -> LegitBlocks:
    both, count = np.unique(block * (MAX_SCORE + 1) + score, return_counts=True)
    return LegitBlocks(name, *np.divmod(both, MAX_SCORE + 1), count.astype(np.int64))

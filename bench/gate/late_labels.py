"""Measure how often next month's loss stays within its bound where missed fraud is learnt later than caught fraud.

Worlds: labels of caught fraud come after 2 days, of missed fraud after 15 to 25 days, for each fraud by itself or for a
whole episode at once. `before` is the gate of old: one curve for all fraud.

    make bench-waves
"""

import math
from dataclasses import replace
from typing import Final

import numpy as np

from antifraud.errors import NotEnoughRows
from antifraud.gate.certify import Certify
from antifraud.gate.judge import month_loss
from antifraud.gate.limits import Limits
from antifraud.stats.episodes import Frauds
from antifraud.stats.loss import Volume, loss_bound
from antifraud.stats.maturation import Maturation
from antifraud.stats.score_tables import ScoreTable
from bench.gate.shapes import DAYS, SEED, span
from bench.gate.waves import COMMAND, MONTH, STARTS, amounts, error_of, listed
from bench.record import record

HISTORY: Final = 60
"""Days that the curve of all fraud is fitted to."""
AS_OF: Final = HISTORY - 1
YOUNGEST: Final = 7
"""Age of the window's newest day."""
FRAUDS: Final = 2
"""Frauds of an episode beyond its first, on average."""
LIFE: Final = 7
LEGITIMATE: Final = 300
"""Legitimate rows a day."""
CAUGHT_SHARE: Final = 0.6
CAUGHT_DELAY: Final = 2
MISSED_DELAY: Final = (15, 25)
THRESHOLD: Final = 5


def repetition(number: int, *, together: bool) -> tuple[float, float, float]:
    """Return the month's missed fraud, its bound (NaN if refused), and the bound by one curve for all fraud."""
    rng, days = np.random.default_rng([SEED, number]), HISTORY + MONTH
    first = rng.uniform(-LIFE, days, rng.poisson(STARTS * (days + LIFE)))
    episode = np.repeat(np.arange(first.size), 1 + rng.poisson(FRAUDS, first.size))
    day = np.floor(first[episode] + LIFE * rng.random(episode.size)).astype(int)
    missed = (rng.random(first.size) > CAUGHT_SHARE)[episode]
    shared = rng.integers(MISSED_DELAY[0], MISSED_DELAY[1] + 1, first.size)[episode]
    own = rng.integers(MISSED_DELAY[0], MISSED_DELAY[1] + 1, episode.size)
    delay = np.where(missed, shared if together else own, CAUGHT_DELAY)
    amount = amounts(rng, episode.size)
    month = float(amount[missed & (day >= HISTORY) & (day < days)].sum())
    known = (day >= 0) & (day + delay <= AS_OF)
    everyone = Maturation.fit(AS_OF - day[known], delay[known], np.ones(known.sum(), int))
    columns = [column[known] for column in (day, delay, amount, missed, episode)]
    certify = _certify(everyone, *columns)
    old = _old_bound(certify, everyone, number)
    try:
        return month, month_loss(certify, THRESHOLD, Limits(), seed=number).bound, old
    except NotEnoughRows:  # refused: too few days know enough of the missed fraud
        return month, math.nan, old


def _certify(
    everyone: Maturation,
    day: np.ndarray,
    delay: np.ndarray,
    amount: np.ndarray,
    missed: np.ndarray,
    episode: np.ndarray,
) -> Certify:
    """Return the window that ends `YOUNGEST` days before the end of the history, with what is known by then."""
    last = AS_OF - YOUNGEST
    inside = (day > last - DAYS) & (day <= last)
    score = np.where(missed[inside], 1, 9)
    columns = (score, amount[inside], np.arange(inside.sum()), episode[inside])
    frauds = Frauds(*columns, DAYS, day[inside], delay[inside])
    every_day = np.repeat(np.arange(last - DAYS + 1, last + 1), LEGITIMATE)
    day, amount = np.append(frauds.require_day(), every_day), np.append(frauds.amount, every_day * 0)
    is_fraud = np.arange(day.size) < score.size
    table = ScoreTable.from_rows(day, np.append(score, every_day * 0), is_fraud, amount)
    return Certify(table, frauds, maturation=everyone, as_of=AS_OF)


def _old_bound(certify: Certify, everyone: Maturation, number: int) -> float:
    """Return the bound by one curve for all fraud: days that know nothing of missed fraud count as days without it."""
    missed = certify.frauds.missed(THRESHOLD)
    expected = replace(missed.divided(everyone.at(AS_OF - missed.require_day())), day=None)
    return loss_bound(expected, volume=Volume(month_sd=0.0), seed=number).bound


def late_label_figures(repetitions: int) -> None:
    """Record the coverage before and after, with labels of an episode that come one by one or together."""
    now, before, ratio, refused = {}, {}, {}, {}
    for name, together in (("one by one", False), ("whole episodes", True)):
        found = np.array([repetition(number, together=together) for number in range(repetitions)])
        refused[name] = float(np.isnan(found[:, 1]).mean())
        loss, bound, old = found[~np.isnan(found[:, 1])].T
        now[name], before[name] = float((loss <= bound).mean()), float((loss <= old).mean())
        ratio[name] = float(np.median(bound) / loss.mean())
    said = f"level 0.99, {repetitions} windows, Monte Carlo error {error_of(min(now.values()), repetitions):.3f}"
    beside = f"{said}. {listed(now)} Before: {listed(before)} Bound over truth: {listed(ratio)}"
    beside += f" Refused: {listed(refused)}"
    record("gate.maturation_coverage", min(now.values()), "1", COMMAND, beside, span(now.values()))


if __name__ == "__main__":
    late_label_figures(repetitions=400)

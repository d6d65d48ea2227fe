"""Simulate how often a candidate worse by the margin counts as not inferior, and how often an equal one does not.

The frauds of the worlds in `bench.gate.loss` are missed by one model and caught by the other. The comparison is
measured against the bound by days alone, which treats days as independent and nearly normal.
"""

import math
from typing import Final

import numpy as np

from antifraud.stats.bounds import ratio_bound
from antifraud.stats.comparison import Decider, Margins, compare
from antifraud.stats.episodes import Frauds
from antifraud.stats.score_tables import MONTH_DAYS, ScoreTable
from bench.gate.loss import HIDDEN_DAYS, WORLDS, all_frauds
from bench.gate.shapes import COMMAND, DAYS, SEED, named, span
from bench.record import record

COMPARED: Final = ("default", "heavy tails", "few episodes")
"""Worlds with enough episodes for two models to differ in every window. With rarer episodes the difference may be 0."""
SHARES: Final = {"candidate only": (1.0, 0.0), "both miss": (1.0, 0.5), "few": (0.2, 0.1)}
"""Shares of the world's episodes that only the candidate misses, and that only the champion misses."""
ALIKE: Final = (0.05, 0.05)
"""The same shares for two models that differ by little and lose the same."""
MARGIN: Final = Margins()
FLAGGED, MISSED = 9, 1
THRESHOLD: Final = 5
Columns = tuple[np.ndarray, np.ndarray, np.ndarray]


def expected_month(world: str) -> float:
    """Return the expected missed fraud of a month, minor units; amounts are rounded down and one added."""
    total = 0.0
    for life, (starts, daily, later, median, sigma) in WORLDS[world].items():
        early = min(HIDDEN_DAYS, life)
        frauds = starts * daily * (early + (life - early) * later)
        total += frauds * (median * math.exp(sigma**2 / 2) + 0.5)
    return MONTH_DAYS * total


def stream(rng: np.random.Generator, world: str, share: float, days: int) -> Columns:
    """Draw day, amount and episode of the window's frauds in a share of the world's episodes."""
    *frauds, missed = all_frauds(world, rng, *rng.spawn(1))
    day, amount, episode = (column[missed] for column in frauds)
    names, which = np.unique(episode, return_inverse=True)
    kept = (day >= 0) & (day < days) & (rng.random(names.size) < share)[which]
    return day[kept].astype(int), amount[kept], episode[kept]


def deciders(rng: np.random.Generator, world: str, shares: tuple[float, float], days: int) -> tuple[Decider, Decider]:
    """Draw champion and candidate on the same rows: frauds that one of them misses, and a legitimate row a day."""
    streams = [stream(rng, world, share, days) for share in shares]
    day, amount, episode = (np.concatenate(columns) for columns in zip(*streams, strict=True))
    by_champion = np.repeat([False, True], [each[0].size for each in streams])
    terminal, customer = np.where(by_champion, -episode, episode), np.arange(day.size)
    rows, legit = np.concatenate([day, np.arange(days)]), np.zeros(days, int)
    is_fraud, worth = np.arange(rows.size) < day.size, np.concatenate([amount, legit])
    sides = []
    for missed in (by_champion, ~by_champion):
        score = np.where(missed, MISSED, FLAGGED)
        table = ScoreTable.from_rows(rows, np.concatenate([score, legit]), is_fraud, worth)
        sides.append(Decider(table, THRESHOLD, Frauds(score, amount, customer, terminal, days, day)))
    return sides[0], sides[1]


def bounds(world: str, shares: tuple[float, float], number: int, days: int = DAYS) -> tuple[float, float]:
    """Return the bound of a month's loss difference in one repetition, and the bound by days alone."""
    champion, candidate = deciders(np.random.default_rng([SEED, number]), world, shares, days)
    found = compare(champion, candidate, MARGIN)
    alpha, daily = 1 - MARGIN.confidence, candidate.missed - champion.missed
    return found.loss_difference_bound, ratio_bound(daily, np.ones(days, int), alpha) * MONTH_DAYS


def passed(
    world: str, shares: tuple[float, float], repetitions: int, margin: float | None = None, days: int = DAYS
) -> np.ndarray:
    """Return the share of repetitions within the margin, and by days alone; default margin: the true difference."""
    within = expected_month(world) * (shares[0] - shares[1]) if margin is None else margin
    found = np.array([bounds(world, shares, number, days) for number in range(repetitions)])
    return np.asarray((found <= within).mean(axis=0))


def comparison_figures(repetitions: int) -> None:
    """Record the largest share of candidates worse by the margin that pass, and the smallest share of equal ones."""
    wrong = {w: {name: passed(w, shares, repetitions) for name, shares in SHARES.items()} for w in COMPARED}
    power = {world: passed(world, ALIKE, repetitions, MARGIN.loss_minor) for world in COMPARED}
    promised = f"worse by exactly the margin, promised 0.05, {repetitions} windows of {DAYS} days"
    alike = f"differ in 5 % of episodes each way, lose the same, margin {MARGIN.loss_minor / 100:,.0f} RUB"
    for place, suffix in enumerate(("", "_days_alone")):
        by_world = {w: {name: float(each[place]) for name, each in found.items()} for w, found in wrong.items()}
        beside = ". ".join([promised, *(f"{w.capitalize()}: {named(shares, '.3f')}" for w, shares in by_world.items())])
        every = [share for shares in by_world.values() for share in shares.values()]
        record(f"gate.noninferior_wrong{suffix}", max(every), "1", COMMAND, beside, span(every))
        shares = {name: float(each[place]) for name, each in power.items()}
        beside = f"{alike}; {named(shares, '.3f')}"
        record(f"gate.noninferior_power{suffix}", min(shares.values()), "1", COMMAND, beside, span(shares.values()))

"""Measure how often a candidate that is worse by the whole margin passes, and how often one as good fails.

The worlds of `bench.gate.loss` give the frauds that one model misses and the other catches. Each figure is also taken
with the bound by days alone, as if days were independent and nearly normal.
"""

import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from antifraud.errors import NoFraud
from antifraud.stats.bounds import ratio_bound
from antifraud.stats.comparison import Decider, Margins, compare
from antifraud.stats.episodes import Frauds
from antifraud.stats.score_tables import MONTH_DAYS, ScoreTable
from bench.gate.loss import HIDDEN_DAYS, WORLDS, all_frauds
from bench.gate.shapes import COMMAND, DAYS, SEED, named, span
from bench.record import record

COMPARED: Final = ("default", "heavy tails", "few episodes")
"""Worlds with episodes enough to show a difference; with rarer episodes a window may show none."""
SHARES: Final = {"candidate only": (1.0, 0.0), "both miss": (1.0, 0.5), "few": (0.2, 0.1)}
"""Shares of the world's episodes: missed by the candidate alone, and (of other episodes) by the champion alone."""
ALIKE: Final = (0.05, 0.05)
"""The same of two models that differ by little and lose the same."""
MARGIN: Final = Margins()
FLAGGED, MISSED = 9, 1
THRESHOLD: Final = 5
Columns = tuple[np.ndarray, np.ndarray, np.ndarray]


def expected_month(world: str) -> float:
    """Return the expected missed fraud of a month, minor units."""
    total = 0.0
    for life, (starts, daily, later, median, sigma) in WORLDS[world].items():
        early = min(HIDDEN_DAYS, life)
        frauds = starts * daily * (early + (life - early) * later)
        # `all_frauds` rounds amounts down and adds one, which is half a unit more on average.
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
    """Return the bound of the loss difference a month in one repetition, and the bound by days alone.

    A window without any fraud is refused, so its bound is infinite.
    """
    champion, candidate = deciders(np.random.default_rng([SEED, number]), world, shares, days)
    alpha, daily = 1 - MARGIN.confidence, candidate.missed - champion.missed
    by_days = ratio_bound(daily, np.ones(days, int), alpha) * MONTH_DAYS
    try:
        return compare(champion, candidate, MARGIN).loss_difference_bound, by_days
    except NoFraud:
        return math.inf, by_days


def passed(
    world: str, shares: tuple[float, float], repetitions: int, margin: float | None = None, days: int = DAYS
) -> np.ndarray:
    """Return the share of repetitions within the margin, and the same by days alone.

    The margin is the true difference unless it is given.
    """
    within = expected_month(world) * (shares[0] - shares[1]) if margin is None else margin
    found = np.array([bounds(world, shares, number, days) for number in range(repetitions)])
    return np.asarray((found <= within).mean(axis=0))


def _by_world(shares: Mapping[str, float]) -> str:
    """Return a sentence a world."""
    each = (f"{world}: {named({name: shares[f'{world}, {name}'] for name in SHARES}, '.3f')}." for world in COMPARED)
    return " ".join(text[0].upper() + text[1:] for text in each)


def comparison_figures(repetitions: int) -> None:
    """Record how many candidates pass: worse by exactly the margin (worst case), and as good as the champion."""
    wrong = {f"{w}, {name}": passed(w, shares, repetitions) for w in COMPARED for name, shares in SHARES.items()}
    power = {world: passed(world, ALIKE, repetitions, MARGIN.loss_minor) for world in COMPARED}
    promised = f"worse by exactly the margin, promised 0.05, {repetitions} windows of {DAYS} days"
    alike = f"differ in 5 % of episodes each way, lose the same, margin {MARGIN.loss_minor / 100:,.0f} RUB"
    for place, suffix in enumerate(("", "_days_alone")):
        shares = {name: float(each[place]) for name, each in wrong.items()}
        beside = f"{promised}. {_by_world(shares)}"
        record(f"gate.noninferior_wrong{suffix}", max(shares.values()), "1", COMMAND, beside, span(shares.values()))
        shares = {name: float(each[place]) for name, each in power.items()}
        beside = f"{alike}; {named(shares, '.3f')}"
        record(f"gate.noninferior_power{suffix}", min(shares.values()), "1", COMMAND, beside, span(shares.values()))

"""Measure how often a candidate that is worse by the margin passes where days alone let it pass.

The worlds concentrate what only the candidate does: on few terminals, on terminals of very different sizes, on days
that resemble each other, and in one episode in twenty days. Beside each share stands the one of days alone.
"""

import math
from collections.abc import Callable
from typing import Final

import numpy as np

from antifraud.errors import NoFraud
from antifraud.stats.bounds import ratio_bound
from antifraud.stats.comparison import Margins
from antifraud.stats.differences import TOGETHER, difference_bounds, fewest_blocks
from antifraud.stats.discordance import excess_bound
from antifraud.stats.episodes import Frauds
from antifraud.stats.paired import PairedRows
from antifraud.stats.score_tables import MONTH_DAYS
from bench.gate.shapes import COMMAND, DAYS, SEED, span
from bench.record import record

ROWS, TERMINALS, CUSTOMERS = 20_000, 1_000, 1_000
MARGIN: Final = Margins().fpr
ALPHA: Final = 1 - Margins().confidence
MEMORY: Final = 0.8
"""Correlation of a day's effect with that of the day before."""
NOISE: Final = 0.002
"""Share of rows that each of two equally good models flags and the other does not."""
EVERY_DAYS: Final = 20
"""Days between two episodes that only the candidate misses."""
KNOWN: Final = 40
"""Episodes of the window that both models catch."""

Chances = Callable[[np.random.Generator, np.ndarray, np.ndarray], np.ndarray]


def concentrated(share: float) -> Chances:
    """Flag more rows at a share of the terminals only."""

    def chances(rng: np.random.Generator, terminal: np.ndarray, day: np.ndarray) -> np.ndarray:
        del day
        return np.asarray(((rng.random(terminal.max() + 1) < share) * min(1.0, MARGIN / share))[terminal])

    return chances


def waves(spread: float) -> Chances:
    """Let days with memory add flags or save them; `spread` is the standard deviation of a day's rate."""

    def chances(rng: np.random.Generator, terminal: np.ndarray, day: np.ndarray) -> np.ndarray:
        del terminal
        effect = rng.normal(size=DAYS)
        for today in range(1, DAYS):
            effect[today] = MEMORY * effect[today - 1] + math.sqrt(1 - MEMORY**2) * effect[today]
        return np.asarray((MARGIN + spread * effect)[day])

    return chances


def even(rng: np.random.Generator) -> np.ndarray:
    """Draw terminals of equal size."""
    return rng.integers(0, TERMINALS, ROWS)


def few(rng: np.random.Generator) -> np.ndarray:
    """Draw 300 terminals of equal size, so few that a window may show none that the candidate treats worse."""
    return rng.integers(0, 300, ROWS)


def heavy(rng: np.random.Generator) -> np.ndarray:
    """Draw terminals whose sizes have tail index 1.2."""
    size = rng.pareto(1.2, TERMINALS) + 0.1
    return rng.choice(TERMINALS, ROWS, p=size / size.sum())


WORSE: Final[dict[str, tuple[Callable[[np.random.Generator], np.ndarray], Chances, float]]] = {
    "5 % of terminals": (even, concentrated(0.05), 0.0),
    "1 % of terminals": (even, concentrated(0.01), 0.0),
    "0.5 % of terminals": (even, concentrated(0.005), 0.0),
    "0.5 % of terminals and noise": (even, concentrated(0.005), NOISE),
    "0.5 % of 300 terminals": (few, concentrated(0.005), 0.0),
    "heavy-tailed terminals": (heavy, concentrated(0.05), 0.0),
    "1 % of heavy-tailed terminals": (heavy, concentrated(0.01), NOISE),
    "days with memory": (even, waves(0.005), 0.0),
    "days with more memory than flags": (even, waves(0.01), NOISE),
}
"""Terminals, chances of a row that only the candidate flags it (negative: only the champion), and noise on both sides.

Each is worse by exactly the margin, on average over such windows."""

ALIKE: Final = ((even, NOISE), (even, 0.01), (heavy, NOISE), (few, NOISE))
"""Terminals and noise of two equally good models."""
NONE: Final = f" 300 terminals can show nothing: the margin needs {fewest_blocks(MARGIN, ALPHA)}."
SIZES: Final = ((0.5, 3), (0.5, KNOWN), (1.0, 3), (1.0, KNOWN), (1.5, 3), (1.5, KNOWN))
"""Sigma of the episodes' log-normal sizes, and how many the window shows that both models catch."""


def drawn(
    rng: np.random.Generator, terminals: Callable[[np.random.Generator], np.ndarray], chances: Chances, noise: float
) -> tuple[PairedRows, np.ndarray, np.ndarray]:
    """Draw a window: its paired rows, and difference and rows of each day."""
    terminal, day = terminals(rng), rng.integers(0, DAYS, ROWS)
    chance, lot = chances(rng, terminal, day), rng.random(ROWS)
    candidate = lot < np.maximum(chance, 0) + noise
    champion = lot > 1 - np.maximum(-chance, 0) - noise
    paired = PairedRows.from_rows(
        champion & ~candidate, candidate, terminals=terminal, customers=rng.integers(0, CUSTOMERS, ROWS)
    )
    both = candidate.astype(int) - (champion & ~candidate)
    return paired, np.bincount(day, both, DAYS).astype(int), np.bincount(day, minlength=DAYS)


def passed(name: str, repetitions: int) -> np.ndarray:
    """Return the share of windows of a world of `WORSE` that pass, and the same by days alone."""
    found = []
    for number in range(repetitions):
        paired, net, legit = drawn(np.random.default_rng([SEED, number]), *WORSE[name])
        found.append((difference_bounds(paired, net, legit, ALPHA)[TOGETHER], ratio_bound(net, legit, ALPHA)))
    return np.asarray((np.array(found) <= MARGIN).mean(axis=0))


def passed_alike(terminals: Callable[[np.random.Generator], np.ndarray], noise: float, repetitions: int) -> np.ndarray:
    """Return the share of windows of two equally good models that pass, and the same by days alone."""

    def none(rng: np.random.Generator, terminal: np.ndarray, day: np.ndarray) -> np.ndarray:
        del rng, day
        return np.zeros(terminal.size)

    found = []
    for number in range(repetitions):
        paired, net, legit = drawn(np.random.default_rng([SEED, number]), terminals, none, noise)
        found.append((difference_bounds(paired, net, legit, ALPHA)[TOGETHER], ratio_bound(net, legit, ALPHA)))
    return np.asarray((np.array(found) <= MARGIN).mean(axis=0))


def rare_loss(sigma: float, known: int, repetitions: int) -> np.ndarray:
    """Return the share of windows that pass with one episode in `EVERY_DAYS`, and the same without known sizes.

    Without known sizes, a window without an episode passes, as with a bound of 0.
    """
    truth = MONTH_DAYS / EVERY_DAYS * math.exp(sigma**2 / 2)
    found = []
    for number in range(repetitions):
        rng = np.random.default_rng([SEED, number])
        missed = _episodes(rng, rng.poisson(DAYS / EVERY_DAYS), sigma, 0)
        caught = _episodes(rng, rng.poisson(known), sigma, missed.amount.size)
        whole = _joined(missed, caught)
        found.append([_within(missed, each, truth, number) for each in (whole, None)])
    return np.asarray(np.array(found).mean(axis=0))


def _episodes(rng: np.random.Generator, number: int, sigma: float, first: int) -> Frauds:
    amount, own = np.exp(sigma * rng.normal(size=number)) * 10_000, np.arange(first, first + number)
    return Frauds(np.zeros(number, int), amount.astype(int) + 1, own, own, DAYS)


def _joined(missed: Frauds, caught: Frauds) -> Frauds:
    amount = np.concatenate([missed.amount, caught.amount])
    own = np.arange(amount.size)
    return Frauds(np.zeros(amount.size, int), amount, own, own, DAYS)


def _within(missed: Frauds, known: Frauds | None, truth: float, seed: int) -> bool:
    try:
        return excess_bound(missed, ALPHA, known=known, seed=seed) <= truth * 10_000
    except NoFraud:
        return True


def concentrated_figures(repetitions: int) -> None:
    """Record how many candidates pass that are worse by the margin, and how many that are as good."""
    wrong = {name: passed(name, repetitions) for name in WORSE}
    power = {f"{at.__name__} terminals, noise {noise:.1%}": passed_alike(at, noise, repetitions) for at, noise in ALIKE}
    error = _error(repetitions)
    for place, suffix in enumerate(("", "_days_alone")):
        shares = {name: float(each[place]) for name, each in wrong.items()}
        beside = f"worse by exactly {MARGIN:.1%}, promised 0.05; {error}. {_listed(shares)}"
        record(f"gate.noninferior_fpr_wrong{suffix}", max(shares.values()), "1", COMMAND, beside, span(shares.values()))
        shares = {name: float(each[place]) for name, each in power.items()}
        beside = f"as good as the champion, margin {MARGIN:.1%}; {error}. {_listed(shares)}{NONE}"
        record(f"gate.noninferior_fpr_power{suffix}", min(shares.values()), "1", COMMAND, beside, span(shares.values()))


def rare_loss_figures(repetitions: int) -> None:
    """Record how many candidates pass that miss one episode in `EVERY_DAYS` more, as large as their margin."""
    rare = {f"sigma {sigma}, {known} known": rare_loss(sigma, known, repetitions) for sigma, known in SIZES}
    for place, suffix in enumerate(("", "_without_sizes")):
        shares = {name: float(each[place]) for name, each in rare.items()}
        beside = f"one episode in {EVERY_DAYS} days, promised 0.05; {_error(repetitions)}. {_listed(shares)}"
        figure = f"gate.noninferior_rare_loss_wrong{suffix}"
        record(figure, max(shares.values()), "1", COMMAND, beside, span(shares.values()))


def _error(repetitions: int) -> str:
    return f"{repetitions} windows of {DAYS} days, Monte Carlo error {math.sqrt(0.05 * 0.95 / repetitions):.3f}"


def _listed(shares: dict[str, float]) -> str:
    return " ".join(f"{name[0].upper()}{name[1:]}: {share:.3f}." for name, share in shares.items())


if __name__ == "__main__":
    concentrated_figures(repetitions=2_000)
    rare_loss_figures(repetitions=400)

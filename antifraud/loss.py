"""The most that a month of missed fraud will cost, with a stated probability.

Missed frauds come in episodes: a terminal stays compromised for 28 days, a customer for 14. Each missed fraud belongs
to the episode of its terminal or of its customer, whichever holds more missed fraud, and episodes are the unit: their
number in a month is Poisson, their totals are drawn from those seen. Two sources of error are drawn, and reported
apart: what the window cannot tell (each episode's intensity is Gamma(1) distributed, the Bayesian bootstrap of Rubin
1981 for a Poisson process), and the next month's own chance.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from antifraud.errors import NotEnoughRows
from antifraud.score_tables import MONTH_DAYS, Floats, Ints

MIN_DAYS: Final = 14
DRAWS: Final = 4_000
CHUNK_CELLS: Final = 2_000_000
"""Episodes times draws that are held in memory at once."""
UNSEEN: Final = 0.5
"""Shape of the intensity of episodes larger than all seen: Jeffreys' prior for a Poisson rate after no event."""
TAIL_LEAST: Final = 5
"""Episodes that the tail is estimated from, at least."""
TAIL_CAP: Final = 0.5
"""Largest tail index: beyond it the sizes would have no variance."""
SEED: Final = 20_260_101


@dataclass(frozen=True, slots=True, eq=False)
class Frauds:
    """Frauds of a window, one entry each, shape ``(n,)``: score (ppm), amount (minor units), customer and terminal.

    Customers and terminals are integer codes without meaning; `days` is the length of the window.
    """

    score: Ints
    amount: Ints
    customer: Ints
    terminal: Ints
    days: int

    def missed(self, threshold: int) -> "Frauds":
        """Those that `threshold` does not flag."""
        kept = self.score <= threshold
        return Frauds(self.score[kept], self.amount[kept], self.customer[kept], self.terminal[kept], self.days)

    @property
    def amount_a_month(self) -> float:
        """Their amount in 30 such days, minor units."""
        return float(self.amount.sum()) * MONTH_DAYS / self.days


@dataclass(frozen=True, slots=True)
class Volume:
    """Volume that a loss is predicted at.

    `factor` is frauds a month there over frauds a month in the window; `relative_sd` is the standard deviation of the
    volume's own error, as a share.
    """

    factor: float = 1.0
    relative_sd: float = 0.03


@dataclass(frozen=True, slots=True)
class LossBound:
    """Predicted loss of a 30-day month, minor units.

    `mean` is the expectation; `bound` is exceeded with probability 1 - `level`. `parameter`, `month` and `volume` say
    how far above the mean the bound would lie if only the window's, the month's or the volume's chance counted.
    """

    mean: float
    bound: float
    level: float
    parameter: float
    month: float
    volume: float
    episodes: int


def episode_totals(frauds: Frauds) -> Floats:
    """Amount of each episode, minor units, shape ``(episodes,)``.

    A fraud belongs to its terminal if that has at least as many frauds here as its customer, else to its customer.

    >>> ints = lambda *values: np.array(values, np.int64)
    >>> frauds = Frauds(ints(1, 1, 1), ints(100, 200, 400), ints(7, 8, 9), ints(5, 5, 6), days=28)
    >>> episode_totals(frauds).tolist()
    [300.0, 400.0]
    """
    terminals, terminal, in_terminal = np.unique(frauds.terminal, return_inverse=True, return_counts=True)
    _, customer, in_customer = np.unique(frauds.customer, return_inverse=True, return_counts=True)
    of_terminal = in_terminal[terminal] >= in_customer[customer]
    episode = np.where(of_terminal, terminal, terminals.size + customer)
    totals = np.bincount(episode, frauds.amount).astype(np.float64)
    return totals[totals > 0]


def loss_bound(missed: Frauds, *, level: float = 0.99, volume: Volume | None = None, seed: int = SEED) -> LossBound:
    """Bound the missed fraud of a 30-day month from the missed frauds of a window.

    Episodes larger than all seen have a Gamma(1/2) distributed intensity (Jeffreys' prior, none seen) and Pareto sizes:
    they stand for what the window was too short to show. Without any missed fraud there is nothing to learn a size
    from, and the bound is 0 like the mean.

    Raises:
        NotEnoughRows: The window is shorter than 14 days.
    """
    if missed.days < MIN_DAYS:
        raise NotEnoughRows(
            f"a loss bound needs {MIN_DAYS} days, found {missed.days}: {MIN_DAYS - missed.days} missing"
        )
    at = volume or Volume()
    seen = episode_totals(missed)
    scale = MONTH_DAYS / missed.days * at.factor
    mean = float(seen.sum()) * scale
    if not seen.size:
        return LossBound(0.0, 0.0, level, 0.0, 0.0, 0.0, 0)
    rng = np.random.default_rng(seed)
    growth = np.exp(at.relative_sd * rng.standard_normal(DRAWS))
    parameter, month, both = _draw(seen, scale, growth, rng)
    above = [float(np.quantile(draws, level)) - mean for draws in (parameter, month, mean * growth, both)]
    return LossBound(mean, mean + above[3], level, above[0], above[1], above[2], int(seen.size))


def _draw(seen: Floats, scale: float, growth: Floats, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Month totals with the window's chance only, the month's only, and all: shape ``(DRAWS,)`` each."""
    parts: list[tuple[Floats, ...]] = []
    for piece in np.array_split(growth, -(-DRAWS * seen.size // CHUNK_CELLS)):
        weights = rng.standard_gamma(1.0, (piece.size, seen.size))
        unseen, size = rng.standard_gamma(UNSEEN, piece.size), _beyond(seen, piece.size, rng)
        parameter = scale * (weights @ seen + unseen * size)
        month = rng.poisson(scale, weights.shape) @ seen
        both = rng.poisson(scale * piece[:, None] * weights) @ seen + rng.poisson(scale * piece * unseen) * size
        parts.append((parameter, month, both))
    parameter, own, total = (np.concatenate(column) for column in zip(*parts, strict=True))
    return parameter, own, total


def _beyond(seen: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """Sizes of episodes larger than all seen: Pareto, with the index of the largest tenth (Hill 1975)."""
    largest = np.sort(seen)[::-1][: max(TAIL_LEAST, seen.size // 10) + 1]
    index = float(np.log(largest[:-1] / largest[-1]).mean()) if largest.size > 1 else TAIL_CAP
    sizes: Floats = largest[0] * rng.random(draws) ** -min(index, TAIL_CAP)
    return sizes

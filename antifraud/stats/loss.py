"""The most that a month of missed fraud will cost, with a stated probability.

Missed frauds come in episodes (`antifraud.stats.episodes`), and episodes are the unit: their number in a month is
Poisson, their totals are drawn from those seen. Sources of error are drawn, and reported apart: what the window cannot
tell (each episode's intensity is Gamma(1) distributed, the Bayesian bootstrap of Rubin 1981 for a Poisson process), the
next month's own chance, and the error of the volume and of a declared fraud share. A window in which little was missed,
or nothing, shows how large a compromise is by the frauds that were caught.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from antifraud.errors import NotEnoughRows
from antifraud.stats.episodes import Frauds, episode_totals, groups_of, larger_than
from antifraud.stats.score_tables import MONTH_DAYS, Floats

__all__ = ["SEED", "Frauds", "LossBound", "Volume", "episode_totals", "loss_bound"]

MIN_DAYS: Final = 14
DRAWS: Final = 4_000
CHUNK_CELLS: Final = 2_000_000
"""Groups of episodes times draws that are held in memory at once."""
UNSEEN: Final = 0.5
"""Shape of the intensity of episodes larger than all seen: Jeffreys' prior for a Poisson rate after no event."""
SEED: Final = 20_260_101


@dataclass(frozen=True, slots=True)
class Volume:
    """Volume that a loss is predicted at.

    `factor` is frauds a month there over frauds a month in the window; `relative_sd` and `share_sd` are the standard
    deviations of the volume's and of the fraud share's own error, as shares of them. An observed fraud share's error
    is what the window cannot tell, so it is drawn with the episodes: `share_sd` is 0 then.
    """

    factor: float = 1.0
    relative_sd: float = 0.03
    share_sd: float = 0.0


@dataclass(frozen=True, slots=True)
class LossBound:
    """Predicted loss of a 30-day month, minor units.

    `mean` is the expectation; `bound` is exceeded with probability 1 - `level`. `parameter`, `month`, `volume` and
    `share` say how far above the mean the bound would lie if only the window's, the month's, the volume's or the
    declared fraud share's chance counted.
    """

    mean: float
    bound: float
    level: float
    parameter: float
    month: float
    volume: float
    episodes: int
    share: float = 0.0


def loss_bound(
    missed: Frauds,
    *,
    known: Frauds | None = None,
    level: float = 0.99,
    volume: Volume | None = None,
    seed: int = SEED,
) -> LossBound:
    """Bound the missed fraud of a 30-day month from the missed frauds of a window, and from all its `known` ones.

    Episodes unlike those missed have a Gamma(1/2) distributed intensity (Jeffreys' prior, none seen) and Pareto sizes:
    they stand for what the window was too short to show. Without `known` the missed frauds are all there were; where
    there was none at all nothing tells a size, and the bound is 0 like the mean.

    Raises:
        NotEnoughRows: The window is shorter than 14 days.
    """
    if missed.days < MIN_DAYS:
        raise NotEnoughRows(
            f"a loss bound needs {MIN_DAYS} days, found {missed.days}: {MIN_DAYS - missed.days} missing"
        )
    at = volume or Volume()
    seen, whole = episode_totals(missed), episode_totals(known or missed)
    scale = MONTH_DAYS / missed.days * at.factor
    mean = float(seen.sum()) * scale
    if not whole.size:
        return LossBound(0.0, 0.0, level, 0.0, 0.0, 0.0, 0)
    rng = np.random.default_rng(seed)
    growth, shift = (np.exp(sd * rng.standard_normal(DRAWS)) for sd in (at.relative_sd, at.share_sd))
    parameter, month, together = _draw(seen, whole, scale, growth * shift, rng)
    every = (parameter, month, mean * growth, mean * shift, together)
    window, own, volume_part, share, all_of_it = (float(np.quantile(draws, level)) - mean for draws in every)
    return LossBound(mean, mean + all_of_it, level, window, own, volume_part, int(seen.size), share)


def _draw(
    seen: Floats, whole: Floats, scale: float, growth: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Month totals with the window's chance only, the month's only, and all: shape ``(DRAWS,)`` each."""
    sizes, count = groups_of(seen)
    parts: list[tuple[Floats, ...]] = []
    for piece in np.array_split(growth, max(1, -(-DRAWS * sizes.size // CHUNK_CELLS))):
        weights = rng.standard_gamma(count, (piece.size, sizes.size))
        unseen, size = rng.standard_gamma(UNSEEN, piece.size), _unlike(seen, whole, piece.size, rng)
        parameter = scale * (weights @ sizes + unseen * size)
        month = rng.poisson(scale * count, weights.shape) @ sizes
        both = rng.poisson(scale * piece[:, None] * weights) @ sizes + rng.poisson(scale * piece * unseen) * size
        parts.append((parameter, month, both))
    parameter, own, total = (np.concatenate(column) for column in zip(*parts, strict=True))
    return parameter, own, total


def _unlike(seen: Floats, whole: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """Sizes of missed episodes unlike the n seen: larger than each of them.

    Or larger than every whole episode, caught frauds included, with a chance of 1 / (n + 1): that the next one is of
    another kind than all before (Laplace's rule of succession).
    """
    other = rng.random(draws) * (seen.size + 1) < 1
    return np.where(other, larger_than(whole, draws, rng), larger_than(seen, draws, rng) if seen.size else 0.0)

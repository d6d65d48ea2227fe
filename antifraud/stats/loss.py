"""The most that a month of missed fraud will cost, with a stated probability.

Missed frauds come in episodes, and episodes are the unit: their number in a month is Poisson, their totals are drawn
from those seen. Four sources of error are drawn, and reported apart:

- the window's: it shows one outcome of the episodes' process (`antifraud.stats.draws`);
- the month's: its number of episodes is a matter of chance, even where their rates are known;
- the volume's, and that of a declared fraud share.

A window in which little or nothing was missed shows by its caught frauds how large a compromise can be.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from antifraud.errors import NotEnoughRows
from antifraud.stats.draws import DRAWS, SEED, draw_episodes, draw_larger
from antifraud.stats.episodes import Frauds, episode_totals
from antifraud.stats.score_tables import MONTH_DAYS, Floats

MIN_DAYS: Final = 14


@dataclass(frozen=True, slots=True)
class Volume:
    """Volume that a loss is predicted at.

    Attributes:
        factor: Frauds a month at that volume over frauds a month in the window.
        relative_sd: Standard deviation of the volume's own error, as a share of the volume.
        share_sd: Standard deviation of a declared fraud share's error, as a share of it. The error of an observed share
            is part of the window's, which is drawn with the episodes: `share_sd` is 0 then.
    """

    factor: float = 1.0
    relative_sd: float = 0.03
    share_sd: float = 0.0


@dataclass(frozen=True, slots=True)
class LossBound:
    """Predicted loss of a 30-day month, minor units.

    Attributes:
        mean: Its expectation.
        bound: The loss that is exceeded with probability 1 - `level`.
        level: Probability, such as 0.99.
        parameter: How far above the mean the bound would lie if only the window's chance counted.
        month: The same, if only the month's own chance counted.
        volume: The same, if only the error of the volume counted.
        episodes: Episodes with missed fraud in the window.
        share: As `volume`, for the declared fraud share.
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
    """Bound the missed fraud of a 30-day month from the frauds that a window missed.

    Where no fraud is known at all, nothing tells a size: mean and bound are 0. Sources as in `antifraud.stats.draws`.

    Args:
        missed: Frauds that were not flagged; amounts are 0 or more.
        known: All frauds of the window, caught ones included; None takes the missed ones for all there were.
        level: Probability that the month stays within the bound.
        volume: Volume of the month; None is the window's own.
        seed: Start of the random draws; the same seed gives the same bound.

    Raises:
        NotEnoughRows: The window is shorter than `MIN_DAYS` days.

    >>> one_a_day = np.arange(30)
    >>> found = loss_bound(Frauds(one_a_day * 0, np.full(30, 5_000), one_a_day, one_a_day, days=30))
    >>> round(found.mean), 1.4 < found.bound / found.mean < 1.8
    (150000, True)
    """
    if missed.days < MIN_DAYS:
        raise NotEnoughRows(
            f"a loss bound needs {MIN_DAYS} days, found {missed.days}: {MIN_DAYS - missed.days} missing"
        )
    seen, whole = episode_totals(missed), episode_totals(known or missed)
    if not whole.size:
        return LossBound(0.0, 0.0, level, 0.0, 0.0, 0.0, 0)
    at = volume or Volume()
    scale = MONTH_DAYS / missed.days * at.factor
    return _bound_month(seen, whole, scale, at, level, np.random.default_rng(seed))


def _bound_month(
    seen: Floats, whole: Floats, scale: float, at: Volume, level: float, rng: np.random.Generator
) -> LossBound:
    """Bound a month by the totals of missed (`seen`) and of all (`whole`) episodes; a month has `scale` windows."""
    mean = float(seen.sum()) * scale
    # Log-normal, so that a volume never becomes negative.
    growth, shift = (np.exp(sd * rng.standard_normal(DRAWS)) for sd in (at.relative_sd, at.share_sd))
    parameter, month, together = _draw_months(seen, whole, scale, growth * shift, rng)
    # Each source alone, then all: their quantiles do not add up, so the bound comes from the joint draws.
    every = (parameter, month, mean * growth, mean * shift, together)
    window, own, volume_part, share, all_of_it = (float(np.quantile(draws, level)) - mean for draws in every)
    return LossBound(mean, mean + all_of_it, level, window, own, volume_part, int(seen.size), share)


def _draw_months(
    seen: Floats, whole: Floats, scale: float, growth: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Draw totals of months with the window's chance only, with the month's only, and with all: ``(DRAWS,)`` each."""
    drawn = draw_episodes(seen, lambda rng: _draw_unlike(seen, whole, rng), rng)
    parameter = scale * (drawn.seen_total + drawn.unseen_total)
    month = rng.poisson(scale * drawn.count, drawn.intensity.shape) @ drawn.size
    alike = rng.poisson(scale * growth[:, None] * drawn.intensity) @ drawn.size
    unlike = rng.poisson(scale * growth * drawn.unseen_intensity) * drawn.unseen_size
    return parameter, month, alike + unlike


def _draw_unlike(seen: Floats, whole: Floats, rng: np.random.Generator) -> Floats:
    """Draw sizes of missed episodes unlike the n `seen`, shape ``(DRAWS,)``: larger than each of them.

    With a chance of 1 / (n + 1) an episode is larger than every `whole` one, caught frauds included. This is the chance
    that the next episode is of another kind than all before (Laplace's rule of succession).
    """
    other = rng.random(DRAWS) * (seen.size + 1) < 1
    # Arguments are evaluated in order, so the sizes beyond `whole` are drawn first; the values depend on it.
    return np.where(other, draw_larger(whole, rng), draw_larger(seen, rng) if seen.size else 0.0)

"""Draw what the episodes behind a window may really be like: the one way in which every bound of money samples.

Fraud comes in episodes (`antifraud.stats.episodes`), and episodes are a compound Poisson process. A window shows one
outcome of that process, and a bound needs the others that could have happened. So intensities are drawn:

- An episode that was seen has a Gamma(1) distributed intensity: this is the Bayesian bootstrap for a Poisson process.
- A short window cannot show every kind of episode. One more kind, larger than all of the window's, has a Gamma(1/2)
  distributed intensity, which is Jeffreys' posterior after no event, and a size from a Pareto tail.

Sources:
- Rubin (1981), The Bayesian bootstrap, Annals of Statistics 9, 130-134.
- Jeffreys (1961), Theory of Probability, 3.10.
- Hill (1975), A simple general approach to inference about the tail of a distribution, Annals of Statistics 3,
  1163-1174.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from antifraud.errors import SettingsError
from antifraud.stats.score_tables import Floats, Ints

SEED: Final = 20_260_101
DRAWS: Final = 4_000
TAIL_DRAWS: Final = 20
"""Draws beyond a quantile, at least: with fewer the quantile is a matter of the seed."""
UNSEEN: Final = 0.5
"""Shape of the intensity of episodes larger than all seen."""
SAME_SIZE: Final = 0.2
"""Episodes whose totals differ by less than this share are drawn as one group."""
TAIL_LEAST: Final = 5
"""Episodes that the tail is estimated from, at least."""
TAIL_CAP: Final = 0.5
"""Largest tail index: beyond it the sizes would have no variance."""


@dataclass(frozen=True, slots=True, eq=False)
class EpisodeDraws:
    """Episodes that a window of the same length may bring, drawn `DRAWS` times.

    Attributes:
        size: Mean total of the episodes in each group, minor units, shape ``(groups,)``.
        count: Episodes of each group that were seen, shape ``(groups,)``.
        intensity: Expected episodes of each group in such a window, shape ``(DRAWS, groups)``.
        unseen_intensity: Expected episodes larger than all seen, shape ``(DRAWS,)``.
        unseen_size: Total of one of these, minor units, shape ``(DRAWS,)``.
    """

    size: Floats
    count: Ints
    intensity: Floats
    unseen_intensity: Floats
    unseen_size: Floats

    @property
    def seen_total(self) -> Floats:
        """Expected total of episodes like those seen, minor units a window, shape ``(DRAWS,)``."""
        return self.intensity @ self.size

    @property
    def unseen_total(self) -> Floats:
        """Expected total of episodes larger than all seen, minor units a window, shape ``(DRAWS,)``."""
        return self.unseen_intensity * self.unseen_size


def require_level(level: float) -> None:
    """Refuse a probability that too few draws lie beyond.

    Raises:
        SettingsError: The level is no share, or fewer than `TAIL_DRAWS` draws are expected beyond it.

    >>> require_level(0.995)
    """
    beyond = (1 - level) * DRAWS
    if not (level > 0 and beyond > TAIL_DRAWS - 0.5):  # negated, because NaN compares as false
        raise SettingsError(
            f"a probability of {level:g} leaves {beyond:.1f} of {DRAWS:,} draws beyond it, at least {TAIL_DRAWS} are "
            f"needed: ask for more than 0 and at most {1 - TAIL_DRAWS / DRAWS:g}"
        )


def draw_episodes(
    totals: Floats, draw_unseen_size: Callable[[np.random.Generator], Floats], rng: np.random.Generator
) -> EpisodeDraws:
    """Draw intensities for the episodes of a window, and intensity and size of a kind that the window does not show.

    Args:
        totals: Total of each episode, minor units, above 0, shape ``(episodes,)``; none at all is allowed.
        draw_unseen_size: Draws the sizes of the unseen kind, such as `draw_larger`, shape ``(DRAWS,)``.
        rng: Generator of all draws.

    >>> three = np.array([100.0, 102.0, 5_000.0])
    >>> found = draw_episodes(three, lambda rng: draw_larger(three, rng), np.random.default_rng(1))
    >>> found.size.tolist(), found.count.tolist(), found.intensity.shape
    ([101.0, 5000.0], [2, 1], (4000, 2))
    >>> found.intensity.mean(axis=0).round(1).tolist(), float(found.unseen_intensity.mean().round(1))
    ([2.0, 1.0], 0.5)
    """
    size, count = group_by_size(totals)
    # Bounds keep their values only while draws keep this order (tests/unit/stats/test_draws.py).
    intensity = rng.standard_gamma(count, (DRAWS, size.size))
    unseen_intensity = rng.standard_gamma(UNSEEN, DRAWS)
    return EpisodeDraws(size, count, intensity, unseen_intensity, draw_unseen_size(rng))


def group_by_size(totals: Floats) -> tuple[Floats, Ints]:
    """Group episodes of nearly equal total; return mean total and number of each group, both ``(groups,)``.

    Intensities of equal episodes add up exactly: n of them together are Gamma(n) distributed. Totals within a group
    differ by `SAME_SIZE` at most, and the sum of all totals is kept. Sums of 64-bit amounts span fewer than 350 groups,
    so any number of episodes fits into memory. No episode makes no group.

    >>> [column.tolist() for column in group_by_size(np.array([100.0, 102.0, 5_000.0]))]
    [[101.0, 5000.0], [2, 1]]
    """
    # Bins of equal width in logarithms, from the smallest total up.
    bins = np.floor(np.log(totals / totals.min(initial=np.inf)) / np.log1p(SAME_SIZE)).astype(np.int64)
    _, group, count = np.unique(bins, return_inverse=True, return_counts=True)
    return np.bincount(group, totals) / count, count.astype(np.int64)


def draw_larger(totals: Floats, rng: np.random.Generator) -> Floats:
    """Draw sizes of episodes larger than all of `totals`, minor units, shape ``(DRAWS,)``.

    Sizes are Pareto distributed above the largest total. Hill's estimator takes the tail index from the largest tenth,
    and from `TAIL_LEAST` episodes at least. A single episode tells no index, so the index is `TAIL_CAP`.

    >>> sizes = draw_larger(np.array([100.0, 200.0, 400.0]), np.random.default_rng(1))
    >>> sizes.shape, bool(sizes.min() > 400)
    ((4000,), True)
    """
    largest = np.sort(totals)[::-1][: max(TAIL_LEAST, totals.size // 10) + 1]
    index = float(np.log(largest[:-1] / largest[-1]).mean()) if largest.size > 1 else TAIL_CAP
    sizes: Floats = largest[0] * rng.random(DRAWS) ** -min(index, TAIL_CAP)
    return sizes

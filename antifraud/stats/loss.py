"""The most that a month of missed fraud will cost, with a stated probability.

Missed frauds come in episodes, and episodes are the unit: their number in a month is Poisson, their totals are drawn
from those seen. Five sources of error are drawn, and reported apart:

- the window's: it shows one outcome of the episodes' process (`antifraud.stats.draws`);
- the month's: its number of episodes is a matter of chance, even where their rates are known;
- the change from the window to the month: fraud comes in waves (`antifraud.stats.waves`, `antifraud.stats.months`);
- the volume's, and that of a declared fraud share.

A window in which little or nothing was missed shows by its caught frauds how large a compromise can be. A larger volume
may bring more episodes or larger ones, and the worse of the two counts. No bound knows frauds larger than any seen: it
allows for some, by the tail of the sizes that were seen.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from antifraud.errors import NotANumber, NotEnoughRows, SettingsError
from antifraud.stats.draws import DRAWS, SEED, EpisodeDraws, draw_episodes, draw_larger, require_level
from antifraud.stats.episodes import Frauds, episode_totals
from antifraud.stats.score_tables import MONTH_DAYS, Floats
from antifraud.stats.waves import find_waves

MIN_DAYS: Final = 14
MOST_FACTOR: Final = 1e9
"""Largest growth from a window to the judged volume."""
MOST_SD: Final = 2.0
"""Largest relative error of a volume or a share."""
MOST_DRAWN: Final = 1e15
"""Largest expected number of episodes that is drawn."""
MONTH_SD: Final = 0.05
"""Standard deviation of fraud from month to month that is assumed at least, in logarithms."""


@dataclass(frozen=True, slots=True)
class Volume:
    """Volume that a loss is predicted at.

    Attributes:
        factor: Frauds a month at that volume over frauds a month in the window.
        relative_sd: Standard deviation of the volume's own error, as a share of the volume.
        share_sd: Standard deviation of a declared fraud share's error, as a share of it. The error of an observed share
            is part of the window's, which is drawn with the episodes: `share_sd` is 0 then.
        month_sd: Standard deviation of fraud from month to month at the same volume, as a share; the window's weeks may
            show a larger one.

    Raises:
        SettingsError: The factor is not above 0 and within `MOST_FACTOR`, or an error not from 0 to `MOST_SD`.
    """

    factor: float = 1.0
    relative_sd: float = 0.03
    share_sd: float = 0.0
    month_sd: float = MONTH_SD

    def __post_init__(self) -> None:
        if not 0 < self.factor <= MOST_FACTOR:
            raise SettingsError(
                f"the judged volume has {self.factor:g} times the window's fraud, expected more than 0 and at most "
                f"{MOST_FACTOR:g} times: correct the declared volume or fraud share, or judge a larger window"
            )
        for name in ("relative_sd", "share_sd", "month_sd"):
            if not 0 <= (found := getattr(self, name)) <= MOST_SD:
                raise SettingsError(
                    f"the {name} of the judged volume is {found:g}, expected 0 to {MOST_SD:g} times the volume: "
                    "correct the declared error, or judge a window with more labels"
                )


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
        waves: As `volume`, for the change from the window to the month.
        month_sd: Standard deviation of that change, in logarithms.
        larger: Whether larger episodes were worse than more of them, at the judged volume.
        largest: Total of the largest known episode, caught frauds included, minor units.
        allowed: Missed total that an episode larger than all missed ones exceeds with probability 1 - `level`, minor
            units. It can be below `largest`, because most of a caught episode is not missed.
    """

    mean: float
    bound: float
    level: float
    parameter: float
    month: float
    volume: float
    episodes: int
    share: float = 0.0
    waves: float = 0.0
    month_sd: float = 0.0
    larger: bool = False
    largest: float = 0.0
    allowed: float = 0.0


def loss_bound(
    missed: Frauds,
    *,
    known: Frauds | None = None,
    level: float = 0.99,
    volume: Volume | None = None,
    seed: int = SEED,
    earlier_sd: float = 0.0,
) -> LossBound:
    """Bound the missed fraud of a 30-day month from the frauds that a window missed.

    Where no fraud is known at all, nothing tells a size: mean and bound are 0. Sources as in `antifraud.stats.draws`.

    Args:
        missed: Frauds that were not flagged; amounts are 0 or more.
        known: All frauds of the window, caught ones included; None takes the missed ones for all there were.
        level: Probability that the month stays within the bound.
        volume: Volume of the month; None is the window's own.
        seed: Start of the random draws; the same seed gives the same bound.
        earlier_sd: `Months.month_sd` of `antifraud.stats.months`; what the window's weeks show counts if it is larger.

    Raises:
        NotEnoughRows: The window is shorter than `MIN_DAYS` days.
        NotANumber: A fraud's amount is negative.
        SettingsError: The level leaves too few draws beyond it.

    >>> one_a_day = np.arange(30)
    >>> found = loss_bound(Frauds(one_a_day * 0, np.full(30, 5_000), one_a_day, one_a_day, days=30))
    >>> round(found.mean), 1.4 < found.bound / found.mean < 1.8
    (150000, True)
    """
    require_level(level)
    _require_frauds(missed)
    seen, whole = episode_totals(missed), episode_totals(known or missed)
    if not whole.size:
        return LossBound(0.0, 0.0, level, 0.0, 0.0, 0.0, 0)
    at = volume or Volume()
    month_sd = float(np.hypot(at.month_sd, max(find_waves(missed).month_sd, earlier_sd)))
    month = _Month(seen, whole, MONTH_DAYS / missed.days, at, month_sd)
    return month.bound(level, np.random.default_rng(seed))


def _require_frauds(frauds: Frauds) -> None:
    if frauds.days < MIN_DAYS:
        raise NotEnoughRows(
            f"a loss bound needs {MIN_DAYS} days, found {frauds.days}: {MIN_DAYS - frauds.days} missing"
        )
    if (negative := frauds.amount < 0).any():
        raise NotANumber(
            f"{int(negative.sum())} of {negative.size} missed frauds have a negative amount: expected 0 minor units or "
            "more, correct them at their source"
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Month:
    """A month to bound: totals of missed (`seen`) and of all (`whole`) episodes, and the windows in a month."""

    seen: Floats
    whole: Floats
    windows: float
    at: Volume
    month_sd: float

    def bound(self, level: float, rng: np.random.Generator) -> LossBound:
        at, scale = self.at, self.windows * self.at.factor
        mean = float(self.seen.sum()) * scale
        # Log-normal, so that a volume never becomes negative.
        growth, shift = (np.exp(sd * rng.standard_normal(DRAWS)) for sd in (at.relative_sd, at.share_sd))
        drawn = draw_episodes(self.seen, self._draw_unlike, rng)
        parameter = scale * (drawn.seen_total + drawn.unseen_total)
        month = _draw_counts(np.broadcast_to(scale * drawn.count, drawn.intensity.shape), rng) @ drawn.size
        more = _draw_month(drawn, scale * growth * shift, rng)
        # Drawn last, so that other parts keep their values whatever the months differ by.
        larger = more if at.factor == 1 else at.factor * _draw_month(drawn, self.windows * growth * shift, rng)
        wave = np.exp(self.month_sd * rng.standard_normal(DRAWS))
        # Each source alone, then all: their quantiles do not add up, so the bound comes from the joint draws.
        every = (parameter, month, mean * growth, mean * shift, mean * wave, wave * more, wave * larger)
        window, own, volume, share, waves, *both = (float(np.quantile(draws, level)) - mean for draws in every)
        return LossBound(
            mean,
            mean + max(both),
            level,
            window,
            own,
            volume,
            int(self.seen.size),
            share=share,
            waves=waves,
            month_sd=self.month_sd,
            larger=both[1] > both[0],
            largest=float(self.whole.max()),
            allowed=float(np.quantile(drawn.unseen_size, level)),
        )

    def _draw_unlike(self, rng: np.random.Generator) -> Floats:
        """Draw sizes of missed episodes unlike the n seen, shape ``(DRAWS,)``: larger than each of them.

        With a chance of 1 / (n + 1) an episode is larger than every known one, caught frauds included. This is the
        chance that the next episode is of another kind than all before (Laplace's rule of succession).
        """
        other = rng.random(DRAWS) * (self.seen.size + 1) < 1
        # Arguments are evaluated in order, so the sizes beyond `whole` are drawn first; the values depend on it.
        return np.where(other, draw_larger(self.whole, rng), draw_larger(self.seen, rng) if self.seen.size else 0.0)


def _draw_month(drawn: EpisodeDraws, windows: Floats, rng: np.random.Generator) -> Floats:
    """Draw totals of months, each as long as so many windows, shape ``(DRAWS,)``."""
    alike = _draw_counts(windows[:, None] * drawn.intensity, rng) @ drawn.size
    unlike = _draw_counts(windows * drawn.unseen_intensity, rng) * drawn.unseen_size
    return np.asarray(alike + unlike)


def _draw_counts(expected: Floats, rng: np.random.Generator) -> Floats:
    """Draw Poisson numbers of episodes; of very many, chance is too small a part to show."""
    # The generator refuses expectations near 2^63.
    return np.where(expected > MOST_DRAWN, expected, rng.poisson(np.minimum(expected, MOST_DRAWN)))

"""The choice of beta, and with it of the threshold, on the select window."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import stats

from antifraud.errors import NotEnoughRows
from antifraud.stats.score_tables import MONTH_DAYS, ScoreTable, curve
from antifraud.stats.threshold import MIN_BLOCKS

BETAS: Final = (0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0)
"""The grid that beta is tuned on."""
TUNING_SHARE: Final = 0.25
"""Part of the loss limit that beta is tuned to: a week shows few of the episodes that the bound on certify counts."""


@dataclass(frozen=True, slots=True)
class BetaChoice:
    """A beta, and the threshold (ppm) that maximises F_beta on the select window."""

    beta: float
    threshold: int


def select_beta(
    select: ScoreTable, loss_limit_minor: int, *, level: float, factor: float = 1.0, quiet_days: int = 0
) -> BetaChoice:
    """Select the smallest beta with an F_beta-optimal threshold that meets `TUNING_SHARE` of the loss limit.

    If no beta of `BETAS` does, the largest is taken: the certify window raises the threshold to what the FPR allows,
    and tests the loss.

    Args:
        select: Score table of the select window.
        loss_limit_minor: Missed fraud that is allowed a month, minor units.
        level: Probability of the prediction limit that is compared with it.
        factor: Volume judged at over that of the select window.
        quiet_days: Days of the window without any transaction, which are not in its table.

    Raises:
        NoFraud: The window has no fraud.
        OnlyFraud: It has no legitimate row.
        NotEnoughRows: The window has fewer than `MIN_BLOCKS` days.

    >>> week, ones = np.arange(28) // 4, np.ones(28)
    >>> table = ScoreTable.from_rows(week, [1, 5, 7, 9] * 7, [False, True, False, True] * 7, ones)
    >>> select_beta(table, loss_limit_minor=1_000, level=0.99), select_beta(table, loss_limit_minor=100, level=0.99)
    (BetaChoice(beta=0.5, threshold=7), BetaChoice(beta=1.0, threshold=1))
    """
    trade_off = curve(select)
    for beta in BETAS:
        choice = BetaChoice(beta, int(trade_off.threshold[np.argmax(trade_off.f_beta(beta))]))
        if _month_upper(select, choice.threshold, level, quiet_days) * factor <= TUNING_SHARE * loss_limit_minor:
            break
    return choice


def _month_upper(table: ScoreTable, threshold: int, level: float, quiet_days: int) -> float:
    """Return an upper prediction limit of 30 days' missed fraud, minor units.

    Days count as independent, which they are not: it is for tuning only.
    """
    missed = table.by_day(table.fraud_amount * (table.score <= threshold))
    daily = np.concatenate([missed, np.zeros(quiet_days, missed.dtype)])
    if daily.size < MIN_BLOCKS:
        raise NotEnoughRows(f"beta is tuned on {MIN_BLOCKS} days at least, found {daily.size}: select on more days")
    spread = daily.std(ddof=1) * np.sqrt(MONTH_DAYS + MONTH_DAYS**2 / daily.size)
    return float(MONTH_DAYS * daily.mean() + stats.t.ppf(level, daily.size - 1) * spread)

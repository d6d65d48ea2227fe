"""The assumptions of the loss bound that a window is checked for."""

from typing import Final

from scipy import stats

from antifraud.gate.assumptions import Assumption, Promise
from antifraud.gate.certify import Certify
from antifraud.settings.assumptions import AssumptionName
from antifraud.stats.episodes import episode_totals
from antifraud.stats.waves import Waves, find_waves

ERRORS_LIMIT: Final = 2.33
"""Standard errors: steady fraud exceeds them in one window of a hundred."""
LARGEST_SHARE_LIMIT: Final = 0.4
"""Part of the missed amount that one of many episodes may have."""
MANY_EPISODES: Final = 30
"""With fewer episodes, the largest has much of the amount by chance alone."""


def check_loss(certify: Certify, threshold: int) -> list[Assumption]:
    """Return the assumptions of the loss bound at a threshold."""
    missed = certify.missed(threshold).frauds
    waves, totals = find_waves(missed), episode_totals(missed)
    share = float(totals.max() / totals.sum()) if totals.size >= MANY_EPISODES else None
    return [_growth(waves), _spread(waves), _sizes(share, totals.size)]


def _growth(waves: Waves) -> Assumption:
    return Assumption(
        name=AssumptionName.LOSS_GROWTH,
        promise=Promise.LOSS,
        assumed="missed fraud does not grow from week to week",
        measured=_errors(waves.growth_p),
        limit=ERRORS_LIMIT,
        words=(
            f"Along a line through the weeks it changes by {waves.growth:+.0%} a month; steady fraud shows as much in "
            f"{waves.growth_p:.1%} of windows."
        ),
    )


def _spread(waves: Waves) -> Assumption:
    return Assumption(
        name=AssumptionName.LOSS_WAVES,
        promise=Promise.LOSS,
        assumed="weeks of missed fraud differ by chance alone",
        measured=_errors(waves.spread_p),
        limit=ERRORS_LIMIT,
        words=f"Its weeks differ as much as those of steady fraud do in {waves.spread_p:.1%} of windows.",
    )


def _sizes(share: float | None, episodes: int) -> Assumption:
    return Assumption(
        name=AssumptionName.LOSS_SIZES,
        promise=Promise.LOSS,
        assumed="no single episode decides the missed amount",
        measured=share,
        limit=LARGEST_SHARE_LIMIT,
        words=(
            f"Its {episodes} missed episodes are too few to tell."
            if share is None
            else f"The largest of {episodes} missed episodes has {share:.0%} of the amount."
        ),
    )


def _errors(chance: float) -> float | None:
    """Return the standard errors that a normal value exceeds with a chance; None where too few episodes tell.

    >>> _errors(1.0) is None, round(_errors(0.01), 2)
    (True, 2.33)
    """
    return None if chance == 1 else float(stats.norm.isf(max(chance, 1e-300)))

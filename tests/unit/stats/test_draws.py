"""Bounds of money keep their values: a release is judged by them, so what is drawn, and in which order, is a contract.

The values were written down before `loss_bound` and `excess_bound` shared their draws.
"""

from dataclasses import replace

import numpy as np
import pytest

from antifraud.stats.discordance import excess_bound
from antifraud.stats.episodes import Frauds
from antifraud.stats.loss import Volume, loss_bound

CLOSE = 1e-12
"""Processors may add the products of a matrix in another order; another draw would differ far more."""


def frauds(number, episodes, every_third=1):
    """Frauds of unequal amounts at `episodes` terminals, made by arithmetic alone; half of them score 0."""
    place = np.arange(number)
    sign = np.where(place % 3 == 0, every_third, 1)
    return Frauds(place % 2, sign * (1_000 + (place * 7_919) % 90_001), place, place % episodes, 28)


@pytest.mark.parametrize(
    ("missed", "known", "volume", "seed", "expected"),
    [
        (
            *(frauds(120, 40).missed(0), frauds(120, 40), Volume(2.5, 0.04, 0.06, month_sd=0.0), 3),
            (7266905.357142856, 14681764.772328084, 5018248.659115808, 2533408.9325238056, 698983.7151768301,
             1063154.4933555191),
        ),
        (
            *(frauds(30, 30), None, Volume(month_sd=0.0), 20_260_101),
            (1312221.4285714286, 2511050.5646223626, 899429.4285324519, 661404.8780952382, 94490.03056052583, 0.0),
        ),
        (
            *(frauds(40, 8).missed(-1), frauds(40, 8), Volume(month_sd=0.0), 20_260_101),
            (0.0, 1619158.312936306, 1109450.846226519, 0.0, 0.0, 0.0),
        ),
        (
            *(frauds(2_000, 700), None, Volume(month_sd=0.0), 11),
            (98460118.92857143, 113261963.50573105, 9023702.918421477, 8972420.964830443, 7317147.63875708, 0.0),
        ),
    ],
    ids=["some-missed", "all-missed", "none-missed", "many-episodes"],
)  # fmt: skip
def test_the_loss_bound_keeps_its_values(missed, known, volume, seed, expected):
    """Mean, bound and the four parts of the error, for windows with and without missed frauds."""
    found = loss_bound(missed, known=known, volume=volume, seed=seed)
    values = (found.mean, found.bound, found.parameter, found.month, found.volume, found.share)

    assert values == pytest.approx(expected, rel=CLOSE)


def test_the_bound_of_a_comparison_keeps_its_values():
    """Frauds missed by either model, by the candidate alone, and by the champion alone."""
    against = replace(frauds(10, 10), amount=-frauds(10, 10).amount)

    assert excess_bound(frauds(60, 20, every_third=-1), 0.05) == pytest.approx(1741366.998710223, rel=CLOSE)
    assert excess_bound(frauds(60, 20), 0.05) == pytest.approx(4197494.851465601, rel=CLOSE)
    assert excess_bound(against, 0.05, factor=2.0, seed=5) == pytest.approx(-173474.2675767823, rel=CLOSE)

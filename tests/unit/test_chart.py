"""The trade-off chart puts points, limits and the choice where they belong."""

import re

from jobs.model.chart import Limits, tradeoff_svg

LIMITS = Limits(fpr=0.05, loss=500_000.0)


def numbers(text):
    return [float(value) for value in re.findall(r"-?\d+\.\d+", text)]


def test_places_by_hand():
    """With axes up to 10 % and 1,000,000 RUB the limits cross in the middle of the plane: x 355, y 147.5."""
    svg = tradeoff_svg([0.1, 0.05, 0.0], [0.0, 500_000.0, 1_000_000.0], (0.05, 500_000.0), LIMITS)
    upright, level = re.findall(r'<line class="limit"[^>]*>', svg)
    assert numbers(upright) == [355.0, 20.0, 355.0, 275.0]
    assert numbers(level) == [90.0, 147.5, 620.0, 147.5]
    assert numbers(re.search(r'points="([^"]*)"', svg)[1]) == [620.0, 275.0, 355.0, 147.5, 90.0, 20.0]
    assert numbers(re.search(r"<circle[^>]*>", svg)[0]) == [355.0, 147.5]


def test_points_beyond_the_plane_are_cut_off():
    """A threshold that flags half of everybody would squeeze the part that matters."""
    svg = tradeoff_svg([0.5, 0.04], [10.0, 300_000.0], (0.04, 300_000.0), LIMITS)
    assert len(numbers(re.search(r'points="([^"]*)"', svg)[1])) == 2

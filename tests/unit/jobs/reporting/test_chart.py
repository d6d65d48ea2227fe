"""The trade-off chart puts points, limits, bounds and the choice where they belong."""

import re
from xml.etree import ElementTree as ET

from jobs.reporting.chart import Spot, report_chart, tradeoff_svg
from tests.report_example import report

LIMITS = Spot(0.05, 500_000.0)
CHOSEN = Spot(0.04, 300_000.0)
BOUND = Spot(0.045, 400_000.0)


def numbers(text):
    return [float(value) for value in re.findall(r"-?\d+\.\d+", text)]


def test_places_by_hand():
    """With axes up to 10 % and 1,000,000 RUB, the limits cross in the middle of the plane, at x 352 and y 174."""
    svg = tradeoff_svg([Spot(0.1, 0.0), LIMITS, Spot(0.0, 1_000_000.0)], LIMITS, BOUND, LIMITS)
    upright, level = re.findall(r'<line class="limit"[^>]*>', svg)
    assert numbers(upright) == [352.0, 34.0, 352.0, 314.0]
    assert numbers(level) == [84.0, 174.0, 620.0, 174.0]
    assert numbers(re.search(r'points="([^"]*)"', svg)[1]) == [620.0, 314.0, 352.0, 174.0, 84.0, 34.0]
    bound, chosen = re.findall(r'<circle class="(?:bound|chosen)" cx="[\d.]+" cy="[\d.]+"', svg)[:2]
    assert numbers(bound) == [325.2, 202.0]
    assert numbers(chosen) == [352.0, 174.0]
    assert numbers(re.search(r'<rect class="allowed"[^>]*>', svg)[0]) == [174.0, 268.0, 140.0]


def test_points_beyond_the_plane_are_cut_off():
    """A point far beyond the plane is left out, because it would squeeze the part that matters."""
    svg = tradeoff_svg([Spot(0.5, 10.0), CHOSEN], CHOSEN, BOUND, LIMITS)
    assert len(numbers(re.search(r'points="([^"]*)"', svg)[1])) == 2


def test_a_bound_far_above_the_limit_is_still_inside():
    """A bound of 100 million still lies inside the plane, and the limit's line then lies near the bottom."""
    svg = tradeoff_svg([CHOSEN], CHOSEN, Spot(0.045, 1e8), LIMITS)
    x, y = numbers(re.search(r'<circle class="bound"[^>]*>', svg)[0])
    assert 84 < x < 620
    assert 34 < y < 80
    assert numbers(re.findall(r'<line class="limit"[^>]*>', svg)[1])[1] > 310


def test_long_losses_are_counted_in_millions():
    """From 100 million RUB on, axis and limit are in millions, because longer numbers would not fit."""
    texts = [
        re.sub("<[^>]*>", "", line) for line in tradeoff_svg([CHOSEN], CHOSEN, Spot(0.045, 3e9), LIMITS).split("\n")
    ]
    assert {"loss, million RUB a month", "3,000", "limit 0.5"} <= set(texts)
    assert not {"loss, RUB a month", "3,000,000,000", "limit 500,000"} & set(texts)


def test_the_chart_of_a_report_is_a_file_of_its_own():
    """The chart is an SVG file of its own, with namespace, style and the names of both limits."""
    root = ET.fromstring(report_chart(report()))  # noqa: S314 our own text
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"limit 5 %", "limit 500,000", "false-positive rate", "loss, RUB a month"} <= set(texts)
    assert root.find("{http://www.w3.org/2000/svg}style") is not None

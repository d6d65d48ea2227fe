"""The picture of the way back can be read by eyes and by a screen reader."""

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

from infra.local.timeline import draw_timeline, write_timeline

DAY = 86_400
APRIL_12 = 20_555
RESULTS = {
    "ordinary_day": {"day": "2026-04-11", "false_positive_rate": 0.034},
    "guard": {
        "day": "2026-04-12",
        "false_positive_rate": 0.273,
        "at": (APRIL_12 + 8) * DAY + 600,
        "trip": {"epoch": 2, "at": (APRIL_12 + 8) * DAY + 600, "onset": "2026-04-12"},
    },
    "recover": {
        "judged": "2026-04-18",
        "why_none": {"2026-04-10-aa": "It is too young."},
        "first_training": {"as_of": "2026-04-18", "certify_days_after_onset": 0, "promote": "up_for_retry"},
    },
    "resume": {"at": (APRIL_12 + 71) * DAY, "certify_days_after_onset": 28},
    "new_release": {"day": "2026-06-22", "false_positive_rate": 0.041},
}
SVG = "{http://www.w3.org/2000/svg}"


def drawn():
    """Return the picture as a tree."""
    return ET.fromstring(draw_timeline(RESULTS))  # noqa: S314 - our own text


def test_the_time_line_tells_the_way_back_in_words():
    """Its description has every event in order, with the days; its title is not empty."""
    picture = drawn()
    described = picture.findtext(f"{SVG}desc")
    assert picture.findtext(f"{SVG}title")
    days = re.findall(r"\d{4}-\d\d-\d\d", described)
    assert days == ["2026-04-12", "2026-04-20", "2026-04-18", "2026-06-22"]
    assert picture.get("aria-labelledby") == "title desc"


def test_the_time_line_has_a_band_for_each_state():
    """The bands follow each other without a gap, and each has its name as a word."""
    picture = drawn()
    bands = list(picture.iter(f"{SVG}rect"))
    assert [band.get("class") for band in bands] == ["serving", "suspended", "serving"]
    for left, right in pairwise(bands):
        assert abs(float(left.get("x")) + float(left.get("width")) - float(right.get("x"))) < 0.2
    words = [each.text for each in picture.iter(f"{SVG}text") if each.get("class") == "state"]
    assert words == ["SERVING", "SUSPENDED", "SERVING"]


def test_higher_rates_are_drawn_higher():
    """Each rate has its figure beside its dot; only closed days have a filled dot."""
    picture = drawn()
    dots = [each for each in picture.iter(f"{SVG}circle") if each.get("class") in {"closed", "open"}][:3]
    ordinary, changed, new = (float(dot.get("cy")) for dot in dots)
    assert changed < new < ordinary
    assert [dot.get("class") for dot in dots] == ["closed", "closed", "open"]
    assert {"3.4 %", "27.3 %", "4.1 %"} <= {each.text for each in picture.iter(f"{SVG}text")}


def test_the_time_line_lies_in_the_reports_of_the_onset(tmp_path):
    """Its file is in the folder of the day on which the trouble began."""
    path = write_timeline(tmp_path, RESULTS)
    assert path == tmp_path / "2026-04-12" / "recovery.svg"
    assert path.read_text() == draw_timeline(RESULTS)

"""The drift of a feature without values is unknown, and that of the others is measured all the same."""

import json

import numpy as np
import pytest

from antifraud.features.registry import FEATURE_NAMES
from jobs.adapters.evidently import compare
from jobs.drift_report import summarize

pytestmark = pytest.mark.filterwarnings("ignore")
FIRST, SECOND = FEATURE_NAMES[:2]
ALL = dict.fromkeys(FEATURE_NAMES, "unknown")


@pytest.fixture
def matrices():
    """Return a day and a reference of one distribution, in which the second feature of the day has moved."""
    current, reference = (np.random.default_rng(1).normal(size=(200, len(FEATURE_NAMES))) for _ in range(2))
    current[:, 1] += 5
    return current, reference


@pytest.mark.parametrize("values", [0, 1], ids=["all null", "one value"])
@pytest.mark.parametrize("side", [0, 1], ids=["day", "reference"])
def test_a_feature_without_values_is_unknown(matrices, side, values, tmp_path):
    """A feature with no or one value on a side is unknown in figures, page and line; the moved feature is found."""
    matrices[side][values:, 0] = np.nan

    figures = compare(*matrices, tmp_path / "drift.html")

    assert figures["drift"][FIRST] == "unknown"
    assert [name for name, distance in figures["drift"].items() if distance == "unknown"] == [FIRST]
    assert (figures["drifted_features"], figures["drifted_share"]) == (1, 1 / (len(FEATURE_NAMES) - 1))
    assert min(figures["drift"], key=lambda name: (name == FIRST, figures["drift"][name])) == SECOND
    assert json.loads(json.dumps(figures)) == figures
    page = (tmp_path / "drift.html").read_text()
    assert f"<body><p>Drift is unknown, with fewer than 2 values on a side: {FIRST}</p>" in page
    assert len(page) > 10_000
    assert (
        summarize(figures, "March")
        == f"1 of 47 features differ from March; unknown for 1 with fewer than 2 values: {FIRST}"
    )


@pytest.mark.parametrize("rows", [0, 1])
@pytest.mark.parametrize("side", [0, 1], ids=["day", "reference"])
def test_a_day_of_no_or_one_row_has_unknown_drift(matrices, side, rows, tmp_path):
    """With no or one row on a side, every feature is unknown, and nothing has drifted."""
    both = list(matrices)
    both[side] = both[side][:rows]

    figures = compare(*both, tmp_path / "drift.html")

    assert figures == {"drifted_features": 0, "drifted_share": "unknown", "drift": ALL}
    assert all(name in (tmp_path / "drift.html").read_text() for name in FEATURE_NAMES)
    named = ", ".join(FEATURE_NAMES[:5])
    assert summarize(figures, "March") == (
        f"0 of 0 features differ from March; unknown for 48 with fewer than 2 values: {named} and 43 more"
    )


def test_a_full_day_has_no_unknown_feature(matrices, tmp_path):
    """With values everywhere every feature has a distance, and the page has no note."""
    figures = compare(*matrices, tmp_path / "drift.html")

    assert figures["drifted_features"] == 1
    assert "unknown" not in figures["drift"].values()
    assert "Drift is unknown" not in (tmp_path / "drift.html").read_text()
    assert summarize(figures, "March") == "1 of 48 features differ from March"

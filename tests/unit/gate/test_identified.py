"""A window is judged only if something tells about the flagged payments: a control share, or their labels."""

import datetime as dt

import numpy as np
import pytest

from antifraud.clock import Span
from antifraud.errors import NotIdentified
from antifraud.gate.identified import FlaggedDay, LabelSource, describe_weights, require_identified
from antifraud.stats.weighted import HeavyRows

DAY = dt.date(2026, 3, 1)
SPAN = Span(DAY, DAY + dt.timedelta(days=9))
FULL = FlaggedDay(DAY, blocked=90, certain=90, passed=10, labelled=10, labelled_for=100.0)
CONTROL = FlaggedDay(DAY, blocked=360, passed=40, labelled=40, labelled_for=400.0)
SAMPLE = FlaggedDay(DAY, blocked=400, certain=7, sampled=40, sampled_for=400.0)


@pytest.mark.parametrize(
    ("day", "source"),
    [(FULL, "all"), (CONTROL, "control"), (SAMPLE, "sample"), (FlaggedDay(DAY, passed=3), "all")],
)
def test_each_day_has_one_source_of_labels(day, source):
    """All labels come before a sample, and a sample before the control share; a day that blocked nothing has all."""
    assert day.source is LabelSource(source)


@pytest.mark.parametrize("days", [[], [FULL], [CONTROL], [SAMPLE], [FULL, CONTROL, SAMPLE]])
def test_a_window_whose_flags_are_known_is_judged(days):
    """Days that were not served, all labels, a sample, a control share, or a mixture of them are judged."""
    require_identified("certify", SPAN, days)


@pytest.mark.parametrize(
    ("day", "found"),
    [
        (
            FlaggedDay(DAY, 8_000, blocked=400, chanceless=400),
            "400 of 400 blocked payments had no chance to pass, expected at most 0.5% of all 8000 payments; let a ",
        ),
        (
            FlaggedDay(DAY, 8_000, blocked=400, certain=399, chanceless=41, passed=40, labelled=40, labelled_for=400.0),
            "41 of 400 blocked payments had no chance to pass, expected at most ",
        ),
        (
            FlaggedDay(DAY, blocked=260, passed=29, labelled=29, labelled_for=290.0),
            "29 payments of the control share have a label and stand for 100.0% of 289 flagged payments, expected 30",
        ),
        (
            FlaggedDay(DAY, blocked=900, passed=100, labelled=40, labelled_for=400.0),
            "40 payments of the control share have a label and stand for 40.0% of 1000 flagged payments",
        ),
        (
            FlaggedDay(DAY, blocked=1_000, sampled=40, sampled_for=400.0),
            "40 labels of a sample have a label and stand for 40.0% of 1000 flagged payments",
        ),
    ],
)
def test_a_window_whose_labels_depend_on_the_flag_is_refused(day, found):
    """Flags without a chance, a control share that is too small, and labels that are missing are refused by number."""
    with pytest.raises(NotIdentified) as refused:
        require_identified("certify", SPAN, [day])
    assert str(refused.value).startswith(f"not identified: on served days of the certify window {found}")
    assert str(refused.value).endswith("post labels for all flagged payments, or choose days that were not served")
    assert refused.value.exit_code == 35


def test_a_few_large_amounts_without_a_chance_are_borne():
    """40 of 8,000 payments, half a percent, may lie above the amount of the control share if it shows the others."""
    shown = {"passed": 40, "labelled": 40, "labelled_for": 400.0}
    require_identified("certify", SPAN, [FlaggedDay(DAY, 8_000, blocked=400, chanceless=40, **shown)])
    with pytest.raises(NotIdentified, match=r"0 payments of the control share have a label and stand for 0\.0% of 40"):
        require_identified("certify", SPAN, [FlaggedDay(DAY, 8_000, blocked=40, chanceless=40)])


def test_days_of_other_windows_do_not_count():
    """A day outside the window is none of its business."""
    require_identified("certify", SPAN, [FlaggedDay(DAY - dt.timedelta(days=1), 9, blocked=9, chanceless=9)])


def test_weights_are_told_in_a_sentence():
    """Two rows of weight 4 and one of weight 20 are three payments that stand for 28."""
    heavy = HeavyRows(np.array([10, 90]), np.array([4, 20]), np.array([8, 20]))
    assert describe_weights(heavy) == (
        "3 legitimate payments whose label came by chance stand for 28 flagged ones on the certify days."
    )

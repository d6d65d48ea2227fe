"""Windows lie in time order without overlap and end at the newest matured day."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antifraud.clock import Span
from antifraud.errors import SettingsError
from jobs.rows.windows import Windows, windows_as_of


@given(
    st.dates(dt.date(2000, 1, 1), dt.date(2100, 1, 1)),
    st.integers(1, 60),
    st.integers(7, 60),
    st.integers(14, 60),
    st.integers(0, 30),
)
def test_windows_touch_and_never_overlap(as_of, train, select, certify, delay):
    """Every day between the first of train and the last of certify lies in exactly one window."""
    windows = windows_as_of(as_of, train_days=train, select_days=select, certify_days=certify, label_delay_days=delay)
    days = windows.train.days + windows.select.days + windows.certify.days
    assert days == Span(windows.train.first, windows.certify.last).days
    assert [len(span.days) for span in (windows.train, windows.select, windows.certify)] == [train, select, certify]
    assert windows.certify.last == as_of - dt.timedelta(days=delay)


def test_default_lengths_by_hand():
    """With 28, 7 and 28 days and a delay of 7, the windows of day 100 of 2026 begin on day 31."""
    windows = windows_as_of(dt.date(2026, 4, 10), train_days=28, select_days=7, certify_days=28, label_delay_days=7)
    assert windows == Windows(
        train=Span(dt.date(2026, 1, 31), dt.date(2026, 2, 27)),
        select=Span(dt.date(2026, 2, 28), dt.date(2026, 3, 6)),
        certify=Span(dt.date(2026, 3, 7), dt.date(2026, 4, 3)),
    )


def test_json_round_trip():
    """Windows that are written as JSON are read back unchanged."""
    windows = windows_as_of(dt.date(2026, 3, 1), train_days=3, select_days=7, certify_days=14, label_delay_days=7)
    assert Windows.from_dict(windows.to_dict()) == windows


@pytest.mark.parametrize("lengths", [(0, 7, 28), (28, 6, 28), (28, 7, 13)])
def test_lengths_that_cannot_judge_are_refused(lengths):
    """Windows shorter than 1 day to train, 7 to select or 14 to certify are refused."""
    train, select, certify = lengths
    with pytest.raises(SettingsError, match="at least 1, 7 and 14"):
        windows_as_of(
            dt.date(2026, 3, 1), train_days=train, select_days=select, certify_days=certify, label_delay_days=7
        )

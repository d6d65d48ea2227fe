"""The flagged share: what is too large, how soon it is known, and that nobody decides it alone."""

import numpy as np
import pytest

from antifraud.killswitch.detectors.flagged_share import Minute, Seen, highest_share, watch_share
from antifraud.killswitch.detectors.level import Level

HIGHEST = highest_share(0.05, 0.02)


def test_the_highest_share_is_that_of_frauds_and_false_alarms():
    """All frauds are flagged, and 5 % of the other 98 %."""
    assert highest_share(0.05, 0.02) == pytest.approx(0.02 + 0.98 * 0.05)


@pytest.mark.parametrize(("share", "minutes"), [(0.30, 1), (0.12, 5), (0.10, 30)])
def test_a_flood_of_flags_pages_within_minutes(share, minutes):
    """At 400 decisions a minute, after an hour at the highest share."""
    usual, flood = Minute(400, round(400 * HIGHEST)), Minute(400, round(400 * share))
    assert watch_share([usual] * 60, HIGHEST) is Level.NONE
    assert watch_share([usual] * 60 + [flood] * minutes, HIGHEST) is Level.PAGE


def test_a_quiet_service_is_paged_within_the_hour():
    """Seven decisions a minute, three of them flagged for the last half of an hour."""
    assert watch_share([Minute(7, 0)] * 30 + [Minute(7, 3)] * 30, HIGHEST) is Level.PAGE


def test_a_year_at_the_highest_share_hardly_warns():
    """Independent decisions, 100 a minute, a month of minutes, every fifth looked at: no warning."""
    flagged = np.random.default_rng(4).binomial(100, HIGHEST, 30 * 24 * 60).tolist()
    minutes = [Minute(100, each) for each in flagged]
    assert all(watch_share(minutes[:at][-60:], HIGHEST) is Level.NONE for at in range(60, len(minutes), 5))


def test_one_customer_or_terminal_counts_a_few_times_a_minute():
    """A customer's 100 flagged payments count twice, a terminal's 100 ten times; another's one counts, too."""
    customer = [Seen("c", f"t{n}", True) for n in range(100)]
    terminal = [Seen(f"c{n}", "t", True) for n in range(100)]
    assert Minute.of([*customer, *terminal, Seen("d", "u", False)]) == Minute(13, 12)


@pytest.mark.parametrize("minutes", [[], [Minute()] * 60, [Minute(0, 0), Minute(3, 3)]])
def test_little_is_no_evidence(minutes):
    """No decisions, or three."""
    assert watch_share(minutes, HIGHEST) is Level.NONE


@pytest.mark.parametrize("highest", [0.0, 1.0])
def test_a_share_that_nothing_exceeds_is_refused(highest):
    """Nothing, or everything, may be flagged: the settings are wrong."""
    with pytest.raises(ValueError, match="must lie in"):
        watch_share([], highest)

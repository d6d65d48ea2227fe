"""Good successors of a bad release are acquitted, and no bad service can hide behind them."""

import pytest

from antifraud.killswitch.acquittal import find_successors, is_acquitted, is_too_soon
from antifraud.killswitch.cohorts import CohortCounts
from antifraud.killswitch.detectors.noise import ALIKE, Noise
from bench.switch.acquittals import ALTERNATING, BAD_NIGHTS, CURED, SLIGHTLY_BAD, WEEKENDS, median_delay, share_tripped

LIMIT = 0.05
QUIET = Noise(1.0, 0.0, ALIKE, 1_000)


def test_a_successor_needs_rows_and_a_rate_within_the_limit():
    """With 12 caught frauds in 1,000 decisions, 61 flagged ones are within the limit, and 62 are not."""
    before = [CohortCounts(0, "a", 1_000, 112, legit_flagged=100.0, legit_passed=880.0, fraud_flagged=12.0)]

    def acquitted(decided, flagged):
        return is_acquitted([CohortCounts(5, "b", decided, flagged)], before, QUIET, LIMIT)

    assert (acquitted(1_000, 61), acquitted(1_000, 62)) == (True, False)
    assert (acquitted(199, 2), acquitted(200, 2)) == (False, True)
    assert not is_acquitted([CohortCounts(5, "b", 1_000, 10)], [], QUIET, LIMIT)


def test_successors_on_quiet_weekdays_are_held_to_their_limit():
    """4.4 % on weekend days with a limit of 3.5 % are bad, although the limit of the week is 5 %."""
    before = [CohortCounts(0, "a", 1_000, 200, legit_flagged=200.0, legit_passed=800.0)]
    rhythm = Noise(1.0, 0.0, (1.12, 1.12, 1.12, 1.12, 1.12, 0.7, 0.7), 1_000)
    weekend = [CohortCounts(day, "b", 1_000, 44) for day in (5, 6)]

    assert is_acquitted(weekend, before, QUIET, LIMIT)
    assert not is_acquitted(weekend, before, rhythm, LIMIT)


def test_days_that_vary_much_acquit_later():
    """The same days acquit while the inflation is 1, and say too little if it is 20."""
    before = [CohortCounts(0, "a", 1_000, 200, legit_flagged=200.0, legit_passed=800.0)]
    days = [CohortCounts(day, "b", 1_000, 45) for day in (1, 2)]

    assert is_acquitted(days, before, QUIET, LIMIT)
    assert not is_acquitted(days, before, Noise(20.0, 0.0, ALIKE, 1_000), LIMIT)


def test_releases_that_take_turns_are_no_successors():
    """Both have decided a closed day; a third one that never has is the only successor."""
    days = [CohortCounts(day, "ab"[day % 2], 100) for day in range(6)] + [CohortCounts(6, "c", 100)]

    assert [each.release for each in find_successors(days, closed=3, today=8)] == ["c"]
    assert find_successors(days, closed=3, today=6) == []


def test_a_second_acquittal_has_to_wait():
    """Days before the successors began are those of the release that is gone; later ones are their own."""
    assert [is_too_soon(closed, 10) for closed in (8, 10, 11, 39, 40)] == [False, False, True, True, False]


@pytest.mark.parametrize("scene", [BAD_NIGHTS, ALTERNATING, WEEKENDS, SLIGHTLY_BAD], ids=lambda scene: scene.name)
def test_a_bad_service_is_found_as_soon_as_without_acquittals(scene):
    """In the median at most 1.1 times as long, or a day longer; a slight excess is found in hardly fewer years."""
    with_it, without = (median_delay(scene, range(20), acquits=acquits) for acquits in (True, False))

    assert with_it <= max(1.1 * without, without + 1)
    assert share_tripped(scene, range(20), acquits=True) >= share_tripped(scene, range(20), acquits=False) - 0.1


def test_good_successors_are_spared():
    """Four days at 20 % trip almost every good successor without acquittals, and hardly any with them."""
    assert share_tripped(CURED, range(20), acquits=False) >= 0.9
    assert share_tripped(CURED, range(20), acquits=True) <= 0.1

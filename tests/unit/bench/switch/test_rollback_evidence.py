"""The bench of the way back: troubles trip the guard, and end as the kind of the trouble demands."""

import pytest

from bench.switch.judging import Nights
from bench.switch.rollback_evidence import follow
from bench.switch.troubles import KINDS, RATES, VOLUMES, Trouble

SMALL_20 = {kind: 8 + place for place, kind in enumerate(KINDS)}
"""Seeds of troubles with a rate of 20 % at 2,000 payments a day, by kind."""


@pytest.mark.parametrize(("kind", "ending", "right"), [("newest", "ROLLED_BACK", True), ("all", "SUSPENDED", None)])
def test_a_trip_goes_back_only_if_earlier_releases_are_good(kind, ending, right):
    """Poisoned newest releases have a good predecessor; if customers changed, no release is good."""
    trouble = Trouble(SMALL_20[kind])
    assert (trouble.kind, trouble.rate, trouble.rows) == (kind, 0.20, 2_000)

    found = follow(trouble)

    assert (found.at_trip, found.ending, found.is_right) == (True, ending, right)


def test_seeds_have_every_kind_rate_and_volume():
    """The first troubles of a run are all different in one of the three."""
    count = len(KINDS) * len(RATES) * len(VOLUMES)
    assert len({(each.kind, each.rate, each.rows) for each in map(Trouble, range(count))}) == count


def test_a_hit_release_flags_more_from_the_onset_on():
    """Before the onset it flags the same rows; from then on, the drawn rate."""
    trouble = Trouble(SMALL_20["newest"])
    good, hit = trouble.days
    first, last = trouble.onset, trouble.onset + 20

    assert (good.flagged[:first] == hit.flagged[:first]).all()
    assert hit.flagged[first:last].sum() / hit.rows[first:last].sum() == pytest.approx(0.20, rel=0.1)
    assert not trouble.is_hit(first - 4)
    assert trouble.is_hit(first - 3)


def test_a_platform_without_old_releases_cannot_judge():
    """The first release is judged when fourteen days have matured after its certify window, and not before."""
    trouble = Trouble(SMALL_20["all"])
    nights, first = Nights(trouble), trouble.promoted[0]

    young, grown = (nights.judge(first + age).releases[-1] for age in (13, 14))

    assert (young.release, young.long.verdict) == (grown.release, "not_judgeable")
    assert grown.long.verdict in {"pass", "fail"}

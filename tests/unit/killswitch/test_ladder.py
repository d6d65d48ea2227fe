"""The ladder: which releases the service can go back to, and which of them a clean-up has to leave."""

import datetime as dt

import pytest

from antifraud.killswitch.ladder import Kept, choose_ladder, find_needed

TODAY = dt.date(2026, 6, 30)


def aged(*days: int) -> list[Kept]:
    """Return releases of these ages in days, named by them."""
    return [Kept(f"r{day:03}", TODAY - dt.timedelta(days=day)) for day in days]


def test_each_rung_is_the_newest_release_of_its_age():
    """With a release every night, the rungs are exactly 14, 28 and 56 days old, and the anchor is the last."""
    assert choose_ladder(aged(*range(80)), TODAY, "r079") == ["r014", "r028", "r056", "r079"]


@pytest.mark.parametrize(
    ("ages", "anchor", "ladder"),
    [
        ((), None, []),
        ((0, 5, 13), None, []),
        ((13, 14), None, ["r014"]),
        ((0, 90), None, ["r090"]),
        ((3, 20, 30), "r030", ["r020", "r030"]),
        ((3, 20, 30), "r003", ["r020", "r030", "r003"]),
        ((3,), "lost", ["lost"]),
    ],
    ids=["none", "all young", "just old enough", "one for all", "anchor on a rung", "young anchor", "anchor not kept"],
)
def test_a_ladder_with_few_releases(ages, anchor, ladder):
    """A release stands for each rung that has no newer one, and a rung without a release is left out."""
    assert choose_ladder(aged(*ages), TODAY, anchor) == ladder


def test_of_two_releases_of_a_day_the_greater_id_is_the_newer_one():
    """The order does not depend on the order in which a folder is listed."""
    day = TODAY - dt.timedelta(days=20)
    for releases in ([Kept("a", day), Kept("b", day)], [Kept("b", day), Kept("a", day)]):
        assert choose_ladder(releases, TODAY, None) == ["b"]


def test_ladders_of_the_last_days_and_all_young_releases_are_needed():
    """Everything younger than three weeks stays, then one a week, and what tonight's ladder and those before name."""
    needed = find_needed(aged(*range(100)), TODAY, "r099")
    assert {f"r{age:03}" for age in range(21)} <= needed
    # Ladders of the eight days that end today.
    assert {f"r{rung + lag:03}" for rung in (14, 28, 56) for lag in range(8)} <= needed
    assert "r099" in needed
    # Today is a Tuesday: r023, r037, r044 and r051 are of Sundays.
    assert needed - {f"r{rung + lag:03}" for rung in (28, 56) for lag in range(8)} - {"r099"} == {
        *(f"r{age:03}" for age in range(22)),
        *("r023", "r037", "r044", "r051"),
    }


def test_a_nightly_clean_up_keeps_a_ladder_of_all_ages():
    """After 200 nights, each with a release and a clean-up, every rung is at most a week older than asked for."""
    kept: list[Kept] = []
    for night in range(200):
        today = TODAY + dt.timedelta(days=night)
        kept.append(Kept(f"n{night:03}", today))
        needed = find_needed(kept, today, None)
        assert set(choose_ladder(kept, today, None)) <= needed
        kept = [release for release in kept if release.release in needed]
        ladder = choose_ladder(kept, today, None)
        if night >= 70:
            ages = [night - int(release[1:]) for release in ladder]
            assert ages[0] == 14
            assert 28 <= ages[1] <= 35
            assert 56 <= ages[2] <= 63
    assert len(kept) <= 45

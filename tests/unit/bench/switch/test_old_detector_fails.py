"""Faults of commit b393281: each test lets the detector of that commit fail, and the present guard hold.

The table in docs/architecture/killswitch.md names these tests, and those of running processes.
"""

from dataclasses import replace

import numpy as np
import pytest

from antifraud.killswitch.cohorts import CohortCounts
from antifraud.killswitch.detectors.noise import Noise
from antifraud.killswitch.promises import Promise
from antifraud.killswitch.subjects import SERVICE, close_day, find_trip
from bench.switch.guard import LIMIT, Guard, labelled
from bench.switch.old_evidence import BETS, count_day, first_trip
from bench.switch.side_by_side import live
from bench.switch.streams import Days, Stream
from bench.switch.worlds import AT_LIMIT, GIANTS, INSIDE
from bench.switch.years import START, YEAR_DAYS, Life, certify

SEEDS = range(4)
LOW_GIANT = Stream("giant at 1 %", giants=(0.043,), giant_rate=0.2)
"""Overall exactly 5 %, and one terminal has 4.3 % of the rows."""
FLAGGED_GIANT = Stream("flagged giant", rate=0.0839, giants=(0.043,), giant_rate=0.95 / 0.0839)
"""The same terminal is flagged as far as a stream can be, all others at 4.5 %: 8.4 % overall."""


def draw(stream, seed, days=START + YEAR_DAYS):
    return stream.draw(np.random.default_rng([seed, *stream.name.encode()]), days)


def present(days):
    """The first trip of the present guard's rate, with one release; missed fraud lies far below its limit."""
    counts = days.counts()
    return live(Life(counts, np.zeros(len(counts)), np.ones(len(counts))), nightly=False).tripped


def after(window, days):
    """Days after a window of other days."""
    return Days(*(np.vstack([getattr(window, name)[:START], getattr(days, name)]) for name in ("rows", "flagged")))


def test_a_giant_below_the_limit_tripped_every_year():
    """The cap counts the giant for less, so the other terminals, at 5.18 %, seem to be the business."""
    for seed in SEEDS:
        days = draw(LOW_GIANT, seed)
        assert days.flagged.sum() / days.rows.sum() == pytest.approx(0.05, abs=0.0005)
        assert first_trip(days, START) is not None
        assert present(days) is None


@pytest.mark.parametrize("giant_rate", [0.0, 0.1, 0.4])
def test_a_giant_anywhere_from_0_to_2_percent_trips_nothing(giant_rate):
    """The rate of the business is exactly 5 % in each case."""
    for seed in SEEDS:
        assert present(draw(replace(LOW_GIANT, giant_rate=giant_rate), seed)) is None


def test_a_giant_that_is_flagged_was_never_found():
    """In 90 days the earlier detector sees no trip; the present guard sees it on the first or second closed day."""
    for seed in SEEDS:
        days = after(draw(LOW_GIANT, seed, START), draw(FLAGGED_GIANT, seed, 90))
        assert first_trip(days, START) is None
        guard, promise, counts = Guard(), certify(days.counts(), START), days.counts()
        closed = [
            guard.close(labelled(day, "r", counts[day].rows, counts[day].flagged), promise)
            for day in (START, START + 1)
        ]
        assert any(each is not None for each in closed)


def test_a_giant_in_one_place_tripped_by_the_order_of_updates():
    """Terminal by terminal within a day, the same rows give other verdicts; a day's sums have no order."""
    days = draw(Stream("giants", giants=GIANTS, giant_rate=0.3, clustering=0.05), 1)
    turned = Days(days.rows[:, ::-1], days.flagged[:, ::-1])
    first, last = (count_day(np.zeros(BETS.size), each.rows[0], each.flagged[0])[0].tolist() for each in (days, turned))

    assert first != last
    sums = [[(day.rows, day.flagged) for day in each.counts()] for each in (days, turned)]
    assert sums[0] == sums[1]


@pytest.mark.parametrize(
    ("stream", "least"),
    [
        (next(each for each in INSIDE if each.name == "weekly rhythm"), 4),
        (Stream("days differ by 10 %, 4.5 %", rate=0.045, day_sd=0.10, terminals=5_000), 1),
        (Stream("days differ by 5 %", day_sd=0.05, terminals=5_000), 3),
        (next(each for each in AT_LIMIT if each.name == "28-day terminals"), 2),
        (next(each for each in AT_LIMIT if each.name == "lake-shaped"), 1),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_years_within_the_limit_tripped(stream, least):
    """At least so many of four years had a false trip; the present guard has none."""
    years = [draw(stream, seed) for seed in SEEDS]

    assert sum(first_trip(days, START) is not None for days in years) >= least
    assert [present(days) for days in years] == [None] * len(years)


@pytest.mark.prove
def test_the_horizon_was_a_constant():
    """At 200,000 rows a day, a year has 20 times the rows that the promise was made for."""
    years = [draw(Stream("dense", rows=200_000, terminals=20_000), seed) for seed in range(8)]
    pieces = 100
    # The blocks of a day were counted one after the other, so a day may be counted in pieces.
    parts = [
        Days(each.rows.reshape(-1, 20_000 // pieces), each.flagged.reshape(-1, 20_000 // pieces)) for each in years
    ]

    assert sum(first_trip(each, START * pieces) is not None for each in parts) >= 1
    assert [present(each) for each in years] == [None] * 8


def test_labels_of_flagged_rows_alone_tripped():
    """Reviewers have labelled 22 flagged rows of as many terminals, of a thousand decisions, and nothing else."""
    ones = np.ones(22, dtype=np.int64)
    assert count_day(np.zeros(BETS.size), ones, ones)[1]

    reviewed = CohortCounts(0, "a", 1_000, 22, legit_flagged=22.0, squares=22.0)
    quiet = Promise(Noise(1.0, 0.0, (1.0,) * 7, 1_000))
    assert find_trip(close_day({}, [reviewed], {"a": quiet}, LIMIT), "a") is None


def days_at(rate, seed, count):
    return draw(Stream(f"{rate}", rate=rate, rows=1_000, terminals=100), seed, count)


def test_nightly_promotions_split_the_evidence():
    """6 % at 1,000 rows a day were found with one release, and never with a new one every night."""
    for seed in range(6):
        days = days_at(0.06, seed, START + 30)
        nights = [Days(days.rows[day : day + 1], days.flagged[day : day + 1]) for day in range(START, START + 30)]
        assert first_trip(days, START) is not None
        assert [first_trip(night, 0) for night in nights] == [None] * 30


def test_nightly_promotions_change_nothing_now():
    """The service's evidence finds 8 % on the same day, whatever the names of the releases."""
    promise = certify(days_at(0.045, 1, START).counts(), START)
    for seed in SEEDS:
        counts = days_at(0.08, seed, 30).counts()
        one, nightly = Guard(), Guard()
        found = [
            (
                one.close(labelled(day, "r", counts[day].rows, counts[day].flagged), promise),
                nightly.close(labelled(day, f"r{day}", counts[day].rows, counts[day].flagged), promise),
            )
            for day in range(30)
        ]
        first_of_one, first_of_nightly = (
            next(day for day, each in enumerate(found) if each[column] is not None) for column in (0, 1)
        )
        assert first_of_nightly <= first_of_one + 2
        assert found[first_of_nightly][1] == SERVICE


def test_a_change_every_six_days_blinded():
    """Labels came after seven days, and only decisions of the present epoch counted: none ever did."""
    bad = days_at(0.2, 1, 60)
    assert first_trip(bad, 0) == 0
    counted = [day for day in range(60) if day // 6 == (day + 7) // 6]
    assert first_trip(Days(bad.rows[counted], bad.flagged[counted]), 0) is None

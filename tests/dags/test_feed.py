"""The feed tells which days it covers, and which earlier days a day must wait for."""

import datetime as dt

import pytest

from antifraud.lake import catalog as lake
from antifraud.lake import lookback
from antifraud.lake.feed import covers, discover
from antifraud.lake.schemas import TOTALS_CUSTOMER
from antifraud.settings.core import JobSettings
from dags import publication


def day(number: int) -> dt.date:
    return dt.date(2026, 1, number)


@pytest.mark.parametrize(
    ("starts", "asked", "expected"),
    [
        ([], 1, False),
        ([1], 1, True),
        ([1], 30, True),
        ([1], 31, True),
        ([1, 2, 3], 3, True),
        ([1, 2, 3], 4, True),
        ([1, 8, 15], 21, True),
        ([1, 8, 15], 22, True),
        ([5, 6], 4, False),
    ],
)
def test_an_unread_file_may_cover_the_days_until_the_next_begins(tmp_path, starts, asked, expected):
    """A file that nobody has read may cover the days until the next begins, and the last file all days after it."""
    for start in starts:
        (tmp_path / f"{day(start)}.txt").touch()
    assert covers(discover(tmp_path), day(asked)) is expected


def test_other_files_in_the_folder_are_ignored(tmp_path):
    """Only names of raw files count, compressed or not, and a missing folder has no files."""
    for name in ("2026-01-01.txt", "2026-01-02.txt.gz", "2026-01-03.txt.tmp", "notes.txt"):
        (tmp_path / name).touch()
    assert [file.first for file in discover(tmp_path)] == [day(1), day(2)]
    assert discover(tmp_path / "absent") == []


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Return a function that sets the days of feed and lake, and returns the settings."""

    def made(in_feed, in_lake, **settings):
        found = JobSettings(home=tmp_path, **settings)
        found.raw_path.mkdir(parents=True)
        for number in in_feed:
            (found.raw_path / f"{day(number)}.txt").touch()
        runs = {day(n): lake.Run(TOTALS_CUSTOMER.name, day(n), "i", 1, 1, "{}", 1) for n in in_lake}
        monkeypatch.setenv("ANTIFRAUD_HOME", str(tmp_path))
        monkeypatch.setattr(lookback, "open_catalog", lambda _settings: None)
        monkeypatch.setattr(lookback, "published", lambda *_: runs)
        return found

    return made


@pytest.mark.parametrize(
    ("in_feed", "in_lake", "expected"),
    [
        ([1, 2, 3, 4], [], [1, 2, 3]),
        ([1, 2, 3, 4], [1, 3], [2]),
        ([1, 2, 3, 4], [1, 2, 3], []),
        ([4], [], []),
        ([4], [2], [3]),
        ([4], [2, 3], []),
    ],
    ids=["nothing loaded", "a hole", "all loaded", "first day ever", "hole after an archived feed", "archived feed"],
)
def test_history_is_what_feed_and_lake_have_before_the_day(home, in_feed, in_lake, expected):
    """Every day before 4 January that the lake lacks is missing, from the first day that feed or lake knows."""
    assert lookback.missing_before(home(in_feed, in_lake), day(4)) == [day(number) for number in expected]


def test_a_day_of_one_table_of_totals_is_missing(home, monkeypatch):
    """A day counts as missing if only one of the two tables of totals has it."""
    settings = home([1, 2, 3], [])
    held = dict(zip(lookback.TOTALS, ([1, 2], [1]), strict=True))
    monkeypatch.setattr(
        lookback, "published", lambda _catalog, table, *_: {day(number): None for number in held[table]}
    )

    assert lookback.missing_before(settings, day(3)) == [day(2)]


@pytest.mark.parametrize(("delay", "expected"), [(0, []), (1, [day(1)])])
def test_history_reaches_as_far_as_the_label_delay(home, delay, expected):
    """With a delay of a day, the features of 1 February look back 31 days, on 1 January, which the lake lacks."""
    settings = home([1], range(2, 32), label_delay_days=delay)

    assert lookback.missing_before(settings, dt.date(2026, 2, 1)) == expected


class Task:
    """A task that asks for other runs of its DAG; `states` gives their states by day of January."""

    dag_id = "lake"

    def __init__(self, states):
        self.states = states

    def get_dr_count(self, dag_id, logical_dates, states):
        """Return how many runs of the DAG at these midnights are in one of the states."""
        assert dag_id == "lake"
        assert all((date.hour, date.minute, date.utcoffset()) == (0, 0, dt.timedelta()) for date in logical_dates)
        return sum(self.states.get(date.day) in states for date in logical_dates)


@pytest.mark.parametrize(
    ("in_lake", "states", "expected"),
    [
        ([1, 2, 3], {}, True),
        ([1, 2], {3: "running"}, False),
        ([1, 2], {3: "failed"}, False),
        ([1, 2], {3: "queued"}, True),
        ([1], {3: "queued", 2: "running"}, False),
        ([], {}, True),
        ([1, 2, 3], {3: "running"}, True),
    ],
    ids=["all there", "at work", "failed", "behind us", "one of two at work", "nobody's", "at work on other tables"],
)
def test_a_day_waits_for_earlier_ones_that_somebody_loads(home, in_lake, states, expected):
    """A day waits for earlier days whose runs are running or failed.

    It does not wait for a queued run, as in a backwards backfill, because it loads such a day itself.
    """
    home([1, 2, 3, 4], in_lake)

    assert publication.history_is_ready(Task(states), day(4)) is expected


def test_a_day_waits_for_raw_files_of_earlier_ones(home):
    """A day waits for an earlier day that no run loads and no raw file covers yet."""
    home([5], [1, 2])

    assert publication.history_is_ready(Task({}), day(4)) is False

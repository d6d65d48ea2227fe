"""Which days the feed covers, and which days a day's history needs."""

import datetime as dt

import pytest

from antifraud import lake
from antifraud.schemas import TOTALS_CUSTOMER
from dags import feed, publication
from jobs.raw.files import discover


def day(number: int) -> dt.date:
    return dt.date(2026, 1, number)


@pytest.mark.parametrize(
    ("starts", "asked", "expected"),
    [
        ([], 1, False),
        ([1], 1, True),
        ([1], 30, True),
        ([1], 31, False),
        ([1, 2, 3], 3, True),
        ([1, 2, 3], 4, False),
        ([1, 8, 15], 21, True),
        ([1, 8, 15], 22, False),
        ([5, 6], 4, False),
    ],
)
def test_a_file_covers_until_the_next_begins(tmp_path, starts, asked, expected):
    """The last file covers as many days as the one before it did, a single one thirty; ingest agrees."""
    for start in starts:
        (tmp_path / f"{day(start)}.txt").touch()
    assert feed.has_day(tmp_path, day(asked)) is expected
    assert any(file.covers(day(asked)) for file in discover(tmp_path)) is expected


def test_other_files_in_the_folder_are_ignored(tmp_path):
    """Only names of raw files count, packed or not; a folder that is not there has no day."""
    for name in ("2026-01-01.txt", "2026-01-02.txt.gz", "2026-01-03.txt.tmp", "notes.txt"):
        (tmp_path / name).touch()
    assert [file.first for file in feed.files(tmp_path)] == [day(1), day(2)]
    assert feed.has_day(tmp_path / "absent", day(1)) is False


@pytest.mark.parametrize(
    ("in_feed", "in_lake", "expected"),
    [
        ([1, 2, 3, 4], [], False),
        ([1, 2, 3, 4], [1, 3], False),
        ([1, 2, 3, 4], [1, 2, 3], True),
        ([4], [], True),
        ([4], [2], False),
        ([4], [2, 3], True),
    ],
    ids=["nothing loaded", "a hole", "all loaded", "first day ever", "hole after an archived feed", "archived feed"],
)
def test_history_is_what_feed_and_lake_have_before_the_day(tmp_path, monkeypatch, in_feed, in_lake, expected):
    """The features of 4 January wait for every earlier day that the feed or the lake knows of."""
    raw = tmp_path / "raw" / "feed"
    raw.mkdir(parents=True)
    for number in in_feed:
        (raw / f"{day(number)}.txt").touch()
    runs = {day(n): lake.Run(TOTALS_CUSTOMER.name, day(n), "i", 1, 1, "{}", 1) for n in in_lake}
    monkeypatch.setenv("ANTIFRAUD_HOME", str(tmp_path))
    monkeypatch.setattr(lake, "open_catalog", lambda _settings: None)
    monkeypatch.setattr(lake, "published", lambda *_: runs)
    assert publication.history_is_published(day(4)) is expected


@pytest.mark.parametrize(("delay", "expected"), [("0", True), ("1", False)])
def test_history_reaches_as_far_as_the_label_delay(tmp_path, monkeypatch, delay, expected):
    """With a delay of a day, the features of 1 February look back 31 days: on 1 January, which the lake lacks."""
    raw = tmp_path / "raw" / "feed"
    raw.mkdir(parents=True)
    (raw / "2026-01-01.txt").touch()
    runs = {day(n): lake.Run(TOTALS_CUSTOMER.name, day(n), "i", 1, 1, "{}", 1) for n in range(2, 32)}
    monkeypatch.setenv("ANTIFRAUD_HOME", str(tmp_path))
    monkeypatch.setenv("ANTIFRAUD_LABEL_DELAY_DAYS", delay)
    monkeypatch.setattr(lake, "open_catalog", lambda _settings: None)
    monkeypatch.setattr(lake, "published", lambda *_: runs)
    assert publication.history_is_published(dt.date(2026, 2, 1)) is expected

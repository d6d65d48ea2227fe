"""The benchmark of a night compares the same days in both lakes, in shares of the shorter lake."""

import datetime as dt

import pytest

from antifraud.keys.pseudonym import generate_keyring
from antifraud.settings.core import JobSettings
from bench.lake.event_log import ELSEWHERE, Read
from bench.lake.history import Night, growths, tail


def test_the_shorter_lake_has_the_last_days_of_the_longer(tmp_path):
    """The same raw files under the same key, so that what their nights read can be compared byte for byte."""
    whole = JobSettings(home=tmp_path / "whole")
    whole.raw_path.mkdir(parents=True)
    generate_keyring(whole.keyring_path)
    for day in range(1, 6):
        (whole.raw_path / f"2026-01-0{day}.txt").write_text(f"day {day}")

    short = tail(tmp_path / "short", whole, dt.date(2026, 1, 4))

    assert {path.name: path.read_text() for path in short.raw_path.iterdir()} == {
        "2026-01-04.txt": "day 4",
        "2026-01-05.txt": "day 5",
    }
    assert short.keyring_path.read_bytes() == whole.keyring_path.read_bytes()
    assert short.keyring_path.stat().st_mode & 0o777 == 0o600


def test_growth_is_a_share_of_the_shorter_history():
    """No growth is 0."""
    assert growths([(100, 100), (100, 105), (200, 100)]) == pytest.approx([0.0, 0.05, -0.5])


def test_a_night_in_words():
    """Data and metadata are counted apart, and files that Spark keeps for itself do not count."""
    reads = {"clean": Read(100, 9, 2, 5_000, 3, 4), "raw files": Read(70, 1, 1, 70), ELSEWHERE: Read(bytes=999)}

    assert str(Night(reads, 12_345)) == (
        "3 data files of 5,070 bytes; 3 manifests read, 4 skipped; 12,345 bytes of anything"
    )

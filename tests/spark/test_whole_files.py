"""A raw file of several days is read once, however many runs want its days, in turn or at the same time."""

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from antifraud.errors import QuarantineLimit
from antifraud.lake.catalog import open_catalog, published
from antifraud.lake.raw_lines import HEADER
from antifraud.lake.schemas import CLEAN
from antifraud.settings.core import JobSettings
from jobs.lake.checksums import checksums
from jobs.lake.ingest import ingest

DAYS = [dt.date(2026, 1, day) for day in range(1, 6)]
ROWS_A_DAY = 20


def row(number, day, terminal=7):
    seconds = (day - DAYS[0]).days * 86_400 + 3_600
    return f"{number},{day} 01:00:00,{number % 5},{terminal},1.50,{seconds},{(day - DAYS[0]).days},0,0"


def deliver(settings, days, bad_day=None):
    """Write one file of `days` and one that begins after them; rows of `bad_day` have no terminal."""
    lines = [
        row(n * ROWS_A_DAY + i, day, "Err" if day == bad_day else 7)
        for n, day in enumerate(days)
        for i in range(ROWS_A_DAY)
    ]
    (settings.raw_path / f"{days[0]}.txt").write_text("\n".join([HEADER, *lines, ""]))
    after = days[-1] + dt.timedelta(days=1)
    (settings.raw_path / f"{after}.txt").write_text("\n".join([HEADER, row(10_000, after), ""]))


def clean_days(settings):
    return sorted(published(open_catalog(settings), CLEAN, DAYS[0], dt.date(2026, 2, 1)))


def test_one_run_publishes_what_its_file_says(settings, open_lake, reads, monkeypatch):
    """A run of one day publishes all days of its file.

    Runs of the other days then do not read the file at all, not even for its checksum.
    """
    deliver(settings, DAYS)
    session = open_lake(settings)

    assert ingest(session, settings, [DAYS[2]]) == len(DAYS) * ROWS_A_DAY
    assert clean_days(settings) == DAYS
    monkeypatch.setattr("jobs.raw.files._checksum", lambda _: pytest.fail("read for its checksum"))
    assert [ingest(session, settings, [day]) for day in (DAYS[4], DAYS[0], DAYS[1], DAYS[3])] == [0, 0, 0, 0]
    assert reads == [["2026-01-01.txt"]]


@pytest.mark.prove
def test_the_rows_are_those_of_days_asked_for_one_by_one(settings, open_lake, tmp_path):
    """A run publishes the same rows of a file, whichever of its days the run was asked for."""
    other = JobSettings(home=tmp_path / "other", quarantine_limit=1.0, keyring_file=settings.keyring_path)
    other.raw_path.mkdir(parents=True)
    for each, first in ((settings, DAYS[0]), (other, DAYS[3])):
        deliver(each, DAYS)
        ingest(open_lake(each), each, [first])

    assert checksums(settings, DAYS[0], DAYS[-1]) == checksums(other, DAYS[0], DAYS[-1]) != {}


def test_runs_of_one_file_at_once_read_it_once(settings, open_lake, reads):
    """Three runs want one file at the same time: one reads it, and the others find their days published."""
    deliver(settings, DAYS)
    sessions, begin = [open_lake(settings) for _ in range(3)], threading.Barrier(3)

    def run(session, day):
        begin.wait()
        return ingest(session, settings, [day])

    with ThreadPoolExecutor(3) as pool:
        rows = list(pool.map(run, sessions, DAYS[1:4]))

    assert sorted(rows) == [0, 0, len(DAYS) * ROWS_A_DAY]
    assert reads == [["2026-01-01.txt"]]


def test_a_bad_day_is_left_to_its_own_run(settings, open_lake, capsys):
    """A day with too many unusable rows is left out and named, and the others are published.

    A run of the bad day itself is refused.
    """
    settings = JobSettings(home=settings.home, quarantine_limit=0.5)
    deliver(settings, DAYS, bad_day=DAYS[1])
    session = open_lake(settings)

    assert ingest(session, settings, [DAYS[3]]) == (len(DAYS) - 1) * ROWS_A_DAY
    assert clean_days(settings) == [DAYS[0], *DAYS[2:]]
    assert "too many unusable rows, left to runs of their own: 2026-01-02\n" in capsys.readouterr().out
    with pytest.raises(QuarantineLimit, match=r"100.00% of the 20 rows of 2026-01-02"):
        ingest(session, settings, [DAYS[1]])


def test_days_after_the_last_row_are_not_taken_up(settings, open_lake):
    """Days after a file's last row are not published as quiet days, although the file's name covers them."""
    deliver(settings, DAYS)
    path = settings.raw_path / "2026-01-01.txt"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[: 1 + 3 * ROWS_A_DAY]))

    assert ingest(open_lake(settings), settings, [DAYS[0]]) == 3 * ROWS_A_DAY
    assert clean_days(settings) == DAYS[:3]


def test_a_corrected_file_is_read_once_too(settings, open_lake, reads):
    """A run of an unchanged day publishes the two days that a corrected file changes.

    Runs of every day then find nothing to do.
    """
    deliver(settings, DAYS)
    session = open_lake(settings)
    ingest(session, settings, DAYS)
    before = checksums(settings, DAYS[0], DAYS[-1])
    path = settings.raw_path / "2026-01-01.txt"
    path.write_text(path.read_text().replace("2026-01-02 01:00:00,0,7,1.50", "2026-01-02 01:00:00,0,7,1.51"))
    path.write_text(path.read_text().replace("2026-01-04 01:00:00,0,7,1.50", "2026-01-04 01:00:00,0,7,1.51"))

    assert ingest(session, settings, [DAYS[4]]) == 2 * ROWS_A_DAY
    after = checksums(settings, DAYS[0], DAYS[-1])
    assert {key for key in after if after[key] != before[key]} == {("clean", DAYS[1]), ("clean", DAYS[3])}
    assert [ingest(session, settings, [day]) for day in DAYS] == [0] * 5
    assert len(reads) == 2

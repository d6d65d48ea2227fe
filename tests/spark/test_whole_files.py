"""A raw file of several days is read once, however many runs want its days, one after the other or at once."""

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from antifraud.errors import QuarantineLimit
from antifraud.lake.catalog import open_catalog, published
from antifraud.lake.schemas import CLEAN
from antifraud.settings.core import JobSettings
from jobs.lake.checksums import checksums
from jobs.lake.ingest import ingest
from jobs.raw.files import HEADER
from jobs.raw.lines import read_lines

DAYS = [dt.date(2026, 1, day) for day in range(1, 6)]
ROWS_A_DAY = 20


def row(number, day, terminal=7):
    seconds = (day - DAYS[0]).days * 86_400 + 3_600
    return f"{number},{day} 01:00:00,{number % 5},{terminal},1.50,{seconds},{(day - DAYS[0]).days},0,0"


def deliver(settings, days, bad_day=None):
    """One file of `days`, every row of `bad_day` without a terminal, and a file that begins after the last of them."""
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


@pytest.fixture
def reads(monkeypatch):
    """The names of files that were read as transactions, in order, a list for each time."""
    found = []

    def read(spark, paths):
        found.append([path.name for path in paths])
        return read_lines(spark, paths)

    monkeypatch.setattr("jobs.lake.ingest.read_lines", read)
    return found


def test_one_run_publishes_what_its_file_says(settings, open_lake, reads, monkeypatch):
    """The middle day is asked for; the runs of the others, in any order, do not even read the file for its checksum."""
    deliver(settings, DAYS)
    session = open_lake(settings)

    assert ingest(session, settings, [DAYS[2]]) == len(DAYS) * ROWS_A_DAY
    assert clean_days(settings) == DAYS
    monkeypatch.setattr("jobs.raw.files._checksum", lambda _: pytest.fail("read for its checksum"))
    assert [ingest(session, settings, [day]) for day in (DAYS[4], DAYS[0], DAYS[1], DAYS[3])] == [0, 0, 0, 0]
    assert reads == [["2026-01-01.txt"]]


def test_the_rows_are_those_of_days_asked_for_one_by_one(settings, open_lake, tmp_path):
    """A run loads the same days of a file, whichever of them is its own."""
    other = JobSettings(home=tmp_path / "other", quarantine_limit=1.0, keyring_file=settings.keyring_path)
    other.raw_path.mkdir(parents=True)
    for each, first in ((settings, DAYS[0]), (other, DAYS[3])):
        deliver(each, DAYS)
        ingest(open_lake(each), each, [first])

    assert checksums(settings, DAYS[0], DAYS[-1]) == checksums(other, DAYS[0], DAYS[-1]) != {}


def test_runs_of_one_file_at_once_read_it_once(settings, open_lake, reads):
    """Whoever comes second waits for the first and finds its day published."""
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
    """Days beside one with too many unusable rows are published, it is named; the bad one stops whoever asks for it."""
    settings = JobSettings(home=settings.home, quarantine_limit=0.5)
    deliver(settings, DAYS, bad_day=DAYS[1])
    session = open_lake(settings)

    assert ingest(session, settings, [DAYS[3]]) == (len(DAYS) - 1) * ROWS_A_DAY
    assert clean_days(settings) == [DAYS[0], *DAYS[2:]]
    assert "too many unusable rows, left to runs of their own: 2026-01-02\n" in capsys.readouterr().out
    with pytest.raises(QuarantineLimit, match=r"100.00% of the 20 rows of 2026-01-02"):
        ingest(session, settings, [DAYS[1]])


def test_days_after_the_last_row_are_not_taken_up(settings, open_lake):
    """The name of the next file says the file covers five days, its rows end after three: the others are not quiet."""
    deliver(settings, DAYS)
    path = settings.raw_path / "2026-01-01.txt"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[: 1 + 3 * ROWS_A_DAY]))

    assert ingest(open_lake(settings), settings, [DAYS[0]]) == 3 * ROWS_A_DAY
    assert clean_days(settings) == DAYS[:3]


def test_a_corrected_file_is_read_once_too(settings, open_lake, reads):
    """Two days change: asked for one that did not, the run publishes both, and their own runs find nothing to do."""
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

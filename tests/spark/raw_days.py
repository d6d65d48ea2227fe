"""Raw files of any days, and counts of their lines that do not use the project's own readers."""

import datetime as dt
import gzip
from argparse import Namespace

from antifraud.errors import AntifraudError
from antifraud.lake.catalog import open_catalog, published, read_days
from antifraud.lake.raw_lines import HEADER
from antifraud.lake.schemas import CLEAN, QUARANTINE

FOR_EVER = dt.date(2020, 1, 1), dt.date(9999, 12, 31)


def march(number):
    return dt.date(2026, 3, number)


def days_from(first, count):
    return [first + dt.timedelta(days=n) for n in range(count)]


def line(day, number, base, hour=10):
    """Return a usable line of a day; `base` is the day in the name of its file, from which seconds are counted."""
    seconds = (day - base).days * 86_400 + hour * 3_600
    return f"{number},{day} {hour:02d}:00:00,{number % 5},{number % 3},1.50,{seconds},{seconds // 86_400},0,0"


def deliver(settings, first, rows, *, packed=False, more=()):
    """Write the file that begins on `first`; `rows` has the number of usable lines by day, `more` has further lines."""
    lines = [line(day, n, first, n % 24) for day, count in rows.items() for n in range(count)]
    content = "\n".join([HEADER, *lines, *more, ""]).encode()
    name = f"{first}.txt.gz" if packed else f"{first}.txt"
    (settings.raw_path / name).write_bytes(gzip.compress(content) if packed else content)


def lines_in(settings):
    """Return the data lines of each raw file by name."""
    texts = {path.name: path.read_bytes() for path in settings.raw_path.iterdir()}
    plain = {name: gzip.decompress(text) if name.endswith(".gz") else text for name, text in texts.items()}
    return {name: text.count(b"\n") - 1 for name, text in plain.items()}


def clean_rows(settings):
    """Return the rows of `clean` by day, as they were recorded in `runs`."""
    return {day: run.rows for day, run in published(open_catalog(settings), CLEAN, *FOR_EVER).items()}


def quarantined(settings):
    """Return day, file, line and reason of every quarantined row, in order."""
    rows = read_days(open_catalog(settings), QUARANTINE, *FOR_EVER).to_pylist()
    return sorted((row["day"], row["file"], row["line"], row["reason"]) for row in rows)


def rows_out(settings):
    """Return the rows of `clean` and `quarantine` together, counted in the tables."""
    return sum(read_days(open_catalog(settings), table, *FOR_EVER).num_rows for table in (CLEAN, QUARANTINE))


def exit_code(main, session, settings, first, last, **options):
    """Run a job's `main` for a range of days and return the exit code of its process."""
    options = {"rekey": False} | options
    try:
        main(session, settings, Namespace(first=first, last=last, **options))
    except AntifraudError as error:
        print(error)  # noqa: T201 - as the process of a job does, on another stream
        return error.exit_code
    return 0

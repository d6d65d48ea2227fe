"""Files as the world delivers them: harmless forms lose no row, and a refusal tells line, column and expectation."""

import datetime as dt

import pytest

from antifraud.exit_codes import returns_exit_code
from antifraud.keys.pseudonym import generate_keyring
from antifraud.lake.catalog import ingested, open_catalog, read_days
from antifraud.lake.schemas import CLEAN, QUARANTINE
from antifraud.settings.core import JobSettings
from jobs.ingest import main, parser
from tests.spark.delivered_files import ACCEPTED, REFUSED, ROWS, expected, rows, spoil, text_of

FIRST = dt.date(2026, 3, 1)
DAYS = {name: FIRST + dt.timedelta(days=number) for number, name in enumerate(ACCEPTED)}
LAST = max(DAYS.values())
MOST_UNUSABLE = 0.2


def run_ingest(session, settings, first, last):
    """Run the job on the days as its process does, and return its exit code."""
    return returns_exit_code(main)(session, settings, parser().parse_args(["--from", str(first), "--to", str(last)]))


@pytest.fixture(scope="module")
def lake(tmp_path_factory, open_lake):
    """Return session and settings of an empty lake with a limit for unusable rows."""
    settings = JobSettings(home=tmp_path_factory.mktemp("delivered"), quarantine_limit=MOST_UNUSABLE)
    settings.raw_path.mkdir(parents=True)
    generate_keyring(settings.keyring_path)
    return open_lake(settings), settings


@pytest.fixture
def feed(lake):
    """Return the raw folder of the lake, which is emptied after the test."""
    folder = lake[1].raw_path
    yield folder
    for path in folder.glob("*.txt*"):
        path.unlink()


def read(settings, table, first, last, *columns):
    found = read_days(open_catalog(settings), table, first, last, columns).to_pylist()
    return sorted(tuple(row[name] for name in columns) for row in found)


@pytest.mark.parametrize("form", REFUSED)
def test_a_refusal_tells_line_column_and_expectation(lake, feed, capsys, form):
    """A file of rows that all break the contract is refused in one line, without their values, and not published."""
    session, settings = lake
    code, fault, counts, change = REFUSED[form]
    day = dt.date(2026, 5, 1)
    (feed / f"{day}.txt").write_bytes(text_of([change(row) for row in rows(day)]))

    assert run_ingest(session, settings, day, day) == code
    [message] = capsys.readouterr().err.splitlines()
    assert message.startswith(f"error: 2026-05-01.txt, line 2: {fault}; ")
    assert f"({counts})" in message
    assert "12345678901" not in message
    assert read(settings, CLEAN, day, day, "day") == read(settings, QUARANTINE, day, day, "day") == []


def test_the_first_of_two_bases_is_kept_and_the_first_other_row_named(lake, feed, capsys):
    """If 15 rows count from another base, the message names the first of them and how far its time is off."""
    session, settings = lake
    day = dt.date(2026, 5, 1)
    fields = rows(day)
    late = [spoil(5, lambda text: str(int(text) + 86_400 * 3))(row) for row in fields[25:]]
    (feed / f"{day}.txt").write_bytes(text_of([*fields[:25], *late]))

    assert run_ingest(session, settings, day, day) == 23
    assert capsys.readouterr().err == (
        "error: 2026-05-01.txt, line 27: tx_datetime: a time 3 days, 0:00:00 earlier found, YYYY-MM-DD hh:mm:ss, the "
        "time that tx_time_seconds tells expected; 37.50% of the 40 rows of 2026-05-01 are unusable (unparsable 15 "
        "(tx_datetime 15)), the limit is 20.00%: correct the file, nothing was published\n"
    )


def test_harmless_forms_lose_no_row(lake, feed):
    """Marks, carriage returns and padding change nothing: each day has the rows of the plain file, and none twice."""
    session, settings = lake
    for form, day in DAYS.items():
        ending, content = ACCEPTED[form](day)
        (feed / f"{day}{ending}").write_bytes(content)

    assert run_ingest(session, settings, FIRST, LAST) == 0
    for form, day in DAYS.items():
        assert read(settings, CLEAN, day, day, "transaction_id", "event_time", "amount") == expected(day), form
    assert read(settings, QUARANTINE, FIRST, LAST, "file", "line") == []
    counts = ingested(open_catalog(settings), FIRST, LAST)
    assert [counts[day]["rows_in"] for day in DAYS.values()] == [ROWS] * len(DAYS)

    before = open_catalog(settings).load_table(("antifraud", "clean")).current_snapshot()
    for path in list(feed.iterdir()):
        path.unlink()
    for day in DAYS.values():
        (feed / f"{day}.txt").write_bytes(text_of(rows(day)))
    assert run_ingest(session, settings, FIRST, LAST) == 0
    assert open_catalog(settings).load_table(("antifraud", "clean")).current_snapshot() == before


def test_a_file_in_local_time_is_accepted_with_a_warning(lake, feed, capsys):
    """A file that counts its seconds from 03:00 keeps its printed times, and one line warns about it."""
    session, settings = lake
    day = dt.date(2026, 6, 1)
    (feed / f"{day}.txt").write_bytes(text_of(rows(day, base=3 * 3_600)))

    assert run_ingest(session, settings, day, day) == 0
    warnings = [line for line in capsys.readouterr().out.splitlines() if "warning" in line]
    assert warnings == [
        "  warning: 2026-06-01.txt counts seconds from 3:00:00 UTC, not from midnight; is it in local time?"
    ]
    assert read(settings, CLEAN, day, day, "transaction_id", "event_time", "amount") == expected(day, base=3 * 3_600)


def test_an_id_of_twenty_digits_is_quarantined_alone(lake, feed):
    """One customer id of 20 digits costs its own row and no other."""
    session, settings = lake
    day = dt.date(2026, 6, 2)
    fields = rows(day)
    fields[7] = spoil(2, lambda _: "61234567890112345678")(fields[7])
    (feed / f"{day}.txt").write_bytes(text_of(fields))

    assert run_ingest(session, settings, day, day) == 0
    assert read(settings, QUARANTINE, day, day, "line", "reason", "column") == [(9, "customer_invalid", "customer_id")]
    assert len(read(settings, CLEAN, day, day, "transaction_id")) == ROWS - 1

"""Ingest puts each row where it belongs, whatever the range, and a bad file stops it before it publishes anything."""

import datetime as dt

import pytest

from antifraud.errors import MissingDay, QuarantineLimit, RawFileError
from antifraud.keys.pseudonym import generate_keyring, load_active_key, tokenise
from antifraud.lake import schemas
from antifraud.lake.catalog import ingested, open_catalog, published, read_days
from antifraud.lake.raw_lines import HEADER
from antifraud.settings.core import JobSettings
from jobs.lake.checksums import checksums
from jobs.lake.ingest import ingest
from jobs.publishing.staging import staged_snapshots
from jobs.raw.contents import remembered
from jobs.raw.demand import TABLES, UNREAD, demand_of, out_of_date
from jobs.raw.rows import judge_rows
from tests.spark.raw_example import CLEAN, D1, D2, D3, MIDNIGHT, ONE_DAY, QUARANTINE, REPEATED, TWO_DAYS, write_feed


@pytest.fixture(scope="module")
def feed(tmp_path_factory, open_lake):
    """Return settings and session of a lake into which the hand-written feed was ingested as one range."""
    settings = JobSettings(home=tmp_path_factory.mktemp("range"), quarantine_limit=1.0)
    settings.raw_path.mkdir(parents=True)
    generate_keyring(settings.keyring_path)
    write_feed(settings.raw_path)
    session = open_lake(settings)
    assert ingest(session, settings, [D1, D2, D3]) == len(TWO_DAYS) + len(ONE_DAY)
    return settings, session


def rows(settings, table, *columns):
    found = read_days(open_catalog(settings), table, D1, D3, columns).to_pylist()
    return sorted((tuple(row[name] for name in columns) for row in found), key=repr)


def test_usable_rows_are_clean(feed):
    """In `clean`, times are repaired, money is exact, ids of 0 are kept, and tokens stand for ids."""
    settings, _ = feed
    key = load_active_key(settings.keyring_path)
    expected = [
        (
            day,
            number,
            MIDNIGHT + second,
            tokenise(key, "customer", customer),
            tokenise(key, "terminal", terminal),
            units,
            None,
        )
        for day, number, second, customer, terminal, units in CLEAN
    ]

    assert rows(settings, schemas.CLEAN, *schemas.CLEAN.column_names) == sorted(expected, key=repr)


def test_unusable_rows_are_quarantined_where_they_stand(feed):
    """Each quarantined row has its file, line, reason and column.

    A row without a usable time lies under its file's first day.
    """
    settings, _ = feed
    expected = [(day, "2026-01-01.txt", *rest) for day, *rest in QUARANTINE] + [REPEATED]

    assert rows(settings, schemas.QUARANTINE, "day", "file", "line", "reason", "column") == sorted(expected, key=repr)


def test_labels_are_learnt_a_week_later(feed):
    """Each clean row has one label, learnt seven days after its own time."""
    settings, _ = feed
    found = rows(settings, schemas.LABELS, "day", "transaction_id", "status", "learned_at", "scenario")
    times = {row[:2]: row[2] for row in rows(settings, schemas.CLEAN, "day", "transaction_id", "event_time")}

    assert len(found) == len(CLEAN)
    assert (D1, 1, "fraud", MIDNIGHT + 24_663 + 7 * 86_400, 2) in found
    assert {row[:2]: row[3] - 7 * 86_400 for row in found} == times


def test_counts_are_written_down(feed):
    """`runs` says for each day how many rows came in, how many were usable, and why the rest was not."""
    settings, _ = feed
    counts = ingested(open_catalog(settings), D1, D3)

    quarantined = {"outside_file": 1, "unparsable": 3}
    assert counts[D2] == {"rows_in": 6, "clean": 2, "quarantined": quarantined, "repaired_midnight": 1}
    assert sum(day["rows_in"] for day in counts.values()) == len(TWO_DAYS) + len(ONE_DAY)


def test_clean_names_the_snapshots_of_the_others(feed):
    """The summary of `clean` names the snapshots of quarantine and labels that belong to it."""
    settings, _ = feed
    catalog = open_catalog(settings)
    summary = catalog.load_table(("antifraud", "clean")).current_snapshot().summary
    named = [summary[f"antifraud.{name}"] for name in ("quarantine", "labels")]

    assert named == [
        str(catalog.load_table(("antifraud", name)).current_snapshot().snapshot_id) for name in ("quarantine", "labels")
    ]


@pytest.mark.prove
def test_day_by_day_equals_the_range(feed, settings, open_lake):
    """Days ingested one by one, out of order, give the same rows as one range and leave nothing staged."""
    whole, _ = feed
    write_feed(settings.raw_path)
    settings.keyring_path.write_bytes(whole.keyring_path.read_bytes())
    session = open_lake(settings)
    for day in (D3, D1, D2):
        ingest(session, settings, [day])

    assert checksums(settings, D1, D3) == checksums(whole, D1, D3)
    assert [staged_snapshots(open_catalog(settings), table) for table in TABLES] == [[], [], []]


def snapshots(settings):
    catalog = open_catalog(settings)
    return {
        (table.name, day): run.snapshot_id for table in TABLES for day, run in published(catalog, table, D1, D3).items()
    }


def test_only_what_changed_is_done_again(feed):
    """Days that are up to date are skipped, and a corrected file replaces only the days and tables it changes."""
    settings, session = feed
    before, published_before = checksums(settings, D1, D3), snapshots(settings)
    assert ingest(session, settings, [D1, D2, D3]) == 0

    corrected = [line for line in TWO_DAYS if not line.startswith(("13,", "14,", "11,", "16,"))]
    (settings.raw_path / "2026-01-01.txt").write_text("\n".join([HEADER, *corrected, ""]))
    assert ingest(session, settings, [D1, D2, D3]) == len(corrected) - 1  # one row is of the third day, which stays
    after = checksums(settings, D1, D3)

    assert ("quarantine", D2) in before
    assert ("quarantine", D2) not in after
    assert {key for key in after if after[key] != before[key]} == {("quarantine", D1)}
    changed = {key for key, snapshot in snapshots(settings).items() if snapshot != published_before[key]}
    assert changed == {("quarantine", D1), ("quarantine", D2)}
    counts = ingested(open_catalog(settings), D1, D3)
    assert counts[D2] == {"rows_in": 2, "clean": 2, "quarantined": {}, "repaired_midnight": 1}
    assert sum(day["rows_in"] for day in counts.values()) == len(corrected) + len(ONE_DAY)


def test_a_file_that_says_the_same_is_read_once(feed):
    """A file with other bytes but the same rows is read once, publishes nothing and is then up to date."""
    settings, session = feed
    plain = settings.raw_path / "2026-01-01.txt"
    before = snapshots(settings)
    plain.write_text(plain.read_text().replace("07:00:00,5,Err", "07:00:00,5,None"))

    assert out_of_date_days(settings) == {D1: UNREAD, D2: UNREAD, D3: UNREAD}
    assert ingest(session, settings, [D1, D2, D3]) == 0
    assert out_of_date_days(settings) == {}
    assert snapshots(settings) == before


def out_of_date_days(settings):
    demand = demand_of(settings, [D1, D2, D3])
    found = out_of_date(settings, demand, remembered(open_catalog(settings), demand.sources))
    return {day: why for day, reasons in found.items() for why in set(reasons.values())}


def test_a_corrected_row_replaces_its_own_day_only(feed):
    """A corrected row of the second day replaces `clean` of that day; everything else keeps its snapshot."""
    settings, session = feed
    before = snapshots(settings)
    path = settings.raw_path / "2026-01-01.txt"
    path.write_text(
        path.read_text().replace("1,2026-01-02 11:00:00,999999999999", "1,2026-01-02 11:00:00,999999999998")
    )

    assert ingest(session, settings, [D1, D2, D3]) == 2
    assert {key for key, snapshot in snapshots(settings).items() if snapshot != before[key]} == {("clean", D2)}


def test_a_file_that_grows_while_it_is_read_stops_the_run(settings, open_lake, monkeypatch):
    """A file that grows between the first look and the end of the run stops it, and nothing is published."""
    write_feed(settings.raw_path)
    grown = settings.raw_path / "2026-01-01.txt"

    def judge_and_append(*arguments):
        rows = judge_rows(*arguments)
        with grown.open("a") as file:
            file.write("99,2026-01-02 12:00:00,5,7,70,129600,1,0,0\n")
        return rows

    monkeypatch.setattr("jobs.lake.ingest.judge_rows", judge_and_append)

    with pytest.raises(RawFileError, match=r"2026-01-01\.txt had \d+ bytes and has \d+ now: it changed while"):
        ingest(open_lake(settings), settings, [D1, D2])

    assert checksums(settings, D1, D3) == {}


def test_the_overlap_of_a_late_cut_is_not_the_missing_day(settings, open_lake):
    """A few rows of the missing day D2 in D1's file are taken for an overlap, so D2 is refused.

    If they are a tenth as many as the rows of D1, D1's file covers D2, too.
    """
    lines = [f"{n},2026-01-01 10:00:00,5,7,70,36000,0,0,0" for n in range(40)]
    beyond = [f"{n},2026-01-02 00:00:01,5,7,70,86401,1,0,0" for n in range(40, 44)]
    first = settings.raw_path / "2026-01-01.txt"
    (settings.raw_path / "2026-01-03.txt").write_text(HEADER + "\n")
    session = open_lake(settings)

    first.write_text("\n".join([HEADER, *lines, *beyond[:3], ""]))
    with pytest.raises(MissingDay, match=r"2026-01-01\.txt ends on 2026-01-01, 2026-01-02 is asked for"):
        ingest(session, settings, [D2])
    assert checksums(settings, D1, D3) == {}

    first.write_text("\n".join([HEADER, *lines, *beyond, ""]))
    assert ingest(session, settings, [D2]) == 40 + 4
    assert [ingested(open_catalog(settings), D1, D3)[day]["rows_in"] for day in (D1, D2)] == [40, 4]


def test_days_before_an_overlap_far_away_are_missing_too(settings, open_lake):
    """One stray row on a much later day does not make the days before it covered."""
    lines = [f"{n},2026-01-01 10:00:00,5,7,70,36000,0,0,0" for n in range(40)]
    stray = "40,2026-01-20 10:00:00,5,7,70,1677600,19,0,0"
    (settings.raw_path / "2026-01-01.txt").write_text("\n".join([HEADER, *lines, stray, ""]))

    with pytest.raises(MissingDay, match=r"ends on 2026-01-01, 2026-01-02 is asked for"):
        ingest(open_lake(settings), settings, [D2])


@pytest.mark.parametrize(
    ("lines", "limit", "error", "message"),
    [
        (TWO_DAYS[:9], 0.5, QuarantineLimit, r"77\.78% of the 9 rows of 2026-01-01 .*terminal_invalid 2"),
        (
            ["\x00\x01binary"],
            1.0,
            RawFileError,
            "txt, line 2: 1 column found, 9 columns expected; no row with a usable time",
        ),
        (TWO_DAYS[:9], 1.0, MissingDay, "2026-01-01.txt ends on 2026-01-01, 2026-01-02 is asked for"),
    ],
)
def test_bad_content_stops_before_publishing(settings, open_lake, lines, limit, error, message):
    """The message names the file, line or day at fault, and nothing gets into the lake."""
    settings = JobSettings(home=settings.home, quarantine_limit=limit)
    (settings.raw_path / "2026-01-01.txt").write_text("\n".join([HEADER, *lines, ""]))
    (settings.raw_path / "2026-01-03.txt").write_text(HEADER + "\n")
    days = [D1, D1 + dt.timedelta(days=1)] if error is MissingDay else [D1]

    with pytest.raises(error, match=message):
        ingest(open_lake(settings), settings, days)

    assert checksums(settings, D1, D3) == {}

"""A rotation of keys on a lake of seventy days gives the same features under new tokens, and mixes no keys."""

import argparse
import datetime as dt
import random
import stat

import pytest

from antifraud.artifacts.state_export import read_manifest
from antifraud.commands.main import main as command
from antifraud.errors import MissingDay, PublishError
from antifraud.keys.pseudonym import generate_keyring, load_keyring, rotate_keyring, tokenise
from antifraud.lake.catalog import open_catalog, published, read_days
from antifraud.lake.key_use import key_ids
from antifraud.lake.raw_lines import HEADER
from antifraud.lake.schemas import CLEAN, FEATURES, STATE, TOTALS_CUSTOMER, TOTALS_TERMINAL
from antifraud.settings.core import JobSettings
from jobs.day import STAGES
from jobs.lake.export import export_state
from jobs.lake.ingest import ingest
from jobs.lake.rotation import rotate
from jobs.lake.staleness import stale
from jobs.lake.state import state_of
from jobs.publishing.tables import read_table
from jobs.rotate_keys import main

pytestmark = pytest.mark.prove  # a lake of seventy days, for a job that a person starts
FIRST = dt.date(2026, 1, 1)
DAYS = [FIRST + dt.timedelta(days=number) for number in range(70)]
LAST = DAYS[-1]
FILE_DAYS = 30
A_DAY = 8
CUSTOMERS = (0, 1, 2, 3, 483_920_175_566)
TERMINALS = (0, 7, 120_000_000_017)
REACH = {CLEAN: 67, TOTALS_CUSTOMER: 67, TOTALS_TERMINAL: 67, STATE: 31, FEATURES: 67}
"""Number of newest days of each table that a rotation brings under the new key."""
DAYS_OF = {"ingest": DAYS, "totals": DAYS, "state": DAYS[-31:], "features": DAYS[-31:]}
"""Days of each stage, one more than the rotation's check needs. Stage `state` makes the day before, too."""
PRESENT = {CLEAN: DAYS, TOTALS_CUSTOMER: DAYS, TOTALS_TERMINAL: DAYS, STATE: DAYS[-32:], FEATURES: DAYS[-31:]}


def lines_of_day(number):
    draw = random.Random(number)  # noqa: S311 - test data
    for second in sorted(draw.sample(range(86_400), A_DAY)):
        printed = dt.datetime.combine(DAYS[number], dt.time()) + dt.timedelta(seconds=second)
        ids = f"{draw.choice(CUSTOMERS)},{draw.choice(TERMINALS)}"
        amount, fraud = draw.randrange(100, 99_999), draw.randrange(5) == 0
        transaction = number * 86_400 + second
        yield f"{transaction},{printed},{ids},{amount / 100:.2f},{transaction},{number},{int(fraud)},{int(fraud)}"


def write_feed(folder):
    for start in range(0, len(DAYS), FILE_DAYS):
        lines = [line for number in range(start, min(start + FILE_DAYS, len(DAYS))) for line in lines_of_day(number)]
        (folder / f"{DAYS[start]}.txt").write_text("\n".join([HEADER, *lines, ""]))


def run_all(session, settings):
    return {name: STAGES[name](session, settings, days) for name, days in DAYS_OF.items()}


def vectors(settings):
    """Return every feature of every transaction by id, without the tokens."""
    rows = read_days(open_catalog(settings), FEATURES, FIRST, LAST).to_pylist()
    return {row["transaction_id"]: {k: v for k, v in row.items() if k not in ("customer", "terminal")} for row in rows}


def keys_by_day(settings, table):
    return {day: set(ids) for day, ids in key_ids(open_catalog(settings), table, FIRST, LAST).items()}


def retire(settings, key_id):
    return command(["keys", "retire", key_id], {"ANTIFRAUD_HOME": str(settings.home)})


@pytest.fixture(scope="module")
def rotated(tmp_path_factory, open_lake):
    """Rotate a lake from k1 to k2 after some refusals; return session, settings, and features and runs from before."""
    # A certify window that reaches no further back than the features do.
    settings = JobSettings(home=tmp_path_factory.mktemp("rotation"), certify_days=28)
    settings.raw_path.mkdir(parents=True)
    generate_keyring(settings.keyring_path)
    write_feed(settings.raw_path)
    session = open_lake(settings)
    assert run_all(session, settings)["features"] == A_DAY * 31
    export_state(settings, LAST)
    before = vectors(settings), {table: published(open_catalog(settings), table, FIRST, LAST) for table in REACH}
    assert rotate_keyring(settings.keyring_path) == "k2"
    assert run_all(session, settings) == {"ingest": 0, "totals": 0, "state": 0, "features": 0}

    add = "UPDATE lake.antifraud.features SET customer_1d_count = customer_1d_count {} 1 WHERE day = DATE '2026-03-01'"
    session.sql(add.format("+"))
    with pytest.raises(PublishError, match="8 transactions would have other features under k2: nothing was published"):
        rotate(session, settings, LAST)
    session.sql(add.format("-"))
    with pytest.raises(MissingDay, match="the newest day of the lake is 2026-03-11, 2026-03-10 was named"):
        rotate(session, settings, DAYS[-2])
    assert all(ids == {"k1"} for table in REACH for ids in keys_by_day(settings, table).values())
    assert retire(settings, "k1") == 10

    main(session, settings, argparse.Namespace(day=LAST))
    return session, settings, *before


def test_features_are_the_same_before_and_after(rotated):
    """Every transaction has the same features before and after the rotation."""
    _, settings, before, _ = rotated

    assert vectors(settings) == before


@pytest.mark.parametrize("table", REACH, ids=lambda table: table.name)
def test_what_the_next_days_look_back_on_is_under_the_new_key(rotated, table):
    """The newest days of each table, as many as it needs, are under the new key; older days keep the old one."""
    _, settings, _, _ = rotated
    found = keys_by_day(settings, table)

    assert found == {day: {"k2"} if day in DAYS[-REACH[table] :] else {"k1"} for day in PRESENT[table]}


def test_tokens_are_those_of_the_ids(rotated):
    """The newest day of `clean` and of terminal totals holds exactly the tokens that the reference makes of its ids."""
    _, settings, _, _ = rotated
    key = load_keyring(settings.keyring_path).keys["k2"]
    customers = {tokenise(key, "customer", int(line.split(",")[2])) for line in lines_of_day(69)}
    terminals = {tokenise(key, "terminal", int(line.split(",")[3])) for line in lines_of_day(69)}

    clean = read_days(open_catalog(settings), CLEAN, LAST, LAST).to_pylist()
    totals = read_days(open_catalog(settings), TOTALS_TERMINAL, LAST, LAST).to_pylist()
    assert {row["customer"] for row in clean} == customers
    assert {row["terminal"] for row in clean} == {row["terminal"] for row in totals} == terminals


def test_inputs_stay_and_nothing_is_done_again(rotated):
    """After a rotation every run keeps its inputs, no day is stale, and no stage has anything to do."""
    session, settings, _, before = rotated
    catalog = open_catalog(settings)

    for table, runs in before.items():
        now = published(catalog, table, FIRST, LAST)
        assert {day: run.inputs for day, run in now.items()} == {day: run.inputs for day, run in runs.items()}
    assert stale(settings, DAYS[-31:]) == {}
    assert run_all(session, settings) == {"ingest": 0, "totals": 0, "state": 0, "features": 0}
    assert rotate(session, settings, LAST) == 0


def test_a_state_rebuilt_from_totals_equals_the_rekeyed_one(rotated):
    """All 31 states under the new key equal those rebuilt from the totals under it, row for row."""
    session, settings, _, _ = rotated
    days = DAYS[-31:]
    totals = [read_table(session, table) for table in (TOTALS_CUSTOMER, TOTALS_TERMINAL)]
    rebuilt = state_of(session, *totals, days, settings.label_delay_days)
    published_rows = read_table(session, STATE, f"day >= DATE '{days[0]}'")

    assert rebuilt.exceptAll(published_rows).count() == 0
    assert published_rows.count() == rebuilt.count() > 31 * len(CUSTOMERS)


def test_the_scorer_gets_the_state_under_the_new_key(rotated):
    """The state of the same day is exported anew, next to the export under the old key."""
    _, settings, _, _ = rotated
    export_state(settings, LAST)

    folders = [path for path in settings.state_dir.iterdir() if path.is_dir()]
    assert len(folders) == 2
    # While keys rotate, the scorer takes tokens of both, and knows which of them belong together.
    manifests = [read_manifest(folder) for folder in folders]
    assert {manifest.key_ids for manifest in manifests} == {("k1",), ("k1", "k2")}
    assert {manifest.links for manifest in manifests} == {0, len(CUSTOMERS) + len(TERMINALS)}


def test_the_bridge_is_private_and_goes_with_the_old_key(rotated):
    """The bridge lies in the raw zone, only its owner can open it, and retiring the old key removes it."""
    _, settings, _, _ = rotated
    bridge = settings.raw_path / "bridge" / "k1-k2"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (bridge.parent, bridge)] == [0o700, 0o700]
    assert any(bridge.rglob("*.parquet"))

    assert retire(settings, "k1") == 0
    assert not bridge.exists()
    assert list(load_keyring(settings.keyring_path).keys) == ["k2"]
    assert stale(settings, DAYS[-31:]) == {}


def test_an_old_day_corrected_after_its_key_is_gone_is_not_mixed_with_its_neighbours(rotated):
    """A corrected old day comes in under the active key, and states refuse to mix keys.

    They are made once ingest has written the old days under the active key, too.
    """
    session, settings, _, _ = rotated
    path = settings.raw_path / f"{FIRST}.txt"
    header, first, *rest = path.read_text().splitlines()
    columns = first.split(",")
    columns[4] = "1.00"
    path.write_text("\n".join([header, ",".join(columns), *rest, ""]))
    assert ingest(session, settings, DAYS[:1]) == A_DAY
    assert (keys_by_day(settings, CLEAN)[DAYS[0]], keys_by_day(settings, CLEAN)[DAYS[1]]) == ({"k2"}, {"k1"})
    STAGES["totals"](session, settings, DAYS[:2])
    with pytest.raises(PublishError, match=r"tokens of several keys would be mixed .*k1: .*; k2: .*--rekey"):
        STAGES["state"](session, settings, DAYS[:2])

    assert ingest(session, settings, DAYS[:3], rekey=True) == 2 * A_DAY
    STAGES["totals"](session, settings, DAYS[:3])
    assert STAGES["state"](session, settings, DAYS[:3]) > 0

"""Two runs of one day at the same time leave all tables of that day from one and the same run."""

import dataclasses
import datetime as dt
import json
import os
import subprocess
import sys

import pytest

from antifraud.keys.pseudonym import generate_keyring
from antifraud.lake.catalog import open_catalog, published, read_days
from antifraud.lake.raw_lines import HEADER
from antifraud.lake.schemas import CLEAN, LABELS, QUARANTINE
from antifraud.settings.core import JobSettings
from infra.cluster.archive import ROOT
from jobs.lake import feed_days
from jobs.lake.ingest import ingest
from jobs.publishing.staging import staged_snapshots
from jobs.raw.contents import remembered
from jobs.raw.demand import TABLES, demand_of, out_of_date
from tests.circles import for_proofs
from tests.storage.conftest import Storage

FIRST = dt.date(2026, 3, 1)
FROM_DIFFERENT_FILES, FROM_THE_SAME_FILE = 2, 1
SECONDS = 900
DAYS = [FIRST + dt.timedelta(days=number) for number in range(FROM_DIFFERENT_FILES + FROM_THE_SAME_FILE)]
LINES = 12
NAMES = ("one", "other")


def deliver(folder, day, name):
    """Write a raw file of `LINES` rows whose ids, labels and unusable rows depend on the name."""
    which, lines = NAMES.index(name), [HEADER]
    for number in range(LINES):
        terminal = "Err" if number < which + 1 else number
        lines.append(
            f"{which * 100 + number},{day} 00:00:{number:02},{number},{terminal},1.50,{number},0,{which},{which}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{day}.txt").write_text("\n".join([*lines, ""]))


def expected(name):
    """Return the ids of the usable rows and the number of unusable rows in a file of `deliver`."""
    which = NAMES.index(name)
    return list(range(which * 100 + which + 1, which * 100 + LINES)), which + 1


def held(settings, day):
    """Return, for each table, the names of the files whose rows it holds of the day."""
    catalog = open_catalog(settings)
    rows = {table: read_days(catalog, table, day, day) for table in TABLES}
    ids = {table: sorted(rows[table]["transaction_id"].to_pylist()) for table in (LABELS, CLEAN)}
    says = {name: expected(name) for name in NAMES}
    found = {table.name: [name for name in NAMES if says[name][0] == ids[table]] for table in (LABELS, CLEAN)}
    return found | {QUARANTINE.name: [name for name in NAMES if says[name][1] == rows[QUARANTINE].num_rows]}


def one_whole(settings, day):
    """Return the one name that all tables of the day hold."""
    found = held(settings, day)
    assert len({tuple(names) for names in found.values()}) == 1, found
    assert len(found[CLEAN.name]) == 1
    return found[CLEAN.name][0]


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """Return settings by name, with one lake and key ring but two folders of raw files."""
    home = tmp_path_factory.mktemp("at-once")
    settings = JobSettings(home=home, quarantine_limit=1.0, keyring_file=home / "keyring.json")
    generate_keyring(home / "keyring.json")
    for name in NAMES:
        for day in DAYS:
            deliver(home / name, day, name)
    return {name: dataclasses.replace(settings, raw_dir=str(home / name)) for name in NAMES}


@pytest.fixture(scope="module")
def finished(lake):
    """Run both processes to their end.

    For the first days each has a file of its own, and for the last they share one.
    """
    home, ours = lake["one"].home, "ANTIFRAUD_"
    environs = {n: {k: v for k, v in Storage(s, "").environ().items() if k.startswith(ours)} for n, s in lake.items()}
    own = {name: [name] * FROM_DIFFERENT_FILES + ["one"] * FROM_THE_SAME_FILE for name in NAMES}
    plan = home / "plan.json"
    plan.write_text(
        json.dumps({n: [(str(day), environs[s]) for day, s in zip(DAYS, own[n], strict=True)] for n in NAMES})
    )
    environ = {k: v for k, v in os.environ.items() if k != "PYSPARK_GATEWAY_PORT"}
    environ |= {"PYTHONPATH": f"{ROOT}{os.pathsep}{environ.get('PYTHONPATH', '')}"}
    script = str(ROOT / "tests" / "storage" / "ingest_at_once.py")
    running = [
        subprocess.Popen(
            [sys.executable, script, name, str(plan)],
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for name in NAMES
    ]
    try:
        outputs = [process.communicate(timeout=SECONDS)[0] for process in running]
    finally:
        for process in running:
            process.kill()  # this does nothing to a process that has ended
    assert [process.returncode for process in running] == [0, 0], "\n".join(output[-3000:] for output in outputs)
    print(*outputs, sep="\n")  # noqa: T201 - shown with -rP: how often one run had to give way to the other
    return lake


@pytest.mark.prove
@pytest.mark.parametrize("day", DAYS[:FROM_DIFFERENT_FILES])
def test_a_day_from_different_files_is_of_one_of_them(finished, day):
    """All tables of a day come from one of two files, so that the run of that file has nothing left to do."""
    name = one_whole(finished["one"], day)
    catalog, demand = open_catalog(finished[name]), demand_of(finished[name], [day])
    runs = {table: published(catalog, table, day, day)[day].rows for table in TABLES}
    ids, unusable = expected(name)

    assert runs == {QUARANTINE: unusable, LABELS: len(ids), CLEAN: len(ids)}
    assert out_of_date(finished[name], demand, remembered(catalog, demand.sources)) == {day: {}}


@pytest.mark.prove
@pytest.mark.parametrize("day", DAYS[FROM_DIFFERENT_FILES:])
def test_a_day_from_one_file_is_published_whole(finished, day):
    """Two runs of the same file publish the day once and whole, and leave nothing staged."""
    catalog = open_catalog(finished["one"])

    assert one_whole(finished["one"], day) == "one"
    assert [staged_snapshots(catalog, table) for table in TABLES] == [[], [], []]


@pytest.mark.parametrize("table", [CLEAN, *for_proofs(QUARANTINE, LABELS)], ids=lambda table: table.name)
def test_a_run_in_between_is_noticed(table, tmp_path, open_lake, monkeypatch):
    """A run that is overtaken by a run of another file before any step publishes all its own rows again."""
    settings = JobSettings(home=tmp_path, quarantine_limit=1.0, keyring_file=tmp_path / "keyring.json")
    generate_keyring(settings.keyring_path)
    for name in NAMES:
        for day in DAYS[:2]:  # so that the first file covers one day: one of several has one reader at a time
            deliver(tmp_path / name, day, name)
    one, other = (dataclasses.replace(settings, raw_dir=str(tmp_path / name)) for name in NAMES)
    session, publish, done = open_lake(settings), feed_days.publish, []

    def publish_late(spark, mine, batch):
        if mine is one and batch.table is table and not done:
            done.append(ingest(session, other, [FIRST]))
        return publish(spark, mine, batch)

    monkeypatch.setattr(feed_days, "publish", publish_late)
    ingest(session, one, [FIRST])

    assert done == [LINES]
    assert one_whole(settings, FIRST) == "one"

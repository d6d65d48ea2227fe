"""Power cuts at random moments: with `power` nothing acknowledged is lost, with `process` a damaged store is found."""

import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from antifraud.errors import SettingsError, StoreDamaged
from antifraud.settings.serving import StoreSettings
from infra.setup.packages import ensure
from serving.store.decisions import Contexts, find_decision
from serving.store.lmdb import DATA_FILE
from serving.store.soundness import examine, find_flaws
from serving.store.store import open_store
from tests.serving.cut_disk import Disk, read_log
from tests.serving.cut_load import decision_about, live_after, parties, wanted_of

HERE = Path(__file__).parent
NEVER = "3600"
ONE_LATE = 0.3
"""Share of the cuts that only one page was too late for: the hardest to find."""
SOUND, DAMAGED, WRONG, LOST = "sound", "damaged", "wrong", "lost"

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="writes are logged by a library for the linker of Linux"
)


def find_compiler():
    """Return gcc; without it the proof fails, because a skipped one would pass unseen."""
    if (gcc := shutil.which("gcc")) is None:
        raise SettingsError("gcc, which builds the log of writes, is not installed: apt-get install gcc libc6-dev")
    return Path(gcc)


@pytest.fixture(scope="module")
def disk_log_library(tmp_path_factory):
    """The library that logs what a process writes."""
    library = tmp_path_factory.mktemp("disk_log") / "disk_log.so"
    gcc = ensure(find_compiler, "gcc")
    subprocess.run([gcc, "-shared", "-fPIC", "-O1", "-o", library, HERE / "disk_log.c", "-ldl"], check=True)
    return library


@pytest.fixture(scope="module")
def log_of(disk_log_library, tmp_path_factory):
    """Run a load, and return the records of its log."""

    def run(durability, decisions, *, threads=4, sync_seconds=NEVER):
        home = tmp_path_factory.mktemp("load")
        environ = {**os.environ, "LD_PRELOAD": str(disk_log_library), "DISK_LOG": str(home / "log")}
        load = [home, durability, decisions, threads, sync_seconds]
        command = [sys.executable, "-m", "tests.serving.cut_load", *map(str, load)]
        subprocess.run(command, env=environ, check=True, timeout=300)
        return read_log(home / "log")

    return run


def cut(records, count, seed):
    """Cut the power `count` times after the store was initialised; yield the acknowledged decisions and the file."""
    draw, disk = random.Random(seed), Disk()  # noqa: S311 for chance
    first = next(place for place, record in enumerate(records) if record.data == b"init")
    moments = set(draw.sample(range(first + 1, len(records)), count))
    for place, record in enumerate(records):
        disk.follow(record)
        if place in moments:
            share, torn = draw.choice([0, 0.5, 0.9, 0.99, 1]), draw.choice([0, 0, 0.3])
            one_late = draw.random() < ONE_LATE
            image = disk.without_one(draw) if one_late else disk.after_cut(draw, share=share, torn=torn)
            yield disk.acknowledged[1:], image


def order_of(records):
    """The numbers of the transactions in the order of their arrival."""
    pairs = [record.data.split() for record in records if record.kind == "A" and record.data != b"init"]
    return [int(number) for _, number in sorted(pairs, key=lambda pair: int(pair[0]))]


def judge(folder, order, acknowledged):
    """Say what the store in a folder is, by a reader that knows every decision of the load."""
    try:
        with examine(folder) as view:
            if next(find_flaws(view), None):
                return DAMAGED
            return _compare(view, order, acknowledged)
    except StoreDamaged:
        return DAMAGED


def _compare(view, order, acknowledged):
    known = order[: view.number("arrival")]
    lives = {}
    for arrival, number in enumerate(known, 1):
        found = find_decision(view, Contexts(), wanted_of(number).place)
        expected = decision_about(number)
        if found is None or (found.amount, found.payload, found.arrival) != (
            expected.amount,
            expected.payload,
            arrival,
        ):
            return WRONG
        for party in parties(number):
            lives[party] = live_after(lives.get(party), number)
    if {key.decode(): bytes(value) for key, value in view.items("live")} != lives:
        return WRONG
    return SOUND if {int(pair.split()[0]) for pair in acknowledged} <= set(range(1, len(known) + 1)) else LOST


def shares(records, count, seed, folder):
    """Count what the stores are after cuts."""
    order, verdicts = order_of(records), Counter()
    for acknowledged, image in cut(records, count, seed):
        (folder / DATA_FILE).write_bytes(image)
        verdicts[judge(folder, order, acknowledged)] += 1
    return verdicts


def test_power_loses_nothing_acknowledged(log_of, tmp_path):
    """With `power`, every store after a cut is sound and has every acknowledged decision."""
    verdicts = shares(log_of("power", 120), 40, seed=1, folder=tmp_path)
    assert verdicts == {SOUND: 40}


def test_without_sync_power_would_fail(log_of, tmp_path):
    """The test before can fail: without sync, some of the same cuts damage the store."""
    verdicts = shares(log_of("process", 120), 40, seed=1, folder=tmp_path)
    assert verdicts[DAMAGED] > 0


def test_process_is_never_silently_wrong(log_of, tmp_path):
    """With `process`, a store after a cut has the first decisions of the load, or is found to be damaged."""
    verdicts = shares(log_of("process", 120, sync_seconds=0.005), 40, seed=2, folder=tmp_path)
    assert verdicts[WRONG] == 0
    assert min(verdicts[SOUND] + verdicts[LOST], verdicts[DAMAGED]) > 0


@pytest.mark.prove
@pytest.mark.parametrize(("durability", "threads"), [("power", 1), ("power", 8), ("process", 1), ("process", 8)])
def test_cuts_of_long_loads(durability, threads, log_of, tmp_path):
    """The same for 500 cuts of longer loads."""
    records = log_of(durability, 400, threads=threads, sync_seconds=0.005)
    verdicts = shares(records, 500, seed=3, folder=tmp_path)
    if durability == "power":
        assert verdicts == {SOUND: 500}
    assert verdicts[WRONG] == 0


def test_requests_in_flight_share_a_sync(log_of):
    """With `power`, eight threads wait for fewer syncs than they make decisions; each decision waits for one."""
    records = log_of("power", 160, threads=8)
    start = next(place for place, record in enumerate(records) if record.data == b"init")
    kinds = Counter(record.kind for record in records[start + 1 :])
    assert kinds["A"] == 160
    assert kinds["E"] < 120


def test_a_cut_store_is_examined_when_it_is_opened(log_of, tmp_path):
    """Opening a store after a cut agrees with the examination; what is found is remembered."""
    records = log_of("process", 60)
    order, opened = order_of(records), Counter()
    for place, (acknowledged, image) in enumerate(cut(records, 4, seed=4)):
        home = tmp_path / str(place)
        (home / "store").mkdir(parents=True)
        (home / "store" / DATA_FILE).write_bytes(image)
        (home / "store" / "boot.json").write_text(json.dumps({"boot": "an earlier one", "durability": "process"}))
        try:
            open_store(StoreSettings(home=home)).close()
            opened[True] += 1
            assert judge(home / "store", order, acknowledged) in (SOUND, LOST)
        except StoreDamaged:
            opened[False] += 1
            assert judge(home / "store", order, acknowledged) == DAMAGED
    assert sum(opened.values()) == 4

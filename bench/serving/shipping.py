"""Kill the shipper under load, and count the rows of the lake: ``make bench-shipping``, some five minutes.

Clients send decisions and labels while a shipper with short rounds runs. It is killed at times that are spread over its
rounds, and started again. In the end, each decision and each label must be in the lake once.
"""

import argparse
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from antifraud.lake.catalog import open_catalog
from antifraud.lake.schemas import NAMESPACE
from antifraud.lake.shipped_tables import CLIENT_LABELS, DECISIONS
from antifraud.lake.table_format import Table
from antifraud.settings.core import JobSettings
from antifraud.settings.serving import StoreSettings
from bench.record import record
from bench.serving.crash import WORLD, transaction
from bench.serving.load import Load
from bench.serving.processes import NOON, ScorerProcess, Version, prepare_home, running
from serving.store.store import open_store
from tests.lake_tables import make_tables

COMMAND: Final = "make bench-shipping"
KILLS: Final = 30
RATE: Final = 100.0
SETTINGS: Final = {"ANTIFRAUD_SHIP_SECONDS": "0.1", "ANTIFRAUD_SHIP_ROWS": "60"}
"""Rounds follow each other, so that most kills interrupt an append."""
STARTED_SECONDS: Final = 2.5
"""Time in which a shipper has surely begun its first round."""
STEP_SECONDS: Final = 0.137
LABELS_A_KILL: Final = 20


def start_shipper(version: Version, home: Path) -> subprocess.Popen[bytes]:
    """Start a shipper in a process of its own."""
    environment = {**version.environment(home), **SETTINGS}
    with home.with_name("shipper.log").open("ab") as log:
        return subprocess.Popen(
            [version.python, "-m", "serving.shipper"], cwd=version.checkout, env=environment, stdout=log, stderr=log
        )


def kill_again_and_again(version: Version, scorer: ScorerProcess, home: Path, kills: int) -> None:
    """Start and kill shippers while decisions and labels arrive."""
    for number in range(kills):
        shipper = start_shipper(version, home)
        label_some(scorer, number * LABELS_A_KILL)
        time.sleep(STARTED_SECONDS + number * STEP_SECONDS % 1.0)
        shipper.send_signal(signal.SIGKILL)
        print(f"{number + 1} of {kills}: ended with {shipper.wait()}", flush=True)


def label_some(scorer: ScorerProcess, first: int) -> None:
    """Send labels of the next decisions; the scorer drops labels of ids that are not decided yet."""
    names = [transaction(number)["transaction_id"] for number in range(first, first + LABELS_A_KILL)]
    labels = [{"transaction_id": name, "status": "fraud", "learned_at": NOON} for name in names]
    scorer.post("/v1/labels", {"labels": labels})


def numbers_of(settings: JobSettings, table: Table, column: str) -> list[int]:
    """Return the numbers of the rows of a table."""
    rows = open_catalog(settings).load_table((NAMESPACE, table.name)).scan(selected_fields=(column,)).to_arrow()
    return [int(number) for number in rows[column].to_pylist()]


def count_faults(numbers: Iterable[int], newest: int) -> tuple[int, int]:
    """Return how many of the numbers up to `newest` are missing, and how many come again.

    >>> count_faults([1, 2, 2, 4], 4)
    (1, 1)
    """
    found = Counter(numbers)
    return len(set(range(1, newest + 1)) - set(found)), found.total() - len(found)


def measure(home: Path, kills: int, rate: float) -> tuple[int, int, int, int]:
    """Return the decisions and labels made, and the rows that are lost or there twice."""
    version, lake = Version(), JobSettings(home=home)
    version.require(home, "-P", str(WORLD), str(home))
    prepare_home(version, home)
    make_tables(lake)
    with running(ScorerProcess(version, home)) as scorer:
        scorer.start()
        with Load(scorer, transaction, rate=rate, clients=4):
            kill_again_and_again(version, scorer, home, kills)
    version.require(home, "-m", "serving.shipper", "--once")
    store = open_store(StoreSettings(home=home, store_map_bytes=1 << 30))
    try:
        decisions, labels = store.newest_arrival(), store.newest_label()
    finally:
        store.close()
    lost, twice = count_faults(numbers_of(lake, DECISIONS, "arrival"), decisions)
    more_lost, more_twice = count_faults(numbers_of(lake, CLIENT_LABELS, "sequence"), labels)
    return decisions, labels, lost + more_lost, twice + more_twice


def main(arguments: argparse.Namespace) -> None:
    """Kill, count and record."""
    with tempfile.TemporaryDirectory(prefix="shipping-") as scratch:
        decisions, labels, lost, twice = measure(Path(scratch) / "home", arguments.kills, arguments.rate)
    about = f"{arguments.kills} kills of the shipper, {decisions} decisions, {labels} labels"
    record("scorer.shipped_lost", lost, "rows", COMMAND, about)
    record("scorer.shipped_twice", twice, "rows", COMMAND, about)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--rate", type=float, default=RATE, help="decisions a second")
    main(parser.parse_args())

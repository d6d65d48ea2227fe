"""Show that backfills in any order give the rows of one load: ``python -m bench.lake.backfills --home <folder>``.

A small world of 40 days is loaded as one range, and then day by day: forwards, backwards, shuffled, and by three
processes at once. In each order all days are ingested and added up first, then all states are made, then all features,
as the sensors of the DAG `lake` enforce. If a day's table has another checksum than after the first load, its rows
count as different.
"""

import argparse
import datetime as dt
import multiprocessing
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from antifraud.clock import days_between
from antifraud.keys.pseudonym import generate_keyring
from antifraud.lake.catalog import open_catalog, published
from antifraud.settings.core import JobSettings
from bench.record import record
from jobs.day import STAGES
from jobs.lake.checksums import TABLES, checksums
from jobs.publishing.tables import create_tables
from jobs.spark.session import start_session

COMMAND: Final = "make bench-backfills"
START: Final = dt.date(2026, 1, 1)
DAYS: Final = 40
CUSTOMERS: Final = 1_000
PROCESSES: Final = 3
AT_ONCE: Final = 2
"""Orders that are loaded side by side, each into a lake of its own."""
PHASES: Final = (("ingest", "totals"), ("state",), ("features",))

Days = list[dt.date]
ORDERS: Final[Mapping[str, Callable[[Days], list[Days]]]] = {
    "forward": lambda days: [days],
    "reverse": lambda days: [days[::-1]],
    "shuffled": lambda days: [random.Random(7).sample(days, len(days))],  # noqa: S311 - an order, not a secret
    "parallel": lambda days: [days[lane::PROCESSES] for lane in range(PROCESSES)],
}
"""Days of each process, in the order in which it loads them."""


def world(home: Path) -> JobSettings:
    """Make a home with a key ring and a raw file for each day."""
    settings = JobSettings(home=home.resolve())
    command = ["-m", "jobs.simulate", "--out", str(settings.raw_path), "--days", str(DAYS), "--start", str(START)]
    subprocess.run([sys.executable, *command, "--customers", str(CUSTOMERS)], check=True, stdout=subprocess.DEVNULL)
    generate_keyring(settings.keyring_path)
    return settings


def load(home: Path, names: Sequence[str], batches: Sequence[Days]) -> None:
    """Run stages on batches of days, one after the other, in a session of their own."""
    settings = JobSettings(home=home)
    spark = start_session("bench", settings)
    create_tables(spark, settings)
    for days in batches:
        for name in names:
            STAGES[name](spark, settings, days)
    spark.stop()


def backfill(home: Path, lanes: Sequence[Days]) -> None:
    """Load the days one by one, each lane in a process of its own."""
    spawned = multiprocessing.get_context("spawn")
    for names in PHASES:
        processes = [spawned.Process(target=load, args=(home, names, [[day] for day in lane])) for lane in lanes]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        if failed := [process.exitcode for process in processes if process.exitcode]:
            raise SystemExit(f"a backfill ended with code {failed[0]}")


def different_rows(expected: JobSettings, found: JobSettings, days: Days) -> int:
    """Count the rows of days and tables that are not the same in both lakes."""
    one, other = (checksums(settings, days[0], days[-1]) for settings in (expected, found))
    catalog = open_catalog(expected)
    rows = {(table.name, day): run.rows for table in TABLES
            for day, run in published(catalog, table, days[0], days[-1]).items()}  # fmt: skip
    return sum(max(rows.get(key, 0), 1) for key in one.keys() | other.keys() if one.get(key) != other.get(key))


def wrong_rows(expected: JobSettings, home: Path, order: str, days: Days) -> int:
    """Load the same raw files in an order; count the rows that differ from the first load's."""
    settings = JobSettings(home=home.resolve())
    shutil.copytree(expected.home / "raw", settings.home / "raw")
    backfill(settings.home, ORDERS[order](days))
    wrong = different_rows(expected, settings, days)
    print(f"{order}: {wrong} rows differ", flush=True)
    return wrong


def measure(home: Path) -> None:
    """Load in every order, compare and record."""
    days = days_between(START, START + dt.timedelta(days=DAYS - 1))
    expected = world(home / "range")
    spawned = multiprocessing.get_context("spawn").Process(
        target=load, args=(expected.home, [name for phase in PHASES for name in phase], [days])
    )
    spawned.start()
    spawned.join()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        wrong = sum(pool.map(lambda order: wrong_rows(expected, home / order, order, days), ORDERS))
    compared = sum(len(published(open_catalog(expected), table, days[0], days[-1])) for table in TABLES)
    about = f"{', '.join(ORDERS)} against one range: {DAYS} days, {compared} published days of {len(TABLES)} tables"
    record("lake.backfill_mismatches", wrong, "rows", COMMAND, about)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True, help="an empty folder; 1 GB, kept")
    measure(parser.parse_args().home)

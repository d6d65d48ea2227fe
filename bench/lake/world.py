"""The world of a million customers for the benchmarks of the lake: one raw file of 24 days, 47 million rows."""

import argparse
import datetime as dt
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from antifraud.clock import days_between
from antifraud.keys.pseudonym import generate_keyring
from antifraud.lake.catalog import open_catalog
from antifraud.lake.schemas import NAMESPACE
from antifraud.lake.table_format import Table
from antifraud.settings.core import JobSettings
from bench.record import record
from jobs.simulator.truth import MANIFEST

CUSTOMERS: Final = 1_000_000
DAYS: Final = 24
START: Final = dt.date(2026, 1, 1)


@dataclass(frozen=True, slots=True)
class World:
    """Size of a world: customers, with about two transactions a day each, and days."""

    customers: int = CUSTOMERS
    length: int = DAYS

    @property
    def days(self) -> list[dt.date]:
        """Its days in order."""
        return days_between(START, START + dt.timedelta(days=self.length - 1))


@dataclass(frozen=True, slots=True)
class Bench:
    """A home with a key ring and the raw file of its `days`; `full` says whether it is the whole world."""

    settings: JobSettings
    days: list[dt.date]
    repetitions: int
    full: bool

    def keep(self, name: str, value: float, unit: str, command: str, beside: str, found: Sequence[float] = ()) -> None:
        """Record a figure of the full world, `found` in these repetitions; print that of a smaller world only."""
        times = f"; repetitions: {len(found)}" if found else ""
        spread = (min(found), max(found)) if found else None
        if self.full:
            record(name, value, unit, command, beside + times, spread)
        else:
            print(f"{name} = {value:.6g} {unit}, not recorded: a smaller world; {beside}{times}")


def bench_of(description: str | None, repetitions: int) -> Bench:
    """Return what the command line asks for; the raw file is made if it is missing."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True, help="folder of the world; 10 GB, kept")
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--repetitions", type=int, default=repetitions)
    given = parser.parse_args()
    world = World(given.customers, given.days)
    return Bench(made(given.home, world), world.days, given.repetitions, world == World())


def made(home: Path, world: World) -> JobSettings:
    """Return the settings of a home; key ring and raw file of the world are made if they are missing."""
    settings = JobSettings(home=home.resolve())
    if not truth_path(settings).exists():
        command = [
            "-m", "jobs.simulate", "--out", str(settings.raw_path), "--days", str(world.length), "--start", str(START),
            "--days-per-file", "30", "--customers", str(world.customers),
        ]  # fmt: skip
        subprocess.run([sys.executable, *command], check=True)
    if not settings.keyring_path.exists():
        generate_keyring(settings.keyring_path)
    return settings


def truth_path(settings: JobSettings) -> Path:
    """Return the path of the simulator's own account of what it put into the file."""
    return settings.raw_path.parent / "truth" / MANIFEST


def truth(settings: JobSettings) -> dict[str, dict[str, Any]]:
    """Return the simulator's counts by day: `rows`, `clean`, `quarantined` by reason."""
    found: dict[str, dict[str, Any]] = json.loads(truth_path(settings).read_text())["days"]
    return found


def files_of(settings: JobSettings, table: Table, days: Sequence[dt.date]) -> str:
    """Return the data files of consecutive days as a relation that DuckDB selects from."""
    rows = f"day >= '{min(days)}' and day <= '{max(days)}'"
    scan = open_catalog(settings).load_table((NAMESPACE, table.name)).scan(row_filter=rows)
    return f"read_parquet({[task.file.file_path.removeprefix('file:') for task in scan.plan_files()]})"

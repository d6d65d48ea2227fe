"""Compare a night after 60 and after 600 days of history: ``python -m bench.lake.history --home <folder>``.

There are two lakes of one small world. A day of this world costs next to nothing, so whatever grows with the history
shows. The shorter lake has the last days of the longer one, so their nights are the same days with the same rows. Each
lake has a process and a session of its own. Both are loaded up to their first night, then they take turns. A night is
ingest, totals, state and features of the next day. After the timed nights, the reads of some more nights are counted,
task by task, from Spark's event log.
"""

import argparse
import datetime as dt
import multiprocessing
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, NamedTuple

from pyspark.sql import SparkSession

from antifraud.clock import ONE_DAY, days_between
from antifraud.keys.pseudonym import generate_keyring
from antifraud.settings.core import JobSettings
from bench.lake.event_log import Read, event_log, reads_of, total
from bench.record import record
from jobs.day import STAGES
from jobs.publishing.tables import create_tables
from jobs.spark.session import start_session

COMMAND: Final = "make bench-history"
START: Final = dt.date(2026, 1, 1)
LENGTHS: Final = (60, 600)
CUSTOMERS: Final = 300
NIGHTS: Final = 12
COUNTED: Final = 3
"""Nights after the timed ones with counted reads."""
WARM_UP: Final = 2
"""First nights of each lake that are left out, because the JVM still compiles."""
LOADED: Final = ("ingest", "totals", "state", "features")


def world(home: Path, days: int) -> JobSettings:
    """Make a home with a key ring and a raw file for each day."""
    settings = JobSettings(home=home.resolve())
    command = ["-m", "jobs.simulate", "--out", str(settings.raw_path), "--days", str(days), "--start", str(START)]
    subprocess.run([sys.executable, *command, "--customers", str(CUSTOMERS)], check=True, stdout=subprocess.DEVNULL)
    generate_keyring(settings.keyring_path)
    return settings


def load(spark: SparkSession, settings: JobSettings, days: list[dt.date]) -> float:
    """Run all stages for some days; return the seconds."""
    began = time.monotonic()
    for name in LOADED:
        STAGES[name](spark, settings, days)
    return time.monotonic() - began


class Lake(NamedTuple):
    """A loaded lake: its first night, and the way to the process that works on it."""

    settings: JobSettings
    first: dt.date
    turns: Connection
    process: Any

    def night(self, number: int, *, counted: bool) -> Any:
        """Run a night, counted from 0; return its seconds, or its reads if they are counted."""
        self.turns.send((self.first + dt.timedelta(days=number), counted))
        return self.turns.recv()


class Night(NamedTuple):
    """Reads of a night: by table, from Spark's event log, and in bytes of anything, from the kernel."""

    reads: Mapping[str, Read]
    everything: int

    def __str__(self) -> str:
        read = total(self.reads)
        return (
            f"{read.files} data files of {read.file_bytes:,} bytes; {read.manifests} manifests read, "
            f"{read.manifests_skipped} skipped; {self.everything:,} bytes of anything"
        )


class Measured(NamedTuple):
    """Seconds of each timed night, and reads of each counted night; in each the lakes in their order."""

    seconds: Sequence[Sequence[float]]
    counted: Sequence[Sequence[Night]]


def tail(home: Path, source: JobSettings, first: dt.date) -> JobSettings:
    """Make a home with the key ring of another one and its raw files from the day `first` on."""
    settings = JobSettings(home=home.resolve())
    settings.raw_path.mkdir(parents=True)
    for path in source.raw_path.glob("*.txt"):
        if path.stem >= str(first):
            shutil.copy(path, settings.raw_path)
    settings.keyring_path.parent.mkdir(parents=True)
    shutil.copy(source.keyring_path, settings.keyring_path)
    return settings


def serve(settings: JobSettings, first: dt.date, night: dt.date, turns: Connection) -> None:
    """Load the days from `first` to the one before `night`; then run one night a turn, until a turn is None."""
    spark = start_session("bench", settings)
    create_tables(spark, settings)
    load(spark, settings, days_between(first, night - ONE_DAY))
    turns.send("loaded")
    while turn := turns.recv():
        day, counted = turn
        turns.send(counted_load(spark, settings, day) if counted else load(spark, settings, [day]))
    spark.stop()


def counted_load(spark: SparkSession, settings: JobSettings, day: dt.date) -> Night:
    """Run a night and return its reads."""
    log = settings.under_home("events", str(day))
    log.parent.mkdir(exist_ok=True)
    with event_log(spark, log):
        before = bytes_by_kernel(spark)
        load(spark, settings, [day])
        everything = bytes_by_kernel(spark) - before
    with log.open() as lines:
        return Night(reads_of(lines), everything)


def bytes_by_kernel(spark: SparkSession) -> int:
    """Return the bytes that this process and its JVM have read so far: files, metadata, sockets."""
    jvm: Any = spark._jvm  # noqa: SLF001 - Spark does not say which process it is
    counts = [Path(f"/proc/{pid}/io").read_text() for pid in ("self", jvm.java.lang.ProcessHandle.current().pid())]
    return sum(int(text.split()[1]) for text in counts)


def started(settings: JobSettings, first: dt.date, night: dt.date) -> Lake:
    """Start a process for a lake; return when the days from `first` to the one before `night` are loaded."""
    spawned = multiprocessing.get_context("spawn")
    ours, theirs = spawned.Pipe()
    process = spawned.Process(target=serve, args=(settings, first, night, theirs))
    process.start()
    theirs.close()
    ours.recv()
    return Lake(settings, night, ours, process)


def measured(home: Path, lengths: Sequence[int], nights: int, counted: int) -> Measured:
    """Load a lake for each of the lengths, in days, and take the nights in turns."""
    longest = max(lengths)
    whole = world(home / "world", longest + nights + counted)
    night = START + dt.timedelta(days=longest)
    firsts = {length: night - dt.timedelta(days=length) for length in lengths}
    lakes = [started(tail(home / str(length), whole, first), first, night) for length, first in firsts.items()]
    seconds: list[list[float]] = []
    for number in range(nights):
        seconds.append([lake.night(number, counted=False) for lake in lakes])
        told = [f"{one:.2f} s after {days} days" for one, days in zip(seconds[-1], lengths, strict=True)]
        print(", ".join(told), flush=True)
    reads = [[lake.night(nights + number, counted=True) for lake in lakes] for number in range(counted)]
    for lake in lakes:
        lake.turns.send(None)
        lake.process.join()
    return Measured(seconds, reads)


def growths(pairs: Sequence[Sequence[float]]) -> list[float]:
    """Return by how much the second of each pair is larger than the first, as a share of the first."""
    return [long / short - 1 for short, long in pairs]


def report(found: Measured, lengths: Sequence[int]) -> str:
    """Spell the reads of the last counted night, by table and together, in each lake."""
    lines = []
    for length, night in zip(lengths, found.counted[-1], strict=True):
        lines += [f"after {length} days: {night}", *(f"    {table}: {read}" for table, read in night.reads.items())]
    return "\n".join(lines)


def measure(home: Path) -> None:
    """Measure and record."""
    found = measured(home, LENGTHS, NIGHTS, COUNTED)
    print(report(found, LENGTHS))
    timed = found.seconds[WARM_UP:]
    took = growths(timed)
    short, long = (statistics.median(column) for column in zip(*timed, strict=True))
    about = f"a night takes {short:.2f} s after {LENGTHS[0]} days, {long:.2f} s after {LENGTHS[1]}; turns: {len(took)}"
    record("lake.slope_history", statistics.median(took), "1", COMMAND, about, (min(took), max(took)))
    grown = growths([[total(night.reads).file_bytes for night in nights] for nights in found.counted])
    files = [total(nights[-1].reads).files for nights in found.counted]
    about = ". ".join(f"After {days} days {night}" for days, night in zip(LENGTHS, found.counted[-1], strict=True))
    record("lake.night_bytes_growth", statistics.median(grown), "1", COMMAND, about, (min(grown), max(grown)))
    record("lake.night_data_files", statistics.median(files), "files", COMMAND, about, (min(files), max(files)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True, help="an empty folder; 1 GB, kept")
    measure(parser.parse_args().home)

"""What a night costs with 60 and with 600 days of history: ``python -m bench.lake_history --home <folder>``.

Two lakes of one small world, whose rows of a day cost next to nothing, so that whatever grows with the history shows.
Each has a process and a session of its own. Both are loaded up to their first night, then they take turns: a night is
ingest, totals, state and features of the next day.
"""

import argparse
import datetime as dt
import multiprocessing
import statistics
import subprocess
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from pyspark.sql import SparkSession

from antifraud.clock import days_between
from antifraud.pseudonym import generate_keyring
from antifraud.settings import JobSettings
from bench.record import record
from jobs.day import STAGES
from jobs.session import start_session
from jobs.tables import create_tables

COMMAND: Final = "make bench-history"
START: Final = dt.date(2026, 1, 1)
LENGTHS: Final = (60, 600)
CUSTOMERS: Final = 300
NIGHTS: Final = 12
WARM_UP: Final = 2
"""Nights of each lake that are not counted: the JVM compiles."""
LOADED: Final = ("ingest", "totals", "state", "features")


def world(home: Path, days: int) -> JobSettings:
    """A home with a key ring and a raw file for each day."""
    settings = JobSettings(home=home.resolve())
    command = ["-m", "jobs.simulate", "--out", str(settings.raw_path), "--days", str(days), "--start", str(START)]
    subprocess.run([sys.executable, *command, "--customers", str(CUSTOMERS)], check=True, stdout=subprocess.DEVNULL)
    generate_keyring(settings.keyring_path)
    return settings


def load(spark: SparkSession, settings: JobSettings, days: list[dt.date]) -> float:
    """Seconds of all stages for some days."""
    began = time.monotonic()
    for name in LOADED:
        STAGES[name](spark, settings, days)
    return time.monotonic() - began


def serve(settings: JobSettings, length: int, turns: Connection) -> None:
    """Load `length` days; for each turn then one night, answered by its seconds."""
    spark = start_session("bench", settings)
    create_tables(spark)
    load(spark, settings, days_between(START, START + dt.timedelta(days=length - 1)))
    turns.send("loaded")
    for night in range(NIGHTS):
        turns.recv()
        turns.send(load(spark, settings, [START + dt.timedelta(days=length + night)]))
    spark.stop()


def started(home: Path, length: int) -> tuple[multiprocessing.process.BaseProcess, Connection]:
    """A process that serves a lake of `length` days and has loaded them."""
    spawned = multiprocessing.get_context("spawn")
    settings = world(home / str(length), length + NIGHTS)
    ours, theirs = spawned.Pipe()
    process = spawned.Process(target=serve, args=(settings, length, theirs))
    process.start()
    theirs.close()
    ours.recv()
    return process, ours


def measure(home: Path) -> None:
    """Load both, take the nights in turns, record."""
    lakes = [started(home, length) for length in LENGTHS]
    nights: list[list[float]] = []
    for _ in range(NIGHTS):
        nights.append([])
        for _, turns in lakes:
            turns.send("next")
            nights[-1].append(turns.recv())
        print(f"{nights[-1][0]:.2f} s after {LENGTHS[0]} days, {nights[-1][1]:.2f} s after {LENGTHS[1]}", flush=True)
    for process, _ in lakes:
        process.join()
    growths = [long / short - 1 for short, long in nights[WARM_UP:]]
    short, long = (statistics.median(column) for column in zip(*nights[WARM_UP:], strict=True))
    about = (
        f"a night takes {short:.2f} s after {LENGTHS[0]} days, {long:.2f} s after {LENGTHS[1]}; turns: {len(growths)}"
    )
    record("lake.slope_history", statistics.median(growths), "1", COMMAND, about, (min(growths), max(growths)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True, help="an empty folder; 1 GB, kept")
    measure(parser.parse_args().home)

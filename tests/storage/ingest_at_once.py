"""Ingest days one by one, each at the same moment as another process: `ingest_at_once.py NAME PLAN.json`.

PLAN.json lists days with the settings for the process NAME. Before each day, and before it makes the tables, a process
creates a file to say that it is ready, and waits until all processes are.
"""

import datetime as dt
import json
import sys
import time
from pathlib import Path

from antifraud.settings.core import JobSettings
from jobs.lake.ingest import ingest
from jobs.publishing.tables import create_tables
from jobs.spark.session import start_session

PROCESSES = 2


def wait_for_all(barrier, name):
    """Return when every process has come to this point."""
    barrier.mkdir(exist_ok=True)
    (barrier / name).touch()
    while len(list(barrier.iterdir())) < PROCESSES:
        time.sleep(0.01)


def main(name, plan):
    """Make the tables, then ingest each day."""
    rounds = [
        (dt.date.fromisoformat(day), JobSettings.from_environment(environ))
        for day, environ in json.loads(plan.read_text())[name]
    ]
    spark = start_session(name, rounds[0][1])
    spark.conf.set("spark.sql.shuffle.partitions", "1")
    wait_for_all(plan.parent / "tables", name)
    create_tables(spark, rounds[0][1])
    for day, settings in rounds:
        wait_for_all(plan.parent / str(day), name)
        began = time.monotonic()
        rows = ingest(spark, settings, [day])
        print(f"{day}: {rows} rows in {time.monotonic() - began:.1f} s")  # noqa: T201 - for the report of the test
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))

"""Publish days at the same moment from threads: `publish_days.py STORAGE.json BARRIER FIRST COUNT`.

STORAGE.json lists the settings of each lake. A process creates a file when it is ready, and waits until all are.
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from antifraud.settings.core import JobSettings
from jobs.publishing.tables import create_tables
from jobs.spark.session import lake_configuration, start_session
from tests.storage.rows import day, put

PROCESSES = 4


def wait_for_all(barrier, number):
    """Return when every process has come to this point."""
    barrier.mkdir(exist_ok=True)
    (barrier / str(number)).touch()
    while len(list(barrier.iterdir())) < PROCESSES:
        time.sleep(0.05)


def opened(spark, settings):
    """Return a session of its own, because the session holds the name of a staged write."""
    session = spark.newSession()
    for key, value in (lake_configuration(settings) | {"spark.sql.shuffle.partitions": "1"}).items():
        session.conf.set(key, value)
    return session


def main(lakes, barrier, first, count):
    """Publish the days `first` to `first + count - 1` in each lake, one thread a day."""
    spark = start_session("parallel", lakes[-1])
    for number, settings in enumerate(lakes):

        def one(which, settings=settings):
            return put(opened(spark, settings), settings, day(which), [which + 1], f"i{which}").rows

        if first == 0:
            create_tables(opened(spark, settings), settings)
        wait_for_all(barrier.with_name(f"{barrier.name}-{number}"), first)
        began = time.monotonic()
        with ThreadPoolExecutor(count) as pool:
            assert list(pool.map(one, range(first, first + count))) == [1] * count
        print(f"{lake_configuration(settings)['spark.sql.catalog.lake.uri']}: {time.monotonic() - began:.1f} s")  # noqa: T201 - for the report of the test
    spark.stop()


if __name__ == "__main__":
    named, where, start, days = sys.argv[1:]
    listed = json.loads(Path(named).read_text())
    main([JobSettings.from_environment(environ) for environ in listed], Path(where), int(start), int(days))

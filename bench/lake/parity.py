"""Compare both implementations on a week of a million customers: ``python -m bench.lake.parity --home <folder>``.

The lake is the one that `bench.lake.ingest` made in this folder. Spark's features of the last seven days are compared
with `antifraud.features.reference`, event after event in order, bit by bit. DuckDB gathers the reference's histories
from `clean` and `labels` (`bench/lake/gathered.py`). Two days are compared at a time, in some 12 GB.
"""

import gc
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from typing import Final

from antifraud.clock import date_of, day_number
from antifraud.features.buckets import LONGEST_WINDOW_DAYS
from antifraud.features.registry import FEATURE_NAMES
from antifraud.lake.schemas import CLEAN, FEATURES, LABELS
from bench.lake.comparison import compare
from bench.lake.gathered import ComparedDay
from bench.lake.world import Bench, bench_of, files_of
from jobs.lake.features import features
from jobs.lake.state import state
from jobs.lake.totals import totals
from jobs.spark.session import start_session

COMMAND: Final = "python -m bench.lake.parity"
WEEK: Final = 7
PROCESSES: Final = 2


def publish_week(bench: Bench) -> None:
    """Publish the features of the last week that are missing."""
    spark = start_session("bench", bench.settings)
    totals(spark, bench.settings, bench.days[:-1])
    for day, before in list(zip(bench.days[1:], bench.days, strict=False))[-WEEK:]:
        state(spark, bench.settings, [before])
        features(spark, bench.settings, [day])
    spark.stop()


def days_to_compare(bench: Bench) -> list[ComparedDay]:
    """Return the days of the week, each with the relations of the days before that its events can see."""
    settings, delay = bench.settings, bench.settings.label_delay_days
    clean, labels = (
        {day_number(day): files_of(settings, table, [day]) for day in bench.days} for table in (CLEAN, LABELS)
    )
    found = []
    for day in map(day_number, bench.days[-WEEK:]):
        # A label's place lies up to `delay` days after its transaction.
        before = [number for number in clean if day - LONGEST_WINDOW_DAYS - delay <= number < day]
        events, said = ({number: relations[number] for number in before} for relations in (clean, labels))
        found.append(ComparedDay(events, said, files_of(settings, FEATURES, [date_of(day)]), day, delay))
    return found


def measure(bench: Bench) -> None:
    """Publish the missing days, compare, record."""
    publish_week(bench)
    spawned = multiprocessing.get_context("spawn")
    # Millions of tuples and no cycles: collecting garbage would take longer than everything else.
    with ProcessPoolExecutor(PROCESSES, spawned, initializer=gc.disable, max_tasks_per_child=1) as pool:
        counts = list(pool.map(compare, days_to_compare(bench)))
    rows, different = (sum(column) for column in zip(*counts, strict=True))
    about = f"the last {WEEK} days, {len(FEATURE_NAMES)} features, bit by bit"
    bench.keep("lake.parity_mismatches", different, "values", COMMAND, about)
    bench.keep("lake.parity_rows", rows, "rows", COMMAND, about)


if __name__ == "__main__":
    measure(bench_of(__doc__, repetitions=1))

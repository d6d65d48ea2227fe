"""Run all stages for a range of days in one Spark session, from raw files to features and the scorer's state.

    spark-submit jobs/day.py --from 2026-01-01 --to 2026-03-31
    spark-submit jobs/day.py --from 2026-04-01 --to 2026-04-01 --stages ingest,totals

Each stage handles all days before the next stage begins, and skips days that are up to date. The stage `history` loads
missing earlier days that the first day looks back on. The export is of the last day.
"""

import argparse
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from pyspark.sql import SparkSession

from antifraud.lake.lookback import missing_before
from antifraud.settings.core import JobSettings
from jobs.lake.export import export_state
from jobs.lake.features import features
from jobs.lake.ingest import ingest
from jobs.lake.state import state
from jobs.lake.totals import totals
from jobs.publishing.tables import create_tables
from jobs.spark.runtime import Stopwatch, days_of, range_parser, run_job, span

Stage = Callable[[SparkSession, JobSettings, Sequence[dt.date]], int]


def _history(spark: SparkSession, settings: JobSettings, days: Sequence[dt.date]) -> int:
    missing = missing_before(settings, min(days))
    return ingest(spark, settings, missing) + totals(spark, settings, missing) if missing else 0


def _export(_: SparkSession, settings: JobSettings, days: Sequence[dt.date]) -> int:
    return export_state(settings, max(days))


STAGES: Final[Mapping[str, Stage]] = {
    "ingest": ingest,
    "totals": totals,
    "history": _history,
    "state": state,
    "features": features,
    "export": _export,
}


def stages(text: str) -> list[str]:
    """Return the stages named in a text with commas, in the order in which they run.

    >>> stages("totals,ingest")
    ['ingest', 'totals']
    """
    wanted = set(text.split(","))
    if unknown := sorted(wanted - set(STAGES)):
        raise argparse.ArgumentTypeError(f"there is no stage {', '.join(unknown)}: choose from {', '.join(STAGES)}")
    return [name for name in STAGES if name in wanted]


def main(spark: SparkSession, settings: JobSettings, arguments: argparse.Namespace) -> None:
    """Run the stages and print what each published and how long it took."""
    days = days_of(arguments)
    create_tables(spark, settings)
    done = []
    for name in arguments.stages:
        watch = Stopwatch()
        rows = STAGES[name](spark, settings, days)
        done.append((name, rows, watch.seconds))
        print(f"{name} {span(days)}: {rows:,} rows in {watch.seconds:.1f} s", flush=True)
    print(f"{'stage':10} {'rows':>14} {'seconds':>8}")
    for name, rows, seconds in done:
        print(f"{name:10} {rows:14,} {seconds:8.1f}")


def parser() -> argparse.ArgumentParser:
    """Return a parser of a range of days and of stages."""
    arguments = range_parser(__doc__)
    arguments.add_argument("--stages", type=stages, default=list(STAGES), help=f"default: {','.join(STAGES)}")
    return arguments


if __name__ == "__main__":
    run_job("day", main, parser(), reads_raw=True)

"""The start and the end of every job: arguments, settings, a session, exit codes, seconds."""

import argparse
import dataclasses
import datetime as dt
import os
import sys
import time
from collections.abc import Callable, Sequence

from pyspark.sql import SparkSession

from antifraud.clock import days_between
from antifraud.exit_codes import returns_exit_code
from antifraud.lake.catalog import check_lake
from antifraud.settings.core import JobSettings
from jobs.spark.session import start_session
from jobs.spark.troubles import translate_troubles

Main = Callable[[SparkSession, JobSettings, argparse.Namespace], None]
PlainMain = Callable[[JobSettings, argparse.Namespace], None]


def base_parser(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser that shows the job's docstring and accepts no abbreviations."""
    return argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )


def calendar_day(text: str) -> dt.date:
    """Return the day that an argument names.

    Raises:
        ArgumentTypeError: The argument names no day; the parser shows the message.
    """
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        found = repr(text) if text else "an empty text, as from a run without a logical date,"
        raise argparse.ArgumentTypeError(f"{found} is no day of the calendar, YYYY-MM-DD was expected") from None


def range_parser(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser of ``--from`` and ``--to`` (`first` and `last`), the range of days of a job, both included."""
    parser = base_parser(doc)
    parser.add_argument("--from", dest="first", type=calendar_day, required=True, help="YYYY-MM-DD")
    parser.add_argument("--to", dest="last", type=calendar_day, required=True, help="YYYY-MM-DD")
    return parser


def day_parser(doc: str | None, option: str = "--day") -> argparse.ArgumentParser:
    """Return a parser for a job on one day."""
    parser = base_parser(doc)
    parser.add_argument(option, type=calendar_day, required=True, help="YYYY-MM-DD")
    return parser


def days_of(arguments: argparse.Namespace) -> list[dt.date]:
    """Return the days of `range_parser`'s arguments."""
    return days_between(arguments.first, arguments.last)


def run_job(name: str, main: Main, parser: argparse.ArgumentParser, *, reads_raw: bool = False) -> None:
    """Run a Spark job and end the process with 0, or with the exit code of an expected failure.

    If the lake does not belong to the settings, the process ends before the session starts. Only a job that `reads_raw`
    gets the account of the raw zone.
    """
    sys.exit(_run_in_session(name, main, parser.parse_args(), reads_raw=reads_raw))


@returns_exit_code
def _run_in_session(name: str, main: Main, arguments: argparse.Namespace, *, reads_raw: bool) -> None:
    _require_order(arguments)
    settings = _settings(reads_raw=reads_raw)
    with translate_troubles(settings):
        check_lake(settings)
    spark = start_session(name, settings)
    try:
        with translate_troubles(settings):
            main(spark, settings, arguments)
    finally:
        spark.stop()


def run_plain_job(
    main: PlainMain,
    parser: argparse.ArgumentParser,
    *,
    reads_raw: bool = False,
    of_any_lake: bool = False,
) -> None:
    """Run a job that needs no Spark, or only sometimes, as `run_job` does.

    A job `of_any_lake` checks itself that the lake belongs to the settings.
    """
    sys.exit(_run_plain(main, parser.parse_args(), reads_raw=reads_raw, of_any_lake=of_any_lake))


@returns_exit_code
def _run_plain(main: PlainMain, arguments: argparse.Namespace, *, reads_raw: bool, of_any_lake: bool) -> None:
    _require_order(arguments)
    settings = _settings(reads_raw=reads_raw)
    with translate_troubles(settings):
        if not of_any_lake:
            check_lake(settings)
        main(settings, arguments)


def _require_order(arguments: argparse.Namespace) -> None:
    """Refuse a range of days that ends before it begins, before anything starts."""
    if "first" in arguments and "last" in arguments:
        days_between(arguments.first, arguments.last)


def _settings(*, reads_raw: bool) -> JobSettings:
    settings = JobSettings.from_environment(os.environ)
    return settings if reads_raw else dataclasses.replace(settings, raw_account=None)


def span(days: Sequence[dt.date]) -> str:
    """Return a range of days in short.

    >>> span([dt.date(2026, 1, 1), dt.date(2026, 1, 3)])
    '2026-01-01..2026-01-03 (2 days)'
    """
    if len(days) == 1:
        return str(days[0])
    return f"{min(days)}..{max(days)} ({len(days)} days)" if days else "no day"


class Stopwatch:
    """The time since this object was made."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds so far."""
        return time.perf_counter() - self._start

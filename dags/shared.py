"""Settings, defaults and the way to start a Python job that all DAGs share."""

import datetime as dt
import functools
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import CronDataIntervalTimetable, Param

from antifraud.errors import AntifraudError, DaysError
from antifraud.settings.core import JobSettings
from antifraud.settings.dags import DagSettings

log = logging.getLogger(__name__)
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

MIDNIGHT: Final = CronDataIntervalTimetable("0 0 * * *", timezone="UTC")
"""One run a calendar day. The day itself is `data_interval_start`."""
START: Final = pendulum.datetime(2015, 1, 1, tz="UTC")
"""Earlier than any raw file: Airflow only backfills days after a DAG's start."""
SENSOR_SECONDS: Final = 24 * 3600
RUN_DAY: Final = "(data_interval_start | ds if data_interval_start is defined and data_interval_start else '')"
"""Template of the run's day; empty in a run that was triggered without a logical date."""
INTERVAL_DAY: Final = f"{{{{ {RUN_DAY} }}}}"
DATE_PATTERN: Final = r"^\d{4}-\d{2}-\d{2}$"
RELEASE_PATTERN: Final = r"^[0-9A-Za-z][0-9A-Za-z._-]{0,99}$"


ROOT: Final = Path(__file__).resolve().parent.parent
"""Folder of the project, in which jobs are started."""
SETTINGS: Final = DagSettings.from_environment(os.environ)
"""Read here and nowhere else in `dags/`."""
REPLAY_END: Final = pendulum.from_format(SETTINGS.replay_end, "YYYY-MM-DD", tz="UTC") if SETTINGS.replay_end else None

DEFAULT_ARGS: Final[dict[str, Any]] = {
    "owner": "antifraud",
    "retries": 2,
    "retry_delay": dt.timedelta(seconds=20),
    "retry_exponential_backoff": True,
    "max_retry_delay": dt.timedelta(minutes=10),
}

NIGHTLY: Final[dict[str, Any]] = {
    "start_date": START,
    "end_date": REPLAY_END,
    "catchup": False,
    "default_args": DEFAULT_ARGS,
}
"""Arguments of a DAG that runs at `MIDNIGHT`, except its schedule."""


def day_param(meaning: str) -> Param:
    """Return a parameter that names a day; empty means the day of the run."""
    description = f"{meaning} (YYYY-MM-DD). Empty: the day of the run"
    return Param(None, type=["null", "string"], pattern=DATE_PATTERN, description=description)


def day_of_run(text: str) -> dt.date:
    """Return the day of a run from the text of a template.

    Raises:
        DaysError: The run has no day, or no calendar has it.
    """
    if not text:
        raise DaysError("the run has no logical date, so no day to work on: trigger it again with a logical date")
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise DaysError(f"{text} is no day of the calendar, YYYY-MM-DD was expected: trigger it again") from None


def without_traceback(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Let an expected failure of a task's function end the task with one line and its exit code."""

    @functools.wraps(function)
    def function_with_exit_code(*arguments: Parameters.args, **options: Parameters.kwargs) -> Result:
        try:
            return function(*arguments, **options)
        except AntifraudError as error:
            # Airflow logs any other exception with its traceback.
            log.error("error: %s", error)  # noqa: TRY400 - a line, no traceback
            raise SystemExit(error.exit_code) from None

    return function_with_exit_code


def python_job(task_id: str, script: str, arguments: Sequence[str] = (), **options: Any) -> BashOperator:
    """Run ``python -m jobs.<script>`` in its own process, so that the worker imports nothing heavy.

    Arguments are not quoted: they come from params with a pattern (`tests/dags/test_policy.py`).
    """
    return BashOperator(
        task_id=task_id,
        bash_command=" ".join([sys.executable, "-m", f"jobs.{script}", *arguments]),
        cwd=str(ROOT),
        **options,
    )


def job_settings() -> JobSettings:
    """Read the settings of the jobs; call it when a task runs, not when a DAG is parsed."""
    return JobSettings.from_environment(os.environ)


def sensor(poke_seconds: int) -> dict[str, Any]:
    """Return arguments of a sensor that frees its slot between two pokes and times out after a day."""
    return {"mode": "reschedule", "poke_interval": poke_seconds, "timeout": SENSOR_SECONDS}

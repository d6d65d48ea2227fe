"""Every DAG keeps the project's rules for DAGs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from airflow.sdk.definitions.param import Param, ParamsDict

from antifraud.errors import LeakError, UnsearchableError

ROOT = Path(__file__).resolve().parents[2]
NAMES = ["lake", "maintenance", "monitor", "recover", "reprocess", "retrain", "rollback"]
MANUAL = ["reprocess", "rollback"]
HEAVY = ["pandas", "pyspark", "mlflow", "catboost", "sklearn", "evidently", "pyiceberg", "pyarrow"]


def raw_params(dag) -> dict[str, Param]:
    params = dag.params
    assert isinstance(params, ParamsDict)
    return {name: params.get_param(name) for name in params}


def test_all_files_parse_into_exactly_these_dags(dag_bag):
    """All DAG files are imported without an error, and they define exactly the listed DAGs."""
    assert dag_bag.import_errors == {}
    assert sorted(dag_bag.dags) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_docstring_is_the_operators_page(dags, name):
    """A DAG's docstring is the page in the UI: it begins with the DAG's name and mentions every task."""
    module = ast.get_docstring(ast.parse((ROOT / "dags" / f"{name}.py").read_text()), clean=False)
    assert dags[name].doc_md == module
    assert module.startswith(f"# {name}: ")
    for task in dags[name].task_ids:
        if task != "reason":
            assert f"- `{task}`: " in module, f"the page of {name} does not mention its task {task}"


def test_the_page_of_monitor_tells_leaks_unsearchable_and_crashed_apart(dags):
    """Each outcome of the leak scan has a line of its own, with the exit code that the task's log shows."""
    page = dags["monitor"].doc_md
    codes = {"leaks": f"{LeakError.exit_code}", "unsearchable": f"{UnsearchableError.exit_code}"}
    for outcome, code in (*codes.items(), ("crashed", "another code or a traceback")):
        assert f"\n  - {code}, **{outcome}**: " in page


@pytest.mark.parametrize("name", NAMES)
def test_calendar_is_aware_of_its_zone_and_never_catches_up(dags, name):
    """Every DAG starts in UTC, never catches up, has tags and one owner."""
    dag = dags[name]
    assert dag.start_date.tzinfo is not None
    assert dag.start_date.utcoffset().total_seconds() == 0
    assert dag.catchup is False
    assert dag.tags
    assert {task.owner for task in dag.tasks} == {"antifraud"}


@pytest.mark.parametrize("name", ["lake", "retrain", "monitor"])
def test_scheduled_dags_have_one_run_a_calendar_day(dags, name):
    """A run's interval is a day that begins at midnight, so data_interval_start is the day itself."""
    from airflow.sdk import CronDataIntervalTimetable

    assert dags[name].timetable == CronDataIntervalTimetable("0 0 * * *", timezone="UTC")


def test_maintenance_is_weekly(dags):
    """Maintenance runs once a week, in the night to Monday."""
    from airflow.sdk import CronDataIntervalTimetable

    assert dags["maintenance"].timetable == CronDataIntervalTimetable("0 0 * * 1", timezone="UTC")


@pytest.mark.parametrize("name", MANUAL)
def test_manual_dags_are_dry_by_default(dags, name):
    """Manual DAGs have no schedule and are dry runs by default."""
    dry_run = raw_params(dags[name])["dry_run"]
    assert dags[name].schedule is None
    assert (dry_run.value, dry_run.schema["type"]) == (True, "boolean")


@pytest.mark.parametrize("name", NAMES)
def test_every_param_is_typed_and_described(dags, name):
    """Every param has a type and a description, so that the form explains itself.

    A text that reaches a command line has a pattern.
    """
    for param_name, param in raw_params(dags[name]).items():
        assert "type" in param.schema
        assert param.description
        if "string" in param.schema["type"] and param_name != "reason":
            assert param.schema["pattern"].startswith("^")
            assert param.schema["pattern"].endswith("$")


@pytest.mark.parametrize("name", NAMES)
def test_retries_wait_longer_each_time(dags, name):
    """If a task is retried at all, its pauses grow."""
    for task in dags[name].tasks:
        assert task.retries == 0 or task.retry_exponential_backoff


def test_parsing_imports_nothing_heavy_and_reads_no_lake():
    """Importing all DAG files imports none of the heavy libraries that jobs use."""
    code = "import sys; " + "; ".join(f"import dags.{name}" for name in NAMES)
    code += f"; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"

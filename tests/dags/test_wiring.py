"""The tasks of each DAG have the right commands, order and arguments."""

import datetime as dt
import logging
from types import SimpleNamespace

import pytest

ORDER = {
    "lake": ["feed", "ingest", "history", "features", "published", "export"],
    "retrain": ["features", "train", "validate", "gate", "promote"],
    "reprocess": ["stale", "plan", "days", "published", "export"],
    "rollback": ["reason", "promote"],
}


INTERVAL = {"data_interval_start": dt.datetime(2026, 2, 3, tzinfo=dt.UTC)}


def rendered(task, params=None, interval=INTERVAL):
    """Return a copy of the task with its templates filled in for the run of 2026-02-03, or for another interval."""
    import copy

    found = copy.copy(task)
    context = {**interval, "params": params or {}}
    environment = task.dag.get_template_env()
    for name in task.template_fields:
        setattr(found, name, found.render_template(getattr(found, name), context, environment))
    return found


@pytest.mark.parametrize("name", ORDER)
def test_tasks_follow_each_other(dags, name):
    """The tasks of a DAG form a chain, in the order of the operator's page."""
    dag = dags[name]
    pairs = list(zip(ORDER[name], ORDER[name][1:], strict=False))
    assert sorted(dag.task_ids) == sorted(ORDER[name])
    assert [(before, dag.get_task(before).downstream_task_ids) for before, _ in pairs] == [
        (before, {after}) for before, after in pairs
    ]


@pytest.mark.parametrize(("task", "stages"), [("ingest", "ingest,totals"), ("features", "history,state,features")])
def test_a_nightly_run_names_a_single_day(dags, task, stages):
    """Both Spark jobs of `lake` are given the interval's day as first and last day."""
    found = rendered(dags["lake"].get_task(task))
    assert found.application_args == ["--from", "2026-02-03", "--to", "2026-02-03", "--stages", stages]
    assert found.application.endswith("/jobs/day.py")


def test_reprocess_passes_the_range_of_its_params(dags):
    """The whole range goes into one job and one listing, and the state is exported for its last day."""
    params = {"first": "2026-01-01", "last": "2026-03-31"}
    days = rendered(dags["reprocess"].get_task("days"), params)
    export = rendered(dags["reprocess"].get_task("export"), params)
    stages = "ingest,totals,history,state,features"
    assert days.application_args == ["--from", "2026-01-01", "--to", "2026-03-31", "--stages", stages]
    assert export.bash_command.endswith(" -m jobs.export_state --day 2026-03-31")
    stale = rendered(dags["reprocess"].get_task("stale"), params)
    assert stale.bash_command.endswith(" -m jobs.stale --from 2026-01-01 --to 2026-03-31")


@pytest.mark.parametrize(("as_of", "expected"), [(None, "2026-02-03"), ("2026-01-20", "2026-01-20")])
def test_retrain_uses_the_named_day_or_its_own(dags, as_of, expected):
    """A day in the params is used, and without one the run's own day."""
    train = rendered(dags["retrain"].get_task("train"), {"as_of": as_of})
    assert train.application_args == ["--as-of", expected]


@pytest.mark.parametrize(("release", "ending"), [(None, " "), ("r1", " --replace-unjudged r1")])
def test_retrain_replaces_unjudged_only_what_is_named(dags, release, ending):
    """A nightly run replaces no champion that was not judged, but a run by hand may name one to replace."""
    promote = rendered(
        dags["retrain"].get_task("promote"), {"as_of": "2026-01-20", "replace_unjudged": release, "resume": None}
    )
    assert promote.bash_command.endswith(f" -m jobs.promote --as-of 2026-01-20{ending}")


@pytest.mark.parametrize(
    ("dry_run", "ending"), [(True, "--release r1 --dry-run"), (False, '--release r1 --reason "$REASON"')]
)
def test_rollback_moves_nothing_while_dry(dags, dry_run, ending):
    """The job gets its dry-run flag exactly if the param says so; otherwise the shell reads the reason."""
    promote = rendered(
        dags["rollback"].get_task("promote"), {"release": "r1", "dry_run": dry_run, "reason": "it's $(so)"}
    )
    assert promote.bash_command.endswith(f" -m jobs.promote {ending}")
    assert (promote.env, promote.append_env) == ({"REASON": "it's $(so)"}, True)


@pytest.mark.parametrize(("resume", "ending"), [(None, " "), ("it's $(so)", '  --resume "$REASON"')])
def test_retrain_resumes_only_with_a_reason(dags, resume, ending):
    """A nightly run resumes nothing; a reason reaches the job by way of a variable."""
    promote = rendered(
        dags["retrain"].get_task("promote"), {"as_of": "2026-01-20", "replace_unjudged": None, "resume": resume}
    )
    assert promote.bash_command.endswith(f" -m jobs.promote --as-of 2026-01-20{ending}")
    assert promote.env == {"REASON": resume or ""}


@pytest.mark.parametrize(
    ("run_type", "dry_run", "mode"),
    [
        ("scheduled", None, "apply"),
        ("scheduled", True, "dry-run"),
        ("manual", None, "dry-run"),
        ("manual", True, "dry-run"),
        ("manual", False, "apply"),
        ("backfill", None, "dry-run"),
    ],
)
def test_maintenance_by_hand_is_dry_by_default(dags, run_type, dry_run, mode):
    """A scheduled run applies its plan, while any other run is dry by default; the param decides if it is set."""
    task = dags["maintenance"].get_task("maintain")
    found = task.dag.get_template_env().from_string(task.application_args[1])
    run = SimpleNamespace(run_type=run_type)
    assert found.render(params={"dry_run": dry_run}, dag_run=run) == mode
    assert task.application_args[0] == "--mode"


def test_no_argument_or_environment_of_a_task_looks_like_a_secret(dags):
    """No secret is on a command line or in the environment of a task, because jobs read secrets from files."""
    for dag in dags.values():
        for task in dag.tasks:
            shown = f"{getattr(task, 'application_args', '')} {getattr(task, 'bash_command', '')}".lower()
            assert not any(word in shown for word in ("password", "secret", "token", "keyring"))
            assert set(getattr(task, "env_vars", None) or {}) <= {"PYTHONPATH", "PYSPARK_PYTHON"}


@pytest.mark.parametrize("interval", [{}, {"data_interval_start": None}])
@pytest.mark.parametrize(("dag", "task"), [("lake", "feed"), ("retrain", "features")])
def test_a_run_without_a_logical_date_fails_in_one_line(dags, caplog, dag, task, interval):
    """Triggered without a logical date, a run has no day; its first task logs one line and ends with code 14."""
    first = rendered(dags[dag].get_task(task), {"as_of": None}, interval)

    with caplog.at_level(logging.ERROR), pytest.raises(SystemExit) as ended:
        first.python_callable(*first.op_args, **first.op_kwargs)

    assert ended.value.code == 14
    assert [(record.message, record.exc_info) for record in caplog.records] == [
        ("error: the run has no logical date, so no day to work on: trigger it again with a logical date", None)
    ]


def test_an_expected_failure_of_a_task_is_one_line(dags, caplog, monkeypatch):
    """A task that misses a day logs the message without a traceback, and ends with the code of the failure."""
    from antifraud.errors import MissingDay
    from dags import publication

    def miss(*_):
        raise MissingDay("clean has no 2026-02-03: run the lake DAG")

    monkeypatch.setattr(publication, "require_published", miss)
    with caplog.at_level(logging.ERROR), pytest.raises(SystemExit) as ended:
        dags["lake"].get_task("published").python_callable("2026-02-03")

    assert ended.value.code == 22
    assert [(record.message, record.exc_info) for record in caplog.records] == [
        ("error: clean has no 2026-02-03: run the lake DAG", None)
    ]


def test_a_job_of_a_run_without_a_logical_date_gets_an_empty_day(dags):
    """The command of `monitor` stays whole, so that the job's own parser says what is wrong."""
    drift = dags["monitor"].get_task("drift")

    assert rendered(drift, {"day": None}, {}).bash_command.endswith(" -m jobs.drift_report --day=")
    assert rendered(drift, {"day": None}).bash_command.endswith(" -m jobs.drift_report --day=2026-02-03")


def test_the_parity_report_is_made_of_the_run_s_day_and_never_repeated(dags):
    """A retry would replay the same log, and delay the alarm."""
    parity = dags["monitor"].get_task("parity")

    assert rendered(parity, {"day": None}).bash_command.endswith(" -m jobs.parity_report --day=2026-02-03")
    assert parity.retries == 0


def test_the_standing_judgement_follows_the_features_of_its_day(dags):
    """The judge waits for the day's features, and a task of its own publishes its judgement."""
    monitor = dags["monitor"]
    features, judge, publish = (monitor.get_task(name) for name in ("features", "judge", "publish_judgement"))

    assert features.downstream_task_ids == {"judge"}
    assert judge.downstream_task_ids == {"publish_judgement"}
    assert rendered(judge, {"day": None}).application_args == ["--as-of", "2026-02-03"]
    assert rendered(publish, {"day": None}).bash_command.endswith(" -m jobs.publish_judgement --as-of 2026-02-03")
    assert rendered(judge, {"day": "2026-01-20"}).application_args == ["--as-of", "2026-01-20"]

"""A real Airflow drives a cluster's life: with a killed scheduler, a cancelled run, and the watchdog."""

import os
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest

from infra.local.airflow_api import AirflowApi
from infra.local.environment import MARK
from infra.local.ports import HOST, choose_ports
from infra.local.services import AIRFLOW_PARTS, prepare_airflow
from infra.local.supervisor import Service, Supervisor
from tests.cloud.cloud import ROOT, Double

pytestmark = [pytest.mark.prove, pytest.mark.timeout(1_500)]
NIGHT = '''"""Two Spark tasks that share a cluster."""

from airflow.sdk import dag

from dags.shared import DEFAULT_ARGS, START
from dags.submit import share_cluster, spark_job


@dag(schedule=None, start_date=START, catchup=False, default_args=DEFAULT_ARGS)
def night():
    ingest, features = (spark_job(name, "day", ["--stages", name]) for name in ("ingest", "features"))
    ingest >> features
    share_cluster(ingest, features)


night()
'''
SECONDS = 400


def airflow_environ(home, port, cloud):
    """Return the environment of the Airflow of a home, with the double as its cloud."""
    settings = {
        "CORE__DAGS_FOLDER": home / "dags",
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__PARALLELISM": 2,
        "CORE__LOAD_EXAMPLES": False,
        "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": True,
        "CORE__EXECUTION_API_SERVER_URL": f"http://{HOST}:{port}/execution/",
        "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow' / 'airflow.db'}",
        "API__HOST": HOST,
        "API__PORT": port,
        "API__WORKERS": 1,
        "LOGGING__BASE_LOG_FOLDER": home / "logs" / "airflow",
        "SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": 20,
        "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": 20,
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": 45,
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": 5,
    }
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("ANTIFRAUD_", "AIRFLOW_"))}
    ours = {f"AIRFLOW__{name}": str(value) for name, value in settings.items()} | cloud.environ
    path = f"{Path(sys.executable).parent}{os.pathsep}{inherited['PATH']}"
    return (
        inherited
        | ours
        | {"AIRFLOW_HOME": str(home / "airflow"), MARK: str(home), "PYTHONPATH": str(ROOT), "PATH": path}
    )


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    """Return a double of this module's own."""
    double = Double(tmp_path_factory.mktemp("cloud"))
    double.start()
    double.put()
    yield double
    double.stop()


@pytest.fixture(scope="module")
def supervised(cloud, tmp_path_factory):
    """Return the client and the supervisor of an Airflow with the DAGs `night` and `clusters`."""
    home = tmp_path_factory.mktemp("home")
    (home / "dags").mkdir()
    (home / "dags" / "night.py").write_text(NIGHT)
    shutil.copy(ROOT / "dags" / "clusters.py", home / "dags")
    port = choose_ports({})["airflow"]
    environ = airflow_environ(home, port, cloud)
    prepare_airflow(home, environ)
    supervisor = Supervisor(home, environ, ROOT, print)
    airflow = str(Path(sys.executable).parent / "airflow")
    supervisor.start(Service(f"airflow-{words[0]}", (airflow, *words)) for words in AIRFLOW_PARTS)
    api = AirflowApi(f"http://{HOST}:{port}")
    try:
        wait(lambda: api.is_healthy() and api.dags() >= {"night", "clusters"}, "Airflow is up")
        api.unpause("night")
        api.unpause("clusters")
        yield api, supervisor
    finally:
        api.close()
        supervisor.stop()


def wait(is_true, what):
    """Wait until something is true."""
    until = time.monotonic() + SECONDS
    while not is_true():
        assert time.monotonic() < until, f"not in {SECONDS} s: {what}"
        time.sleep(1)


def states(api, run):
    """Return the states of a run's tasks."""
    return {task["task_id"]: task["state"] for task in api.tasks("night", run)}


def state_of(api, run):
    """Return the state of a run."""
    return next(each.state for each in api.runs("night") if each.id == run)


def test_a_night_survives_half_a_creation_and_the_scheduler(supervised, cloud):
    """Half a creation is replaced, the scheduler is killed while a job runs, and each job ends well once."""
    api, supervisor = supervised
    cloud.put()
    cloud.rates(job=8)
    cloud.plan("create_cluster half")
    api.trigger("night", "killed", {})
    wait(lambda: cloud.state["jobs"], "a job runs")
    supervisor.running["airflow-scheduler"].send_signal(signal.SIGKILL)
    wait(lambda: state_of(api, "killed") in {"success", "failed"}, "the run has ended")

    assert states(api, "killed") == dict.fromkeys(
        ("lease", "create_cluster", "ingest", "features", "delete_cluster"), "success"
    )
    assert supervisor.restarts == {"airflow-scheduler": 1}
    assert cloud.alive() == {}
    assert sorted(job["name"] for job in cloud.state["jobs"].values() if job["status"] == "DONE") == [
        "features-1",
        "ingest-1",
    ]


def test_a_cancelled_run_deletes_its_cluster(supervised, cloud):
    """A person marks the run as failed while its job runs: the teardown deletes the cluster nevertheless."""
    api, _ = supervised
    cloud.put()
    cloud.rates(job=300)
    api.trigger("night", "cancelled", {})
    wait(lambda: cloud.state["jobs"], "a job runs")
    api._call("PATCH", "/dags/night/dagRuns/cancelled", json={"state": "failed"})
    wait(lambda: not cloud.alive(), "the cluster is gone")
    wait(lambda: states(api, "cancelled")["delete_cluster"] == "success", "the teardown has ended")

    assert states(api, "cancelled")["features"] == "skipped"
    assert cloud.state["calls"].count("create_job") == 1


def test_a_creation_that_fails_for_good_is_deleted_too(supervised, cloud):
    """Every attempt of the creation fails half: the run fails, its jobs do not start, and nothing is left."""
    api, _ = supervised
    cloud.put()
    cloud.plan("create_cluster half 9")
    api.trigger("night", "half", {})
    wait(lambda: state_of(api, "half") == "failed", "the run has ended")

    assert states(api, "half") == {
        "lease": "success",
        "create_cluster": "failed",
        "ingest": "upstream_failed",
        "features": "upstream_failed",
        "delete_cluster": "success",
    }
    assert cloud.alive() == {}


def test_the_watchdog_deletes_what_outlived_its_lease(supervised, cloud):
    """A cluster of a run that nobody remembers is gone after the next sweep."""
    api, _ = supervised
    labels = {"antifraud-deployment": "prototype", "antifraud-run": "0", "antifraud-until": str(int(time.time()) - 60)}
    known = {"name": "x", "labels": labels, "status": "RUNNING", "created": time.time(), "gone": None}
    cloud.put({"c1": known | {"target": "dataproc", "folder": "b1gfolder"}})
    api.trigger("clusters", "by-hand", {})
    wait(lambda: not cloud.alive(), "the cluster is gone")

"""With a target in the cloud, the Spark tasks of a run share one cluster, which is deleted whatever happens."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLOUD = {
    "ANTIFRAUD_COMPUTE_TARGET": "dataproc",
    "ANTIFRAUD_CLOUD_FOLDER": "b1g",
    "ANTIFRAUD_CLUSTER_SUBNETS": "e9b",
    "ANTIFRAUD_CLUSTER_ACCOUNT": "aje",
    "ANTIFRAUD_CLUSTER_BUCKET": "jobs",
}
DESCRIBE = """
import json, warnings
warnings.simplefilter("ignore")
from airflow.dag_processing.dagbag import DagBag
bag = DagBag("dags", collect_dags=True)
assert not bag.import_errors, bag.import_errors
print(json.dumps({dag.dag_id: {task.task_id: {
    "before": sorted(task.upstream_task_ids), "setup": task.is_setup, "teardown": task.is_teardown,
    "rule": task.trigger_rule.value, "retries": task.retries, "step": getattr(task, "step", None),
    "order": getattr(task, "order", None),
} for task in dag.tasks} for dag in bag.dags.values()}))
"""


@pytest.fixture(scope="module")
def described(tmp_path_factory):
    """Return the tasks of every DAG, as an Airflow with a target in the cloud parses them."""
    environ = {**os.environ, **CLOUD, "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow"))}
    command = [sys.executable, "-W", "ignore", "-c", DESCRIBE]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("dag", "waits_for", "jobs"),
    [
        ("lake", ["feed"], ["ingest", "features"]),
        ("retrain", ["features"], ["train", "validate"]),
        ("reprocess", ["plan"], ["days"]),
        ("maintenance", [], ["maintain"]),
        ("monitor", ["features"], ["judge"]),
    ],
)
def test_the_jobs_of_a_run_share_a_cluster(described, dag, waits_for, jobs):
    """Lease, creation, jobs, deletion: one of each, and nobody pays while the run waits for its feed."""
    tasks = described[dag]

    assert tasks["lease"]["before"] == waits_for
    assert tasks["create_cluster"]["before"] == ["lease"]
    for job in jobs:
        assert tasks[job]["step"] == "run"
        assert "create_cluster" in tasks[job]["before"]
    assert tasks["delete_cluster"]["before"] == sorted(["lease", *jobs])


@pytest.mark.parametrize("dag", ["lake", "retrain", "reprocess", "maintenance", "monitor"])
def test_a_failed_creation_is_deleted_as_well(described, dag):
    """The deletion's only direct setup is the lease, which calls no cloud: a failed creation does not skip it."""
    tasks = described[dag]
    setups = [name for name in tasks["delete_cluster"]["before"] if tasks[name]["setup"]]

    assert setups == ["lease"]
    assert (tasks["delete_cluster"]["teardown"], tasks["delete_cluster"]["rule"]) == (True, "all_done_setup_success")
    assert tasks["create_cluster"]["setup"] is True
    assert tasks["delete_cluster"]["retries"] == 5


def test_the_watchdog_exists_where_clusters_do(described, dags):
    """The DAG `clusters` has one task with a target in the cloud, and is missing on a host without clusters."""
    assert list(described["clusters"]) == ["sweep"]
    assert "clusters" not in dags


def test_the_watchdogs_page_mentions_its_task():
    """The docstring is the operators' page, as for every DAG: it begins with the name and mentions the task."""
    page = ast.get_docstring(ast.parse((ROOT / "dags" / "clusters.py").read_text()), clean=False)

    assert page.startswith("# clusters: ")
    assert "- `sweep`: " in page


def test_a_host_without_clusters_has_no_tasks_for_them(dags):
    """With the target `local`, no DAG has a task of a cluster."""
    found = {task.task_id for dag in dags.values() for task in dag.tasks}

    assert found & {"lease", "create_cluster", "delete_cluster"} == set()


def test_a_job_is_named_with_its_arguments(described):
    """The order of `ingest` has the job, its range and its stages, as templates that Airflow fills in."""
    order = described["lake"]["ingest"]["order"]

    assert order["task"] == "ingest"
    assert order["command"][:2] == ["day", "--from"]
    assert order["command"][-2:] == ["--stages", "ingest,totals"]


def test_what_a_cluster_made_is_fetched_before_it_is_judged(described):
    """The gate reads the report on this host, and the release that promotion makes is stored for the next cluster."""
    retrain, rollback = described["retrain"], described["rollback"]

    assert retrain["fetch_home"]["before"] == ["validate"]
    assert retrain["gate"]["before"] == ["fetch_home", "validate"]
    assert retrain["store_home"]["before"] == ["promote"]
    assert (rollback["fetch_home"]["before"], rollback["store_home"]["before"]) == (["reason"], ["promote"])


def test_hosts_share_nothing_without_a_cloud(dags):
    """With the target `local`, candidates, reports and releases are on one host."""
    assert "fetch_home" not in dags["retrain"].task_ids
    assert "store_home" not in dags["rollback"].task_ids

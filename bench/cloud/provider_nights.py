"""The same thirty nights with the operators of Airflow's provider for this cloud, for comparison.

    .venv-provider/bin/python -m bench.cloud.provider_nights

Needs an environment of its own: `uv venv .venv-provider && uv pip install apache-airflow==3.3.2
apache-airflow-providers-yandex psutil`. The operators are used as well as they can be: each gets the cluster's id. The
deletion runs whatever the tasks before it did (`all_done`). Every task has the retries that ours have.
"""

import datetime as dt
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.cloud.scenarios import SCENARIOS, Scenario
from bench.cloud.small_airflow import Run, TaskOfRun, lives, play
from infra.cluster.processes import HOST
from tests.cloud.cloud import Double

FIRST = dt.date(2026, 2, 1)
RATES = {"create": 0.5, "delete": 0.3, "job": 0.5}
CONNECTION = "yandexcloud_default"
RETRIES = {"create_cluster": 2, "ingest": 2, "features": 2, "delete_cluster": 5}
CLEARS = 3


def main() -> None:
    """Play the nights and print what is left."""
    with tempfile.TemporaryDirectory() as name:
        cloud = Double(Path(name))
        cloud.start()
        try:
            _play(cloud, Path(name))
        finally:
            cloud.stop()


def _play(cloud: Double, folder: Path) -> None:
    extra = {
        "endpoint": f"{HOST}:{cloud.port}",
        "service_account_json_path": str(folder / "account.json"),
        "folder_id": "b1gfolder",
        "public_ssh_key": "ssh-ed25519 AAAA",
    }
    os.environ |= {
        "AIRFLOW_HOME": str(folder / "airflow"),
        f"AIRFLOW_CONN_{CONNECTION.upper()}": json.dumps({"conn_type": "yandexcloud", "extra": extra}),
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(folder / "roots.pem"),
    }
    cloud.put()
    days = [FIRST + dt.timedelta(days=number) for number in range(len(SCENARIOS))]
    for day, scenario in zip(days, SCENARIOS, strict=True):
        _night(cloud, folder / str(day), day, scenario)
    _report(cloud, days)


def _night(cloud: Double, folder: Path, day: dt.date, scenario: Scenario) -> None:
    folder.mkdir()
    cloud.rates(**RATES)
    cloud.plan(*scenario.faults)
    run = Run("lake", f"scheduled__{day}T00:00:00+00:00", folder)
    tasks = [
        TaskOfRun(name, _executed(run, name, day), retries + 1, name == "delete_cluster")
        for name, retries in RETRIES.items()
    ]
    done, cleared = play(run, tasks, cloud, scenario), 0
    while not done and cleared < CLEARS:
        cleared += 1
        done = play(run, tasks, cloud, Scenario("cleared"))
    state = "published" if done else "FAILED"
    print(f"{day} {scenario.name}: {state}, cleared {cleared}x, {len(cloud.alive())} clusters alive", flush=True)


def _executed(run: Run, name: str, day: dt.date) -> Any:
    """Return what an attempt executes; the SDK is only loaded in the process of the attempt."""

    def executed(context: dict[str, Any]) -> Any:
        return _operator(name, day, run.xcom_pull("create_cluster")).execute(context)

    return executed


def _operator(name: str, day: dt.date, cluster: str | None) -> Any:
    from airflow.providers.yandex.operators import dataproc

    if name == "create_cluster":
        return dataproc.DataprocCreateClusterOperator(
            task_id=name,
            zone="ru-central1-a",
            s3_bucket="jobs",
            subnet_id="e9bsubnet",
            service_account_id="ajeaccount",
            cluster_image_version="2.2",
            services=("YARN", "SPARK"),
            datanode_count=0,
            computenode_count=2,
            connection_id=CONNECTION,
        )
    if name == "delete_cluster":
        return dataproc.DataprocDeleteClusterOperator(task_id=name, cluster_id=cluster, connection_id=CONNECTION)
    return dataproc.DataprocCreatePysparkJobOperator(
        task_id=name,
        name=f"{name}-{day}",
        main_python_file_uri="s3a://jobs/code/on_cluster.py",
        args=["day", "--from", str(day), "--to", str(day)],
        cluster_id=cluster,
        connection_id=CONNECTION,
    )


def _report(cloud: Double, days: list[dt.date]) -> None:
    jobs = [job for job in cloud.state["jobs"].values() if job["status"] == "DONE"]
    counts = [[sum(job["name"] == f"{task}-{day}" for job in jobs) for task in ("ingest", "features")] for day in days]
    once, never = counts.count([1, 1]), sum(0 in each for each in counts)
    print(f"{once} of {len(days)} days published once, {len(days) - once - never} more often, {never} never")
    print(f"{len(cloud.state['clusters'])} clusters, {len(cloud.alive())} left and billed")
    print(f"longest life {max(lives(cloud, time.time()).values()):.0f} s and growing")


if __name__ == "__main__":
    main()

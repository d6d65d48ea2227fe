"""Submit Spark jobs to the compute target that one setting chooses, and give a run its cluster where it needs one."""

import dataclasses
from collections.abc import Sequence
from typing import Any, Final

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk import BaseOperator, task

from antifraud.compute import local, standalone
from antifraud.compute.lease import lease_from
from dags.cluster_tasks import LEASE, ClusterTask
from dags.shared import ROOT, SETTINGS, python_job

SUBMITTED: Final = {"local": local, "standalone": standalone}
"""Targets that are options of ``spark-submit``."""
CREATE_SECONDS: Final = 1_800
"""A cluster that is not up by then is given up; the next attempt adopts or replaces it."""
DELETE_SECONDS: Final = 3_600
DELETE_RETRIES: Final = 5
"""Together with growing pauses, longer than any operation that a deletion has to wait for."""


def spark_job(task_id: str, script: str, arguments: Sequence[str], **options: Any) -> BaseOperator:
    """Return the task that runs ``jobs/<script>.py``; the job reads its settings from its own environment."""
    if SETTINGS.is_cloud:
        order = {"task": task_id, "command": [script, *arguments]}
        return _cluster_task(task_id, "run", SETTINGS.cluster_lease_seconds, order=order, **options)
    return SparkSubmitOperator(
        task_id=task_id,
        application=str(ROOT / "jobs" / f"{script}.py"),
        application_args=list(arguments),
        name=f"{script}-{task_id}",
        **SUBMITTED[SETTINGS.compute_target].submit_options(SETTINGS, ROOT),
        **options,
    )


def share_cluster(*jobs: BaseOperator) -> None:
    """Give the Spark jobs of a run one cluster; on this host or a standalone cluster there is nothing to give.

    Call it when all other dependencies are set: the first job's predecessors become those of the lease, so that nobody
    pays for a cluster that waits for a feed.

    A teardown runs only if its setup succeeded, and half-failed creations leave clusters. So the setup of the deletion
    is the lease, which calls nothing that could fail, and the creation is a setup after it.
    """
    if not SETTINGS.is_cloud:
        return
    lease = give_lease().operator  # type: ignore[attr-defined]
    create = _cluster_task("create_cluster", "create", CREATE_SECONDS)
    create.is_setup = True
    delete = _cluster_task("delete_cluster", "delete", DELETE_SECONDS, retries=DELETE_RETRIES)
    for before in list(jobs[0].upstream_list):
        before >> lease
    lease >> create >> list(jobs) >> delete.as_teardown(setups=lease)


@task(task_id=LEASE)
def give_lease(ti: Any = None) -> dict[str, Any]:
    """Return the lease of the run's cluster; it counts from the start of this task, which Airflow has recorded."""
    return dataclasses.asdict(lease_from(SETTINGS, ti.dag_id, ti.run_id, int(ti.start_date.timestamp())))


def share_home(first: BaseOperator, last: BaseOperator) -> None:
    """Let `first` find on this host what clusters have made, and clusters what `last` makes here.

    Without clusters, all jobs run on hosts with one home, so there is nothing to share.
    """
    if not SETTINGS.is_cloud:
        return
    fetch = python_job("fetch_home", "home", ["fetch", "candidates", "reports"])
    for before in list(first.upstream_list):
        before >> fetch
    fetch >> first
    last >> python_job("store_home", "home", ["store", "releases"])


def sweep_clusters(task_id: str) -> BaseOperator:
    """Return the task that deletes every cluster that outlived its lease."""
    return _cluster_task(task_id, "sweep", DELETE_SECONDS)


def _cluster_task(task_id: str, step: str, patience: float, **options: Any) -> ClusterTask:
    python, poll = str(SETTINGS.cloud_python), SETTINGS.cloud_poll_seconds
    return ClusterTask(task_id=task_id, step=step, python=python, poll=poll, patience=patience, **options)

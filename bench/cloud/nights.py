"""Thirty nights against a double of the cloud's API, with faults and kills: is a cluster left, is every day published?

    python -m bench.cloud.nights

The real tasks of the DAG `lake` and its watchdog run here, an attempt a process, with seconds instead of hours: a lease
of 60 s and a watchdog every 15 s. Jobs are stand-ins that end after a moment. Takes about ten minutes.
"""

import copy
import datetime as dt
import os
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.cloud.scenarios import SCENARIOS, Scenario
from bench.cloud.small_airflow import Run, TaskOfRun, execute, lives, play
from bench.record import record
from tests.cloud.cloud import Double

LEASE, APART, PERIOD = 60, 10, 15
FIRST = dt.date(2026, 2, 1)
TASKS = ("lease", "create_cluster", "ingest", "features", "delete_cluster")
RATES = {"create": 0.5, "delete": 0.3, "job": 0.5}
CLEARS = 3
"""A person clears a failed run at most so often."""


def main() -> None:
    """Play the nights, print what became of each, and record the clusters left."""
    with tempfile.TemporaryDirectory() as name:
        cloud = Double(Path(name))
        cloud.start()
        try:
            _play(cloud, Path(name))
        finally:
            cloud.stop()


def _play(cloud: Double, folder: Path) -> None:
    os.environ |= cloud.environ | {
        "ANTIFRAUD_CLUSTER_LEASE_SECONDS": str(LEASE),
        "ANTIFRAUD_CLUSTER_CLOCKS_APART_SECONDS": str(APART),
        "AIRFLOW_HOME": str(folder / "airflow"),
    }
    cloud.put()
    watchdog = _watch(folder)
    runs = []
    try:
        for number, scenario in enumerate(SCENARIOS):
            day = FIRST + dt.timedelta(days=number)
            runs.append(_night(cloud, folder / str(day), day, scenario))
        time.sleep(LEASE + PERIOD)
    finally:
        os.kill(watchdog, signal.SIGTERM)
        os.waitpid(watchdog, 0)
    _report(cloud, runs)


def _night(cloud: Double, folder: Path, day: dt.date, scenario: Scenario) -> Run:
    """Play one night; a run that failed is cleared, as a person does in the morning."""
    folder.mkdir()
    cloud.rates(**RATES)
    cloud.plan(*scenario.faults)
    run = Run("lake", f"scheduled__{day}T00:00:00+00:00", folder)
    began, done, cleared = time.monotonic(), play(run, tasks_of(day), cloud, scenario), 0
    while not done and cleared < CLEARS:
        cleared += 1
        done = play(run, tasks_of(day), cloud, Scenario("cleared"))
    seconds = time.monotonic() - began
    print(
        f"{day} {scenario.name}: {'published' if done else 'FAILED'}, cleared {cleared}x, {seconds:.0f} s", flush=True
    )
    return run


def tasks_of(day: dt.date) -> list[TaskOfRun]:
    """Return the tasks of the DAG `lake` that have to do with its cluster, filled in for a day."""
    import dags.lake as module

    dag = module.lake()
    values = {"data_interval_start": dt.datetime.combine(day, dt.time(), dt.UTC), "params": {}}
    return [_task(dag, copy.copy(dag.get_task(name)), values) for name in TASKS]


def _task(dag: Any, operator: Any, values: dict[str, Any]) -> TaskOfRun:
    attempts = operator.retries + 1
    if operator.task_id == "lease":
        return TaskOfRun("lease", lambda context: operator.python_callable(ti=context["ti"]), attempts)
    operator.order = operator.render_template(operator.order, values, dag.get_template_env())
    return TaskOfRun(operator.task_id, lambda context: execute(operator, context), attempts, operator.is_teardown)


def _watch(folder: Path) -> int:
    """Start the watchdog: a process that runs the sweep of the DAG `clusters` at the beginning of every period."""
    from dags.submit import sweep_clusters

    sweep = sweep_clusters("sweep")
    if child := os.fork():
        return child
    run = Run("clusters", "sweeps", folder)
    number = 0
    while True:
        number += 1
        run.tries["sweep"] = number
        began = time.monotonic()
        play(run, [TaskOfRun("sweep", lambda context: execute(sweep, context), 1)], _silent(folder), Scenario("sweep"))
        time.sleep(max(0.0, PERIOD - (time.monotonic() - began)))


def _silent(folder: Path) -> Double:
    return Double(folder, port=0)


def _report(cloud: Double, runs: list[Run]) -> None:
    state, now = cloud.state, time.time()
    left, longest = len(cloud.alive()), max(lives(cloud, now).values())
    done = [_done(state, run) for run in runs]
    once = sum(each == {"ingest": 1, "features": 1} for each in done)
    print(f"{once} of {len(runs)} days published once; {len(state['clusters'])} clusters, {left} left")
    print(f"longest life {longest:.1f} s, allowed {LEASE + PERIOD} s (lease {LEASE} s, watchdog every {PERIOD} s)")
    if once < len(runs) or longest > LEASE + PERIOD:
        raise SystemExit("a day was not published once, or a cluster outlived its lease and the watchdog's period")
    record("cloud.clusters_left", left, "clusters", "make bench-nights")


def _done(state: dict[str, Any], run: Run) -> dict[str, int]:
    """Return how many jobs of each task of a run ended well."""
    from antifraud.compute.lease import RUN, Lease

    digest = Lease("prototype", run.dag, run.id, 0).digest
    clusters = {id_ for id_, each in state["clusters"].items() if each["labels"].get(RUN) == digest}
    jobs = [job for job in state["jobs"].values() if job["cluster"] in clusters and job["status"] == "DONE"]
    return {name: sum(job["name"].startswith(name) for job in jobs) for name in ("ingest", "features")}


if __name__ == "__main__":
    main()

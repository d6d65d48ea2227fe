"""Two processes that work on clusters at once, and a person who deletes one, cost no cluster and no job."""

import dataclasses
import json
import threading
import time

import pytest

from antifraud.compute.lease import Lease
from tests.cloud.cloud import Double

UNTIL = int(time.time()) + 3_600
JOB = {"task": "ingest", "command": ["day"]}


def order(run="r", attempt=1, **more):
    """Return the order of a step for a run; every order of a run has the same lease."""
    return {"lease": dataclasses.asdict(Lease("prototype", "lake", run, UNTIL)), "attempt": attempt, **more}


@pytest.fixture
def second(cloud):
    """Return a second process that calls the same cloud."""
    other = Double(cloud.folder, cloud.target, cloud.bucket, cloud.port)
    yield other
    other.stop()


def together(*calls):
    """Return the exit codes of steps that are repeated at the same time until they are done."""
    codes = {}

    def take(number, double, step, given):
        codes[number] = double.until_done(step, given)[0]

    threads = [threading.Thread(target=take, args=(number, *call)) for number, call in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [codes[number] for number in range(len(calls))]


def test_two_creations_at_once_make_one_cluster(cloud, second):
    """Two attempts of one run, as after a lost worker, end with the same cluster."""
    assert together((cloud, "create", order()), (second, "create", order(attempt=2))) == [0, 0]
    assert len(cloud.state["clusters"]) == 1


def test_runs_at_once_touch_only_their_own_clusters(cloud, second):
    """While one run deletes its cluster, another creates one and runs its job there."""
    assert cloud.until_done("create", order("a"))[0] == 0
    assert together((cloud, "delete", order("a")), (second, "run", order("b", **JOB))) == [0, 0]
    assert [each["name"] for each in cloud.alive().values()] == [Lease("prototype", "lake", "b", 0).name]


def test_two_submissions_at_once_run_one_job(cloud, second):
    """Two processes that submit the job of one attempt get the same job."""
    assert cloud.until_done("create", order())[0] == 0
    assert together((cloud, "run", order(**JOB)), (second, "run", order(**JOB))) == [0, 0]
    assert [each["name"] for each in cloud.state["jobs"].values()] == ["ingest-1"]


def test_a_cluster_that_a_person_deletes_costs_one_attempt(cloud):
    """A job loses its cluster while it runs: this attempt fails, and the next has a new cluster and a new job."""
    cloud.rates(job=100)
    cloud.until_done("create", order())
    assert cloud.step("run", order(**JOB))[1]["done"] is False
    state = cloud.state
    [(id_, cluster)] = cloud.alive().items()
    state["clusters"][id_] = cluster | {"gone": time.time()}
    (cloud.folder / "put.json").write_text(json.dumps(state))
    cloud.rates(job=0.1)

    assert cloud.until_done("run", order(**JOB))[0] == 55
    assert cloud.until_done("run", order(attempt=2, **JOB))[0] == 0
    assert len(cloud.alive()) == 1

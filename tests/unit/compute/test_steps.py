"""The steps of a cluster's life, against a cloud in memory whose every answer a test chooses."""

import dataclasses

import pytest

from antifraud.compute import steps
from antifraud.compute.cloud import Cluster, Job, Operation
from antifraud.compute.errors import CloudError, ForeignCluster, JobFailed, LeaseOver, QuotaExceeded
from antifraud.compute.lease import Lease
from antifraud.settings.cloud import CloudSettings

LEASE = Lease("prototype", "lake", "r", 1_000)
TASK = steps.Task("ingest", ["day"])


class Memory:
    """A cloud whose creations and submissions end as their numbers say."""

    def __init__(self, clusters=(), jobs=(), operations=(), submitted=()):
        self.listed, self.known = list(clusters), list(jobs)
        self.operations, self.submitted = list(operations), list(submitted)
        self.keys, self.deleted = [], []

    def clusters(self):
        """Return the clusters of the folder."""
        return self.listed

    def create_cluster(self, name, labels, key):
        """Return the next planned operation, and remember the key."""
        assert (name, labels) == (LEASE.name, LEASE.labels)
        self.keys.append(key)
        return self.operations[len(self.keys) - 1]

    def delete_cluster(self, cluster):
        """Remember what is deleted."""
        self.deleted.append(cluster)
        return "being deleted"

    def jobs(self, cluster):
        """Return the jobs that the cluster lists."""
        assert cluster == "c1"
        return self.known

    def create_job(self, _cluster, name, command, key):
        """Remember what is submitted."""
        self.keys.append((name, command, key))
        return Operation(f"j{len(self.keys)}", done=False)

    def job(self, _cluster, _job):
        """Return the job that was submitted, or None if it is lost."""
        return self.submitted.pop(0)


def ours(status="RUNNING", **changes):
    """Return the run's cluster."""
    return dataclasses.replace(Cluster("c1", LEASE.name, LEASE.labels, status, 0), **changes)


@pytest.mark.parametrize(
    ("status", "done", "deleted"),
    [
        ("RUNNING", True, []),
        ("CREATING", False, []),
        ("STARTING", False, []),
        ("UPDATING", False, []),
        ("STATUS_UNKNOWN", False, []),
        ("ERROR", False, ["c1"]),
        ("STOPPED", False, ["c1"]),
        ("STOPPING", False, ["c1"]),
    ],
)
def test_a_cluster_of_the_run_is_used_awaited_or_replaced(status, done, deleted):
    """A running one is adopted, one that comes up is waited for, and a broken one is deleted."""
    cloud = Memory([ours(status)])

    assert steps.create(cloud, LEASE, 1, 0).done is done
    assert (cloud.deleted, cloud.keys) == (deleted, [])


def test_a_cluster_of_an_earlier_lease_is_not_used():
    """The watchdog may delete it at any moment, so it goes and its name becomes free."""
    cloud = Memory([ours(labels=dataclasses.replace(LEASE, until=999).labels)])

    assert steps.create(cloud, LEASE, 1, 0).done is False
    assert cloud.deleted == ["c1"]


def test_a_cluster_of_a_later_lease_is_not_touched():
    """An attempt of before the run was cleared finds its successor's cluster: it ends, and deletes nothing."""
    cloud = Memory([ours(labels=dataclasses.replace(LEASE, until=1_001).labels)])
    with pytest.raises(LeaseOver, match="belongs to a later lease of this run"):
        steps.run(cloud, LEASE, TASK, 1, 0)

    assert cloud.deleted == []


def test_a_label_that_a_person_added_costs_no_cluster():
    """A running cluster with a fourth label is adopted."""
    cloud = Memory([ours(labels=LEASE.labels | {"cost-centre": "7"})])

    assert steps.create(cloud, LEASE, 1, 0).done is True
    assert cloud.deleted == []


@pytest.mark.parametrize("labels", [{}, {**LEASE.labels, "antifraud-run": "another"}, {"antifraud-run": LEASE.digest}])
@pytest.mark.parametrize(
    "step", [lambda cloud: steps.create(cloud, LEASE, 1, 0), lambda cloud: steps.delete(cloud, LEASE)]
)
def test_a_strangers_cluster_is_refused(labels, step):
    """Deployment and run must both be ours."""
    cloud = Memory([ours(labels=labels)])
    with pytest.raises(ForeignCluster, match="has not the labels of this run"):
        step(cloud)

    assert cloud.deleted == []


FAILED = Operation("c9", done=True, error="internal error")
GONE = Operation("c9", done=True)
PENDING = Operation("c9", done=False)


@pytest.mark.parametrize(
    ("operations", "attempt", "calls"),
    [([PENDING], 1, 1), ([PENDING], 5, 1), ([FAILED, PENDING], 2, 2), ([FAILED, GONE, PENDING], 3, 3)],
)
def test_an_attempt_replaces_one_failed_creation(operations, attempt, calls):
    """Keys are used in order, so an operation under way is found before another one begins."""
    cloud = Memory(operations=operations)

    assert steps.create(cloud, LEASE, attempt, 0).done is False
    assert cloud.keys == [LEASE.key("cluster", number) for number in range(calls)]


def test_a_creation_that_is_done_but_not_running_yet_is_waited_for():
    """Its cluster may be listed a moment after the first look."""
    cloud = Memory(operations=[Operation("c1", done=True)])
    looks = iter([[], [ours("CREATING")]])
    cloud.clusters = lambda: next(looks)

    assert steps.create(cloud, LEASE, 1, 0).done is False


@pytest.mark.parametrize(
    ("operation", "error"),
    [(FAILED, CloudError), (GONE, CloudError), (dataclasses.replace(FAILED, is_quota=True), QuotaExceeded)],
)
def test_an_attempt_without_a_creation_left_fails(operation, error):
    """Airflow then pauses before the next attempt."""
    with pytest.raises(error):
        steps.create(Memory(operations=[operation] * 2), LEASE, 2, 0)


@pytest.mark.parametrize(("now", "refused"), [(999, False), (1_000, True)])
def test_nothing_is_created_after_the_lease(now, refused):
    """At its last second the lease is over; a cluster that runs is used until the watchdog comes."""
    cloud = Memory(operations=[PENDING])
    if refused:
        with pytest.raises(LeaseOver):
            steps.create(cloud, LEASE, 1, now)
    else:
        assert steps.create(cloud, LEASE, 1, now).done is False
    assert steps.create(Memory([ours()]), LEASE, 1, 1_001).done is True


@pytest.mark.parametrize(
    ("jobs", "attempt", "done", "submitted"),
    [
        ([("ingest-1", "DONE")], 1, True, []),
        ([("ingest-1", "RUNNING")], 1, False, []),
        ([("ingest-1", "ERROR"), ("ingest-2", "DONE")], 2, True, []),
        ([("ingest-1", "ERROR")], 2, False, ["ingest-2"]),
        ([("ingest-1", "CANCELLED")], 2, False, ["ingest-2"]),
        ([("features-1", "DONE")], 1, False, ["ingest-1"]),
        ([], 1, False, ["ingest-1"]),
    ],
)
def test_a_job_is_adopted_or_submitted(jobs, attempt, done, submitted):
    """A job that ended well counts, one that runs is waited for, and only a failed one is followed by another."""
    known = [Job(f"j-{name}", name, status) for name, status in jobs]
    cloud = Memory([ours()], known, submitted=[Job("j1", "ingest", "PENDING")])

    assert steps.run(cloud, LEASE, TASK, attempt, 0).done is done
    assert [name for name, _, _ in cloud.keys] == submitted
    assert all(command == ["day"] for _, command, _ in cloud.keys)


def test_a_lost_job_fails_the_attempt():
    """Accepted but unknown afterwards, the job of the only attempt is lost."""
    with pytest.raises(JobFailed, match="ended as LOST"):
        steps.run(Memory([ours()], submitted=[None]), LEASE, TASK, 1, 0)


def test_a_job_waits_for_its_cluster():
    """Nothing is submitted to a cluster that is coming up."""
    cloud = Memory([ours("CREATING")])

    assert steps.run(cloud, LEASE, TASK, 1, 0).says == f"{LEASE.name} is CREATING"
    assert cloud.keys == []


def test_a_deletion_is_done_when_nothing_is_listed():
    """As long as a cluster of the run is listed, it is deleted again, even if a name exists twice."""
    cloud = Memory([ours(), ours(id="c2"), ours(id="c3", name="another", labels={})])
    assert steps.delete(cloud, LEASE).done is False
    assert cloud.deleted == ["c1", "c2"]

    assert steps.delete(Memory(), LEASE) == steps.Progress(done=True, says=f"{LEASE.name} is gone")


def test_a_sweep_tells_the_money_that_it_saves():
    """An hour after its lease, a cluster of 100 RUB an hour saves 73,000 RUB a month."""
    settings = CloudSettings(cluster_rub_an_hour=100, cluster_lease_seconds=500)
    cloud = Memory([ours(created_at=900), ours(id="c2", labels={"antifraud-deployment": "other"})])

    assert steps.sweep(cloud, settings, 1_000).done is True
    said = steps.sweep(cloud, settings, 4_600).says
    assert said == f"{LEASE.name}, 1.0 h after its lease: being deleted; saves 100 RUB an hour, 73,000 RUB a month"
    assert cloud.deleted == ["c1"]

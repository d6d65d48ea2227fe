"""The life of a cluster in small steps, each of which looks at the cloud and does what comes next.

No step waits, and none remembers anything: the state is in the cloud. So a step may be repeated by any process, after
any accident, until it is done.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from antifraud.compute.cloud import Cloud, Cluster, Operation
from antifraud.compute.errors import CloudError, ForeignCluster, JobFailed, LeaseOver, QuotaExceeded
from antifraud.compute.lease import OWNER, RUN, Lease, ends_at
from antifraud.settings.cloud import CloudSettings

RUNNING: Final = "RUNNING"
BROKEN: Final = frozenset({"ERROR", "STOPPING", "STOPPED"})
"""States of a cluster that does no more work, and is billed."""
DONE: Final = "DONE"
WAITING: Final = frozenset({"STATUS_UNSPECIFIED", "PROVISIONING", "PENDING", "RUNNING", "CANCELLING"})
"""States of a job that has not ended."""
HOURS_A_MONTH: Final = 730
HOUR_SECONDS: Final = 3_600


@dataclass(frozen=True, slots=True)
class Progress:
    """Whether a step's goal is reached, and what was found, in words."""

    done: bool
    says: str


@dataclass(frozen=True, slots=True)
class Task:
    """A Spark task of a run: its id in the DAG and the job with its arguments, none of them secret."""

    id: str
    command: Sequence[str]


def create(cloud: Cloud, lease: Lease, attempt: int, now: int) -> Progress:
    """Bring the run's cluster up: adopt what an earlier attempt has left, replace what is broken, or create it.

    `attempt` counts from 1; each attempt may replace one creation that failed.

    Raises:
        LeaseOver: The watchdog would delete the cluster, or a later lease of the run has one.
        ForeignCluster: A cluster of this name belongs to somebody else.
        CloudError: Every creation failed.
    """
    cluster = next(_of_run(cloud, lease), None)
    if cluster is None:
        return _begin(cloud, lease, attempt, now)
    if lease.is_before(cluster.labels):
        # The run was cleared while this attempt was on its way: the cluster belongs to its successor.
        raise LeaseOver(f"{lease.name} belongs to a later lease of this run: see the task's newest attempt")
    if not lease.holds(cluster.labels) or cluster.status in BROKEN:
        # An earlier lease of this run has ended, or half a creation failed: the name is free only after this cluster.
        return Progress(done=False, says=f"{lease.name} is of no use: {cloud.delete_cluster(cluster.id)}")
    return Progress(cluster.status == RUNNING, f"{lease.name} is {cluster.status}")


def _of_run(cloud: Cloud, lease: Lease) -> Iterator[Cluster]:
    """Yield the clusters of the run; there is at most one, unless the cloud allows for a name twice."""
    for cluster in cloud.clusters():
        if cluster.name == lease.name:
            if (cluster.labels.get(OWNER), cluster.labels.get(RUN)) != (lease.deployment, lease.digest):
                raise ForeignCluster(
                    f"the cluster {lease.name} has not the labels of this run: rename or delete it, or choose another "
                    "ANTIFRAUD_DEPLOYMENT"
                )
            yield cluster


def _begin(cloud: Cloud, lease: Lease, attempt: int, now: int) -> Progress:
    if now >= lease.until:
        raise LeaseOver(
            f"the lease of {lease.name} is over: clear the task `lease` for another, or raise "
            "ANTIFRAUD_CLUSTER_LEASE_SECONDS"
        )
    ended = Operation("", done=True)
    for number in range(attempt):
        # An earlier attempt's key comes first: its operation may be under way although its answer was lost.
        ended = cloud.create_cluster(lease.name, lease.labels, lease.key("cluster", number))
        if not ended.done or any(cluster.id == ended.subject for cluster in cloud.clusters()):
            return Progress(done=False, says=f"{lease.name} is being created")
    if ended.is_quota:
        raise QuotaExceeded(
            f"the cloud's quota has no room for {lease.name} ({ended.error}): delete other clusters, or ask for more"
        )
    raise CloudError(f"{lease.name} was created and is gone ({ended.error or 'no error'}): see the cloud's event log")


def run(cloud: Cloud, lease: Lease, task: Task, attempt: int, now: int) -> Progress:
    """Run a task's job on the run's cluster, which is created again if it is gone.

    A job of an earlier attempt is adopted while it runs, or if it ended well.

    Raises:
        JobFailed: The job of every attempt failed or was lost.
        CloudError: There is no cluster, as for `create`.
    """
    cluster_up = create(cloud, lease, attempt, now)
    if not cluster_up.done:
        return cluster_up
    cluster = next(_of_run(cloud, lease))
    status = ""
    for number in range(1, attempt + 1):
        name = f"{task.id.replace('_', '-')}-{number}"
        status = _status_of(cloud, lease, cluster.id, name, task.command)
        if status == DONE or status in WAITING:
            return Progress(status == DONE, f"job {name} on {lease.name} is {status}")
    raise JobFailed(
        f"the job of {task.id} on {lease.name} ended as {status}: read its log in the cluster's log group, then clear "
        "the task"
    )


def _status_of(cloud: Cloud, lease: Lease, cluster: str, name: str, command: Sequence[str]) -> str:
    """Return the status of a job, which is submitted first if the cluster does not list it."""
    known = next((job for job in cloud.jobs(cluster) if job.name == name), None)
    if known is None:
        submitted = cloud.create_job(cluster, name, command, lease.key(cluster, name))
        known = cloud.job(cluster, submitted.subject)
    return known.status if known else "LOST"


def delete(cloud: Cloud, lease: Lease) -> Progress:
    """Delete the run's cluster, whatever its state; one that is gone already is a success."""
    left = list(_of_run(cloud, lease))
    says = [f"{lease.name}: {cloud.delete_cluster(cluster.id)}" for cluster in left]
    return Progress(not left, "; ".join(says) or f"{lease.name} is gone")


def sweep(cloud: Cloud, settings: CloudSettings, now: int) -> Progress:
    """Delete the deployment's clusters that outlived their lease, and tell what that saves."""
    ours = [cluster for cluster in cloud.clusters() if cluster.labels.get(OWNER) == settings.deployment]
    over = [
        (cluster, now - end) for cluster in ours if (end := ends_at(cluster.labels, cluster.created_at, settings)) < now
    ]
    says = [_swept(cloud, settings, cluster, seconds) for cluster, seconds in over]
    return Progress(not over, "; ".join(says) or f"{len(ours)} clusters, none of them after its lease")


def _swept(cloud: Cloud, settings: CloudSettings, cluster: Cluster, seconds: int) -> str:
    price = settings.cluster_rub_an_hour
    return (
        f"{cluster.name}, {seconds / HOUR_SECONDS:.1f} h after its lease: {cloud.delete_cluster(cluster.id)}; saves "
        f"{price:,} RUB an hour, {price * HOURS_A_MONTH:,} RUB a month"
    )

"""Thirty nights with what goes wrong in each: faults of the cloud, and tasks that are killed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scenario:
    """Faults as `tests.cloud.cloud.Double.plan` takes them, and kills: a task, and the call after which it dies."""

    name: str
    faults: tuple[str, ...] = ()
    kills: tuple[tuple[str, str], ...] = ()


def _killed(task: str, call: str, times: int = 1) -> Scenario:
    return Scenario(f"{task} killed at {call or 'its start'}, {times}x", kills=((task, call),) * times)


def _faulty(*faults: str) -> Scenario:
    return Scenario(", ".join(faults), faults)


SCENARIOS = (
    Scenario("nothing"),
    _faulty("create_cluster half"),
    _faulty("create_cluster half_running"),
    _faulty("create_cluster lost"),
    _faulty("create_cluster quota"),
    _faulty("create_cluster quota_later"),
    _faulty("create_cluster silent 4"),
    _faulty("list_clusters silent 4"),
    _faulty("list_clusters slow"),
    _faulty("create_job job_lost"),
    _faulty("create_job job_fails"),
    _faulty("create_job lost"),
    _faulty("delete_cluster refused 2"),
    _faulty("delete_cluster fails 2"),
    _faulty("delete_cluster gone"),
    _faulty("delete_cluster lost"),
    _killed("lease", ""),
    _killed("create_cluster", "list_clusters"),
    _killed("create_cluster", "create_cluster"),
    _killed("ingest", ""),
    _killed("ingest", "create_job"),
    _killed("features", "list_jobs"),
    _killed("features", "create_job"),
    _killed("delete_cluster", "list_clusters"),
    _killed("delete_cluster", "delete_cluster"),
    # Every attempt of the deletion dies before it does anything, so the cluster is the watchdog's.
    _killed("delete_cluster", "", 6),
    Scenario("create_cluster half, killed at it", ("create_cluster half",), (("create_cluster", "create_cluster"),)),
    # More often than there are attempts: the run fails, and a person clears it.
    _faulty("create_cluster quota 12"),
    _faulty("create_job job_lost 3"),
    _faulty("create_cluster half", "create_job job_lost", "delete_cluster refused 2"),
)
"""One for each night of a month."""

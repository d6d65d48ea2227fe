"""The port to a cloud: what the steps of a cluster's life need of it, whatever its API is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster as the cloud lists it; `status` is the cloud's own word."""

    id: str
    name: str
    labels: Mapping[str, str]
    status: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Job:
    """A job as its cluster lists it; `status` is the cloud's own word."""

    id: str
    name: str
    status: str


@dataclass(frozen=True, slots=True)
class Operation:
    """The state of a call that takes long; `subject` is the id of the cluster or job that it is about."""

    subject: str
    done: bool
    error: str = ""
    is_quota: bool = False


class Cloud(Protocol):
    """A cloud with clusters that run Spark jobs. A call raises a `CloudError` if it was refused or not answered."""

    def clusters(self) -> Sequence[Cluster]:
        """Return all clusters of the folder."""

    def create_cluster(self, name: str, labels: Mapping[str, str], key: str) -> Operation:
        """Create a cluster; a repetition with the same key returns the same operation."""

    def delete_cluster(self, cluster: str) -> str:
        """Delete a cluster, and return in words what the cloud said; a refusal for the moment is no error."""

    def jobs(self, cluster: str) -> Sequence[Job]:
        """Return the jobs of a cluster."""

    def create_job(self, cluster: str, name: str, command: Sequence[str], key: str) -> Operation:
        """Submit a job; a repetition with the same key returns the same operation."""

    def job(self, cluster: str, job: str) -> Job | None:
        """Return a job; None if the cloud does not know it."""

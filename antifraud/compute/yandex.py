"""The cloud's API over gRPC, for both services that run Spark; the only module that imports the cloud's SDK."""

import json
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any, Final, NamedTuple

import grpc
from google.protobuf.json_format import ParseDict
from google.rpc import code_pb2
from yandexcloud import SDK

from antifraud.compute import dataproc, managed_spark
from antifraud.compute.cloud import Cluster, Job, Operation
from antifraud.compute.errors import CloudError, CloudSilent
from antifraud.errors import SettingsError
from antifraud.settings.cloud import CloudSettings

ATTEMPTS: Final = 3
PAUSE_SECONDS: Final = 1.0
PAGE: Final = 100
SILENT: Final = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})
"""Codes of calls that the cloud may or may not have heard. All of ours can be repeated."""
NO_TOKEN: Final = "metadata from plugin failed"  # noqa: S105 - words of an error
"""Words of gRPC in the answer to a call for which the SDK got no token."""
NOT_NOW: Final = frozenset({grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.ABORTED})
"""Codes of a deletion that is under way, or must wait for another operation."""


class Service(NamedTuple):
    """The modules of one service: bodies of ours, messages and stubs of the SDK."""

    bodies: ModuleType
    cluster: ModuleType
    clusters: ModuleType
    clusters_grpc: ModuleType
    job: ModuleType
    jobs: ModuleType
    jobs_grpc: ModuleType


def service(package: str, bodies: ModuleType) -> Service:
    """Return the modules of the service in a package of the SDK."""
    of_clusters = ["cluster_pb2", "cluster_service_pb2", "cluster_service_pb2_grpc"]
    names = of_clusters + [name.replace("cluster", "job") for name in of_clusters]
    return Service(bodies, *(import_module(f"yandex.cloud.{package}.v1.{name}") for name in names))


SERVICES: Final = {"dataproc": service("dataproc", dataproc), "managed_spark": service("spark", managed_spark)}
"""Services by the compute target that uses them."""


class YandexCloud:
    """The clusters and jobs of one folder, in the service that the settings choose."""

    def __init__(self, settings: CloudSettings) -> None:
        if settings.compute_target not in SERVICES:
            raise SettingsError(f"the compute target {settings.compute_target} has no clusters in the cloud")
        self._settings, self._service = settings, SERVICES[settings.compute_target]
        sdk = _sdk(settings)
        try:  # The first client asks for the addresses of the services.
            self._clusters = sdk.client(self._service.clusters_grpc.ClusterServiceStub)
            self._jobs = sdk.client(self._service.jobs_grpc.JobServiceStub)
        except grpc.RpcError as error:
            raise _trouble(error) from None

    def clusters(self) -> Sequence[Cluster]:
        """Return all clusters of the folder."""
        statuses, request = self._service.cluster.Cluster.Status, self._service.clusters.ListClustersRequest
        pages = self._pages(self._clusters.List, request(folder_id=self._settings.cloud_folder, page_size=PAGE))
        return [
            Cluster(each.id, each.name, dict(each.labels), statuses.Name(each.status), each.created_at.seconds)
            for page in pages
            for each in page.clusters
        ]

    def create_cluster(self, name: str, labels: Mapping[str, str], key: str) -> Operation:
        """Create a cluster; a repetition with the same key returns the same operation."""
        body = self._service.bodies.cluster_body(self._settings, name, labels)
        request = ParseDict(body, self._service.clusters.CreateClusterRequest())
        try:
            answer = self._call(self._clusters.Create, request, key)
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.ALREADY_EXISTS:
                return Operation("", done=False)  # the next look lists it
            if error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED:
                return Operation("", done=True, error=error.details(), is_quota=True)
            raise _trouble(error) from None
        return _operation(answer, self._service.clusters.CreateClusterMetadata(), "cluster_id")

    def delete_cluster(self, cluster: str) -> str:
        """Delete a cluster, and return in words what the cloud said; one that is gone already is a success."""
        try:
            self._call(self._clusters.Delete, self._service.clusters.DeleteClusterRequest(cluster_id=cluster))
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.NOT_FOUND:
                return "gone already"
            if error.code() in NOT_NOW:
                return f"not yet ({error.details()})"
            raise _trouble(error) from None
        return "being deleted"

    def jobs(self, cluster: str) -> Sequence[Job]:
        """Return the jobs of a cluster."""
        request = self._service.jobs.ListJobsRequest(cluster_id=cluster, page_size=PAGE)
        return [self._job(each) for page in self._pages(self._jobs.List, request) for each in page.jobs]

    def create_job(self, cluster: str, name: str, command: Sequence[str], key: str) -> Operation:
        """Submit a job; a repetition with the same key returns the same operation."""
        body = self._service.bodies.job_body(self._settings, cluster, name, command)
        request = ParseDict(body, self._service.jobs.CreateJobRequest())
        answer = self._told(self._jobs.Create, request, key)
        return _operation(answer, self._service.jobs.CreateJobMetadata(), "job_id")

    def job(self, cluster: str, job: str) -> Job | None:
        """Return a job; None if the cloud does not know it."""
        try:
            return self._job(
                self._call(self._jobs.Get, self._service.jobs.GetJobRequest(cluster_id=cluster, job_id=job))
            )
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.NOT_FOUND:
                return None
            raise _trouble(error) from None

    def _job(self, found: Any) -> Job:
        return Job(found.id, found.name, self._service.job.Job.Status.Name(found.status))

    def _pages(self, method: Any, request: Any) -> Sequence[Any]:
        pages = [self._told(method, request)]
        while pages[-1].next_page_token:
            request.page_token = pages[-1].next_page_token
            pages.append(self._told(method, request))
        return pages

    def _told(self, method: Any, request: Any, key: str = "") -> Any:
        try:
            return self._call(method, request, key)
        except grpc.RpcError as error:
            raise _trouble(error) from None

    def _call(self, method: Any, request: Any, key: str = "") -> Any:
        """Call the API, and again if no answer came: the key or the id in the request makes a repetition harmless."""
        metadata = (("idempotency-key", key),) if key else ()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return method(request, timeout=self._settings.cloud_timeout_seconds, metadata=metadata)
            except grpc.RpcError as error:
                if error.code() not in SILENT or attempt == ATTEMPTS:
                    raise
            time.sleep(PAUSE_SECONDS * attempt)
        return None


class _Timeout:
    """A time limit of every call, also of the SDK's own. The SDK accepts it in place of a policy of retries."""

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds

    def to_json(self) -> str:
        """Return the configuration of gRPC's channels."""
        return json.dumps({"methodConfig": [{"name": [{}], "timeout": f"{self._seconds}s"}]})


def _sdk(settings: CloudSettings) -> SDK:
    key, roots = settings.cloud_key, settings.cloud_roots
    try:
        return SDK(
            endpoint=settings.cloud_endpoint,
            service_account_key=json.loads(key.read_text()) if key else None,
            root_certificates=roots.read_bytes() if roots else None,
            retry_policy=_Timeout(settings.cloud_timeout_seconds),
        )
    except (OSError, ValueError, RuntimeError) as error:
        # The text of another error could quote the key.
        why = error.strerror if isinstance(error, OSError) else "malformed"
        raise SettingsError(
            f"ANTIFRAUD_CLOUD_KEY or ANTIFRAUD_CLOUD_ROOTS cannot be used ({why}): name an authorized key, as "
            "`yc iam key create` writes it, and certificates in PEM"
        ) from None


def _operation(answer: Any, metadata: Any, subject: str) -> Operation:
    answer.metadata.Unpack(metadata)
    error = answer.error.message if answer.HasField("error") else ""
    is_quota = answer.error.code == code_pb2.RESOURCE_EXHAUSTED
    return Operation(getattr(metadata, subject), answer.done, error, is_quota)


def _trouble(error: grpc.RpcError) -> CloudError:
    """Return the expected failure that an answer of the API stands for."""
    code = error.code()
    if NO_TOKEN in (error.details() or ""):
        return CloudSilent(
            "no token came for the account that calls the cloud: see that the API can be reached, and that "
            "ANTIFRAUD_CLOUD_KEY is valid"
        )
    if code in SILENT:
        return CloudSilent(f"the cloud's API did not answer ({code.name}): see that it can be reached from this host")
    return CloudError(f"the cloud refused a call ({code.name}: {error.details()}): correct settings or rights")

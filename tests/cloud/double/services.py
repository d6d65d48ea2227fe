"""The services of the double: addresses, tokens, operations, and clusters and jobs of both services that run Spark."""

import time
import uuid

import grpc
import jwt
from google.protobuf import empty_pb2
from google.protobuf.json_format import MessageToDict
from google.rpc import code_pb2
from yandex.cloud.endpoint import api_endpoint_pb2, api_endpoint_service_pb2, api_endpoint_service_pb2_grpc
from yandex.cloud.iam.v1 import iam_token_service_pb2, iam_token_service_pb2_grpc
from yandex.cloud.operation import operation_pb2, operation_service_pb2_grpc

from antifraud.compute.yandex import SERVICES
from tests.cloud.double.certificates import PUBLIC
from tests.cloud.double.guarding import TOKEN, faults_of
from tests.cloud.double.running import start_runner

ENDPOINTS = ("iam", "dataproc", "managed-spark", "operation")
CODES = grpc.StatusCode


def add_services(server, world, address):
    """Add all services to the server."""
    api_endpoint_service_pb2_grpc.add_ApiEndpointServiceServicer_to_server(Endpoints(world, address), server)
    iam_token_service_pb2_grpc.add_IamTokenServiceServicer_to_server(Tokens(world), server)
    operation_service_pb2_grpc.add_OperationServiceServicer_to_server(Operations(world), server)
    for target, service in SERVICES.items():
        service.clusters_grpc.add_ClusterServiceServicer_to_server(
            _served(Clusters, service.clusters_grpc.ClusterServiceServicer)(world, target), server
        )
        service.jobs_grpc.add_JobServiceServicer_to_server(
            _served(Jobs, service.jobs_grpc.JobServiceServicer)(world, target), server
        )


def _served(kind, servicer):
    """Return a class that serves our methods, and answers to all others of the service that they are not there."""
    return type(kind.__name__, (kind, servicer), {})


class Endpoints(api_endpoint_service_pb2_grpc.ApiEndpointServiceServicer):
    """The addresses of the services: all at this server."""

    def __init__(self, world, address):
        self.world, self.address = world, address

    def List(self, _request, context):  # noqa: N802 - the protocol's name
        """Return all addresses."""
        with self.world.opened():
            refuse(self.world, context, "list_endpoints")
        found = [api_endpoint_pb2.ApiEndpoint(id=name, address=self.address) for name in ENDPOINTS]
        return api_endpoint_service_pb2.ListApiEndpointsResponse(endpoints=found)


class Tokens(iam_token_service_pb2_grpc.IamTokenServiceServicer):
    """Tokens for whoever signs with the account's key."""

    def __init__(self, world):
        self.world, self.public = world, (world.folder / PUBLIC).read_text()

    def Create(self, request, context):  # noqa: N802 - the protocol's name
        """Return a token, if the signature is the account's."""
        with self.world.opened():
            refuse(self.world, context, "create_token")
        try:
            jwt.decode(request.jwt, self.public, ["PS256"], options={"verify_aud": False})
        except jwt.InvalidTokenError as error:
            context.abort(CODES.UNAUTHENTICATED, f"the signature is invalid: {error}")
        return iam_token_service_pb2.CreateIamTokenResponse(iam_token=TOKEN)


class Operations(operation_service_pb2_grpc.OperationServiceServicer):
    """Operations by their id."""

    def __init__(self, world):
        self.world = world

    def Get(self, request, context):  # noqa: N802 - the protocol's name
        """Return an operation."""
        with self.world.opened() as state:
            if request.operation_id not in state["operations"]:
                context.abort(CODES.NOT_FOUND, "no such operation")
            return operation_message(state, request.operation_id)


def operation_message(state, id_):
    """Return the message of an operation, with what it is about, and what came of it when it is done."""
    known = state["operations"][id_]
    service, subject = SERVICES[known["target"]], known["subject"]
    message = operation_pb2.Operation(id=id_, done=known["done"])
    if known["kind"] == "job":
        message.metadata.Pack(service.jobs.CreateJobMetadata(cluster_id=known["cluster"], job_id=subject))
    elif known["kind"] == "create":
        message.metadata.Pack(service.clusters.CreateClusterMetadata(cluster_id=subject))
    else:
        message.metadata.Pack(service.clusters.DeleteClusterMetadata(cluster_id=subject))
    if known["done"] and "error" in known:
        message.error.code, message.error.message = known.get("code", code_pb2.INTERNAL), known["error"]
    elif known["done"]:
        message.response.Pack(_result(state, known, service))
    return message


def _result(state, known, service):
    if known["kind"] == "create":
        return cluster_message(service, known["subject"], state["clusters"][known["subject"]])
    if known["kind"] == "job" and known["subject"] in state["jobs"]:
        return job_message(service, known["subject"], state["jobs"][known["subject"]])
    return empty_pb2.Empty()


def cluster_message(service, id_, known):
    """Return the message of a cluster."""
    status = service.cluster.Cluster.Status.Value(known["status"])
    message = service.cluster.Cluster(id=id_, name=known["name"], labels=known["labels"], status=status)
    message.created_at.seconds = int(known["created"])
    return message


def job_message(service, id_, known):
    """Return the message of a job."""
    status = service.job.Job.Status.Value(known["status"])
    return service.job.Job(id=id_, cluster_id=known["cluster"], name=known["name"], status=status)


class Clusters:
    """The clusters of one service."""

    def __init__(self, world, target):
        self.world, self.target, self.service = world, target, SERVICES[target]

    def List(self, request, context):  # noqa: N802 - the protocol's name
        """Return one page of the clusters that exist."""
        with self.world.opened() as state:
            refuse(self.world, context, "list_clusters")
            alive = [(id_, each) for id_, each in sorted(state["clusters"].items()) if self._shows(each, request)]
            start, size = int(request.page_token or 0), request.page_size or 100
            page = [cluster_message(self.service, id_, each) for id_, each in alive[start : start + size]]
            token = str(start + size) if start + size < len(alive) else ""
            return self.service.clusters.ListClustersResponse(clusters=page, next_page_token=token)

    def Create(self, request, context):  # noqa: N802 - the protocol's name
        """Create a cluster, or return the operation of an earlier call with the same key."""
        key = dict(context.invocation_metadata()).get("idempotency-key", "")
        if found := list(faults_of(request)):
            context.abort(CODES.INVALID_ARGUMENT, "; ".join(found))
        with self.world.opened() as state:
            if key in state["keys"]:
                return operation_message(state, state["keys"][key])
            fault = refuse(self.world, context, "create_cluster")
            if any(each["name"] == request.name for each in state["clusters"].values() if each["gone"] is None):
                context.abort(CODES.ALREADY_EXISTS, "a cluster of this name exists")
            operation = self._create(state, request, key, fault)
            if fault == "lost":
                context.abort(CODES.UNAVAILABLE, "connection reset")
            return operation_message(state, operation)

    def _create(self, state, request, key, fault):
        seconds = self.world.rates["create"]
        if fault == "quota_later":
            more = {"error": "quota exceeded", "code": code_pb2.RESOURCE_EXHAUSTED, "target": self.target}
            return self.world.begin("create", "none", seconds, key, **more)
        id_ = f"c{uuid.uuid4().hex[:10]}"
        state["clusters"][id_] = {
            "name": request.name,
            "labels": dict(request.labels),
            "status": "CREATING",
            "created": self.world.now(),
            "gone": None,
            "target": self.target,
            "folder": request.folder_id,
        }
        half = {"half": "ERROR", "half_running": "RUNNING"}
        more = {"error": "internal error", "leaves": half[fault]} if fault in half else {}
        return self.world.begin("create", id_, seconds, key, target=self.target, **more)

    def Delete(self, request, context):  # noqa: N802 - the protocol's name
        """Delete a cluster."""
        with self.world.opened() as state:
            cluster = state["clusters"].get(request.cluster_id)
            if cluster is None or cluster["gone"] is not None:
                context.abort(CODES.NOT_FOUND, "no such cluster")
            fault = refuse(self.world, context, "delete_cluster")
            if fault == "refused" or any(
                not each["done"] and each["subject"] == request.cluster_id and each["kind"] != "job"
                for each in state["operations"].values()
            ):
                context.abort(CODES.FAILED_PRECONDITION, "another operation is in progress")
            if fault == "gone":
                cluster["gone"] = self.world.now()
                context.abort(CODES.NOT_FOUND, "no such cluster")
            more = {"error": "internal error"} if fault == "fails" else {}
            id_ = self.world.begin("delete", request.cluster_id, self.world.rates["delete"], target=self.target, **more)
            if fault == "lost":
                context.abort(CODES.UNAVAILABLE, "connection reset")
            return operation_message(state, id_)

    def _shows(self, cluster, request):
        ours = (cluster["target"], cluster["folder"]) == (self.target, request.folder_id)
        return ours and cluster["gone"] is None


class Jobs:
    """The jobs of one service."""

    def __init__(self, world, target):
        self.world, self.target, self.service = world, target, SERVICES[target]

    def List(self, request, context):  # noqa: N802 - the protocol's name
        """Return the jobs of a cluster."""
        with self.world.opened() as state:
            refuse(self.world, context, "list_jobs")
            jobs = [
                job_message(self.service, id_, job)
                for id_, job in state["jobs"].items()
                if job["cluster"] == request.cluster_id
            ]
            return self.service.jobs.ListJobsResponse(jobs=jobs)

    def Get(self, request, context):  # noqa: N802 - the protocol's name
        """Return a job."""
        with self.world.opened() as state:
            if request.job_id not in state["jobs"]:
                context.abort(CODES.NOT_FOUND, "no such job")
            return job_message(self.service, request.job_id, state["jobs"][request.job_id])

    def Create(self, request, context):  # noqa: N802 - the protocol's name
        """Submit a job, or return the operation of an earlier call with the same key."""
        key = dict(context.invocation_metadata()).get("idempotency-key", "")
        if found := list(faults_of(request)):
            context.abort(CODES.INVALID_ARGUMENT, "; ".join(found))
        with self.world.opened() as state:
            operation = state["keys"].get(key)
            if operation is None:
                fault = refuse(self.world, context, "create_job")
                cluster = state["clusters"].get(request.cluster_id)
                if cluster is None or cluster["gone"] is not None or cluster["status"] != "RUNNING":
                    context.abort(CODES.FAILED_PRECONDITION, "the cluster is not running")
                operation = self._submit(state, request, key, fault)
                if fault == "lost":
                    context.abort(CODES.UNAVAILABLE, "connection reset")
            return operation_message(state, operation)

    def _submit(self, state, request, key, fault):
        id_ = f"j{uuid.uuid4().hex[:10]}"
        job = MessageToDict(request.pyspark_job)
        if fault != "job_lost":
            known = {"cluster": request.cluster_id, "name": request.name, "status": "RUNNING", "job": job}
            state["jobs"][id_] = known
        about = {"target": self.target, "cluster": request.cluster_id}
        if runner := self.world.rates["runner"]:
            start_runner(self.world, runner, id_)
            return self.world.begin("job", id_, 10 * 365 * 86_400, key, **about)
        leaves = "ERROR" if fault == "job_fails" else "DONE"
        return self.world.begin("job", id_, self.world.rates["job"], key, leaves=leaves, **about)


def refuse(world, context, call):
    """Return the planned fault of a call; abort here if the call is not answered, slow or beyond the quota."""
    fault = world.fault(call)
    if fault == "silent":
        context.abort(CODES.UNAVAILABLE, "connection refused")
    if fault == "quota":
        context.abort(CODES.RESOURCE_EXHAUSTED, "quota exceeded")
    if fault == "forbidden":
        context.abort(CODES.PERMISSION_DENIED, "permission denied")
    if fault == "slow":
        time.sleep(2)
    return fault

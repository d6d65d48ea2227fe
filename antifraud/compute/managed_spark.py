"""The compute target Managed Service for Apache Spark: bodies of its requests, as JSON of its protocol's messages."""

from collections.abc import Mapping, Sequence
from typing import Any

from antifraud.compute.dataproc import pyspark_job
from antifraud.settings.cloud import CloudSettings, names_in


def cluster_body(settings: CloudSettings, name: str, labels: Mapping[str, str]) -> dict[str, Any]:
    """Return the request for a cluster of Spark 3.5 with one driver and a fixed number of workers."""
    place = (
        {"logGroupId": settings.cluster_log_group}
        if settings.cluster_log_group
        else {"folderId": settings.cloud_folder}
    )
    return {
        "folderId": settings.cloud_folder,
        "name": name,
        "labels": dict(labels),
        "serviceAccountId": settings.cluster_account,
        "network": {
            "subnetIds": names_in(settings.cluster_subnets),
            "securityGroupIds": names_in(settings.cluster_security_groups),
        },
        "config": {
            "sparkVersion": settings.spark_version,
            "resourcePools": {
                "driver": _pool(settings.cluster_driver_preset, 1),
                "executor": _pool(settings.cluster_worker_preset, settings.cluster_workers),
            },
        },
        "logging": {"enabled": True, **place},
    }


def _pool(preset: str, size: int) -> dict[str, Any]:
    return {"resourcePresetId": preset, "scalePolicy": {"fixedScale": {"size": size}}}


def job_body(settings: CloudSettings, cluster: str, name: str, command: Sequence[str]) -> dict[str, Any]:
    """Return the request for a job; its command is a job's name and arguments, which everyone may see."""
    job = pyspark_job(settings.code, command)
    # This service runs Spark on Kubernetes, where nobody reads settings of YARN.
    properties = {key: value for key, value in job["properties"].items() if ".yarn." not in key}
    return {"clusterId": cluster, "name": name, "pysparkJob": {**job, "properties": properties}}

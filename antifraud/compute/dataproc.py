"""The compute target Yandex Data Processing: bodies of its requests, as JSON of its protocol's messages."""

from collections.abc import Mapping, Sequence
from typing import Any

from antifraud.settings.cloud import CloudSettings, names_in


def cluster_body(settings: CloudSettings, name: str, labels: Mapping[str, str]) -> dict[str, Any]:
    """Return the request for a cluster of one driver host and the workers, without HDFS and public addresses."""
    return {
        "folderId": settings.cloud_folder,
        "name": name,
        "labels": dict(labels),
        "zoneId": settings.cloud_zone,
        "bucket": settings.cluster_bucket,
        "serviceAccountId": settings.cluster_account,
        "securityGroupIds": names_in(settings.cluster_security_groups),
        "logGroupId": settings.cluster_log_group,
        "configSpec": {
            "versionId": settings.dataproc_image,
            # The operating system's login of the cloud, instead of keys of persons.
            "hadoop": {"services": ["YARN", "SPARK"], "osloginEnabled": True},
            "subclustersSpec": [
                _hosts(settings, "driver", "MASTERNODE", settings.cluster_driver_preset, 1),
                _hosts(settings, "workers", "COMPUTENODE", settings.cluster_worker_preset, settings.cluster_workers),
            ],
        },
    }


def _hosts(settings: CloudSettings, name: str, role: str, preset: str, count: int) -> dict[str, Any]:
    return {
        "name": name,
        "role": role,
        "subnetId": names_in(settings.cluster_subnets)[0],
        "hostsCount": count,
        "resources": {
            "resourcePresetId": preset,
            "diskTypeId": "network-ssd",
            "diskSize": settings.cluster_disk_gb << 30,
        },
    }


def job_body(settings: CloudSettings, cluster: str, name: str, command: Sequence[str]) -> dict[str, Any]:
    """Return the request for a job; its command is a job's name and arguments, which everyone may see."""
    return {"clusterId": cluster, "name": name, "pysparkJob": pyspark_job(settings.code, command)}


def pyspark_job(code: str, command: Sequence[str]) -> dict[str, Any]:
    """Return what runs: the entry point, the project's zip, and the archive of the Python environment with its jars."""
    python = "environment/bin/python"
    return {
        "mainPythonFileUri": f"{code}/on_cluster.py",
        "args": list(command),
        "pythonFileUris": [f"{code}/antifraud.zip"],
        "fileUris": [f"{code}/cluster.json"],
        "archiveUris": [f"{code}/environment.tar.gz#environment"],
        "properties": {
            "spark.submit.deployMode": "cluster",
            "spark.pyspark.python": python,
            "spark.yarn.appMasterEnv.PYSPARK_PYTHON": python,
            "spark.executorEnv.PYSPARK_PYTHON": python,
            # A second attempt would repeat a failure; Airflow decides about that.
            "spark.yarn.maxAppAttempts": "1",
        },
    }

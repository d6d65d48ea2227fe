"""The requests for clusters and jobs hold what the settings say, and no secret."""

import json

import pytest

from antifraud.compute import dataproc, managed_spark
from antifraud.settings.cloud import CloudSettings

SETTINGS = CloudSettings(
    compute_target="dataproc",
    cloud_folder="b1g",
    cluster_subnets="e9b, e2l",
    cluster_security_groups="enp",
    cluster_account="aje",
    cluster_bucket="jobs",
    cluster_workers=3,
)
LABELS = {"antifraud-run": "0123456789"}
COMMAND = ["day", "--from", "2026-02-03"]


def test_a_data_processing_cluster_has_a_driver_and_workers_without_public_addresses():
    """One host for the driver, three workers that store nothing, all in the first subnet."""
    body = dataproc.cluster_body(SETTINGS, "antifraud-x", LABELS)
    driver, workers = body["configSpec"]["subclustersSpec"]

    assert (body["name"], body["labels"], body["zoneId"]) == ("antifraud-x", LABELS, "ru-central1-a")
    assert (driver["role"], driver["hostsCount"], driver["subnetId"]) == ("MASTERNODE", 1, "e9b")
    assert (workers["role"], workers["hostsCount"], workers["resources"]["diskSize"]) == (
        "COMPUTENODE",
        3,
        107_374_182_400,
    )
    assert "assignPublicIp" not in driver | workers
    assert body["configSpec"]["hadoop"] == {"services": ["YARN", "SPARK"], "osloginEnabled": True}


@pytest.mark.parametrize(("group", "place"), [("", {"folderId": "b1g"}), ("e23", {"logGroupId": "e23"})])
def test_a_managed_cluster_names_its_spark_and_its_log(group, place):
    """Spark 3.5.7, three workers, both subnets, and the log in the named group or in the folder's."""
    import dataclasses

    body = managed_spark.cluster_body(dataclasses.replace(SETTINGS, cluster_log_group=group), "antifraud-x", LABELS)

    assert body["config"]["sparkVersion"] == "3.5.7"
    assert body["config"]["resourcePools"]["executor"]["scalePolicy"] == {"fixedScale": {"size": 3}}
    assert body["network"] == {"subnetIds": ["e9b", "e2l"], "securityGroupIds": ["enp"]}
    assert body["logging"] == {"enabled": True, **place}


@pytest.mark.parametrize("target", [dataproc, managed_spark])
def test_a_job_is_code_of_the_bucket_with_the_command_as_arguments(target):
    """Entry point, zip, environment and settings come from the bucket's folder of code."""
    body = target.job_body(SETTINGS, "c1", "ingest-1", COMMAND)
    job = body["pysparkJob"]

    assert (body["clusterId"], body["name"], job["args"]) == ("c1", "ingest-1", COMMAND)
    assert job["mainPythonFileUri"] == "s3a://jobs/code/on_cluster.py"
    assert job["pythonFileUris"] == ["s3a://jobs/code/antifraud.zip"]
    assert job["archiveUris"] == ["s3a://jobs/code/environment.tar.gz#environment"]
    assert job["fileUris"] == ["s3a://jobs/code/cluster.json"]
    assert not any(word in json.dumps(body).lower() for word in ("password", "secret", "token", "keyring"))


def test_settings_of_yarn_are_only_for_the_service_that_has_it():
    """The managed service runs Spark on Kubernetes, so no property of its jobs names YARN."""
    properties = managed_spark.job_body(SETTINGS, "c1", "ingest-1", COMMAND)["pysparkJob"]["properties"]

    assert properties["spark.pyspark.python"] == "environment/bin/python"
    assert not any("yarn" in name for name in properties)

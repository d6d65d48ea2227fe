"""Settings of the compute target: where Spark jobs run, and what a cluster in the cloud is made of."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from antifraud.errors import SettingsError
from antifraud.settings.core import PREFIX, Settings
from antifraud.settings.ranges import MOST_SECONDS, Range

Target = Literal["local", "standalone", "dataproc", "managed_spark"]
CLOUD_TARGETS: Final[tuple[Target, ...]] = ("dataproc", "managed_spark")
"""Targets with a cluster of each DAG run's own."""
NEEDED: Final = ("cloud_folder", "cluster_subnets", "cluster_account", "cluster_bucket")
"""Fields without a default that a cluster in the cloud needs."""
DEPLOYMENT: Final = re.compile(r"[a-z][a-z0-9-]{0,19}")
"""Texts that both a label and the name of a cluster can hold."""
MOST_HOSTS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudSettings(Settings):
    """Settings of whatever starts, uses or deletes clusters: DAGs, and the process that calls the cloud."""

    compute_target: Target = "local"
    """Where Spark jobs run: on this host, on a standalone cluster, or on a cloud cluster of each run's own."""
    deployment: str = "prototype"
    """Name of this installation in names and labels of clusters; the watchdog deletes only clusters with this label."""
    cloud_endpoint: str = "api.cloud.yandex.net"
    """Address of the cloud's API, which tells the addresses of its services."""
    cloud_key: Path | None = None
    """Authorized key of the service account that starts clusters; not set: the account of this virtual machine."""
    cloud_roots: Path | None = None
    """Certificates of authorities that the API's certificate is checked with; not set: the usual ones."""
    cloud_python: Path = Path(".venv-cloud/bin/python")
    """Python with the cloud's SDK, which needs an older protobuf than MLflow; relative to the project."""
    cloud_timeout_seconds: Annotated[int, Range(1, 600)] = 30
    """An answer of the cloud's API has failed to come when it takes longer."""
    cloud_poll_seconds: Annotated[int, Range(1, 600)] = 30
    """Pause between two looks at a cluster or a job."""
    cloud_folder: str = ""
    """Id of the cloud folder that clusters are created in."""
    cloud_zone: str = "ru-central1-a"
    """Availability zone of a cluster's hosts."""
    cluster_subnets: str = ""
    """Ids of the cluster's subnets, with commas; Data Processing uses the first one."""
    cluster_security_groups: str = ""
    """Ids of the security groups of a cluster's hosts, with commas."""
    cluster_account: str = ""
    """Id of the service account that a cluster's hosts run as; it may read the jobs' secrets."""
    cluster_bucket: str = ""
    """Bucket of the jobs' code, environment and settings, below ``code/``, and of a cluster's own logs."""
    cluster_log_group: str = ""
    """Id of the log group that a cluster writes to; not set: that of the folder."""
    dataproc_image: str = "2.2"
    """Version of the Data Processing image; 2.2 has Spark 3.5."""
    spark_version: str = "3.5.7"
    """Version of Spark of a Managed Service for Apache Spark cluster."""
    cluster_driver_preset: str = "s3-c4-m16"
    cluster_worker_preset: str = "s3-c8-m32"
    """Computing resources of the host of drivers, and of each worker."""
    cluster_workers: Annotated[int, Range(1, MOST_HOSTS)] = 2
    """Hosts of executors."""
    cluster_disk_gb: Annotated[int, Range(20, 4_096)] = 100
    """Disk of each host of a Data Processing cluster, GB."""
    cluster_lease_seconds: Annotated[int, Range(1, MOST_SECONDS)] = 14_400
    """How long a run may have its cluster; the DAG `clusters` deletes what is older."""
    cluster_clocks_apart_seconds: Annotated[int, Range(0, 3_600)] = 300
    """Largest difference between the clocks of cloud and Airflow; a lease ends earlier by so much."""
    cluster_rub_an_hour: Annotated[int, Range(0, 1_000_000)] = 103
    """Price of a cluster, from docs/cost.md; the watchdog reports the money saved with it."""

    def __post_init__(self) -> None:
        """Refuse also a deployment that no label can hold, and a cloud target without what it needs.

        Raises:
            SettingsError: A number is outside its range, a text malformed or missing.
        """
        Settings.__post_init__(self)  # slots make a new class, which super() would not find
        if not DEPLOYMENT.fullmatch(self.deployment):
            raise SettingsError(
                f"{PREFIX}DEPLOYMENT is no name for labels: expected at most 20 lower-case letters, digits and hyphens"
            )
        missing = [f"{PREFIX}{name.upper()}" for name in NEEDED if not getattr(self, name)]
        if self.is_cloud and missing:
            raise SettingsError(
                f"the compute target {self.compute_target} needs {', '.join(missing)}: the outputs of "
                "infra/terraform have them"
            )
        if self.is_cloud and self.cluster_lease_seconds <= self.cluster_clocks_apart_seconds:
            raise SettingsError(
                f"a lease of {self.cluster_lease_seconds} s is over at once, because clocks may differ by "
                f"{self.cluster_clocks_apart_seconds} s: raise {PREFIX}CLUSTER_LEASE_SECONDS, or lower "
                f"{PREFIX}CLUSTER_CLOCKS_APART_SECONDS"
            )

    @property
    def is_cloud(self) -> bool:
        """Whether each run gets a cluster of its own, which costs money while it exists."""
        return self.compute_target in CLOUD_TARGETS

    @property
    def code(self) -> str:
        """Folder of the jobs' code, environment and settings in the bucket."""
        return f"s3a://{self.cluster_bucket}/code"


def names_in(text: str) -> list[str]:
    """Return the names in a text with commas.

    >>> names_in("a, b"), names_in("")
    (['a', 'b'], [])
    """
    return [name.strip() for name in text.split(",") if name.strip()]

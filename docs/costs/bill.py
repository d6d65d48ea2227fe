"""Work out the bill of a month: each line is a quantity and a price."""

import math
from typing import Any, Final, NamedTuple

from docs.costs.inputs import shape_of, sizes, table
from docs.costs.work import DAYS_A_MONTH, GET_OR_PUT, MILLION, SECONDS_A_DAY, night_of, scorer_cores, stored_gb

FREE_EGRESS_GB: Final = 100
BALANCER_ZONES: Final = 2
MEGABYTES_A_GB: Final = 1_000


class Line(NamedTuple):
    """A line of the bill.

    Attributes:
        part: What it pays for.
        price: Name of the price.
        quantity: How much of it, in the price's unit.
    """

    part: str
    price: str
    quantity: float

    @property
    def rub(self) -> float:
        """Return what the line costs."""
        return self.quantity * float(table()["prices"][self.price]["rub"])

    @property
    def is_found(self) -> bool:
        """Tell whether the price was found, or only assumed."""
        return bool(table()["prices"][self.price].get("found", True))


def bill_of(given: dict[str, dict[str, Any]], plan: dict[str, Any], month: float) -> list[Line]:
    """Return the lines of a month, counted from 1: what is stored grows with the months.

    Args:
        given: Sizes, as the Terraform file of an environment spells them.
        plan: Traffic and history.
        month: Number of the month.
    """
    return [
        *_hosts("Airflow host", 1, given["airflow"]),
        *_hosts("scorers", given["scorers"]["hosts"], given["scorers"]),
        *_managed("PostgreSQL", "postgres", given["database"]),
        *_managed("Valkey", "valkey", given["cache"]),
        *_network(plan["transactions_a_second"]),
        *_clusters(plan["transactions_a_second"], given["cluster"]),
        *_storage(plan["transactions_a_second"], plan["history_gb"], month),
        *_small(),
    ]


def grown(environment: str, factor: int) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Return sizes and plan of an environment at a multiple of its traffic: more scorers, and more workers a cluster.

    Workers are added until the lake's run takes no more than an hour.
    """
    given, plan = sizes(environment), table()["environments"][environment]
    plan = plan | {"transactions_a_second": plan["transactions_a_second"] * factor}
    hosts = math.ceil(scorer_cores(plan["transactions_a_second"]) / given["scorers"]["cores"])
    scorers = given["scorers"] | {"hosts": max(given["scorers"]["hosts"], hosts)}
    cluster = given["cluster"]
    while night_of(plan["transactions_a_second"], cluster).lake > 1:
        cluster = cluster | {"workers": cluster["workers"] + 1}
    return given | {"scorers": scorers, "cluster": cluster}, plan


def _hours() -> float:
    return float(table()["volumes"]["hours_a_month"])


def _hosts(part: str, count: int, size: dict[str, Any]) -> list[Line]:
    hours = _hours() * count
    return [
        Line(part, "vcpu_hour", hours * size["cores"]),
        Line(part, "ram_gb_hour", hours * size["memory_gb"]),
        Line(part, "ssd_gb_hour", hours * size["disk_gb"]),
    ]


def _managed(part: str, prices: str, size: dict[str, Any]) -> list[Line]:
    hours, shape = _hours() * size["hosts"], shape_of(size["preset"])
    return [
        Line(part, f"{prices}_vcpu_hour", hours * shape.cores),
        Line(part, f"{prices}_ram_gb_hour", hours * shape.memory_gb),
        Line(part, "managed_ssd_gb_hour", hours * size["disk_gb"]),
    ]


def _network(transactions_a_second: float) -> list[Line]:
    answers = transactions_a_second * SECONDS_A_DAY * DAYS_A_MONTH * table()["volumes"]["kilobytes_an_answer"] / MILLION
    return [
        Line("network", "balancer_unit_hour", _hours() * BALANCER_ZONES),
        Line("network", "nat_hour", _hours()),
        Line("network", "public_ip_hour", _hours()),
        Line("network", "egress_gb", max(0.0, answers - FREE_EGRESS_GB)),
    ]


def cluster_hour(cluster: dict[str, Any], target: str) -> list[Line]:
    """Return what a cluster costs in an hour, on one of the two targets in the cloud."""
    driver, worker = shape_of(cluster["driver_preset"]), shape_of(cluster["worker_preset"])
    cores = driver.cores + cluster["workers"] * worker.cores
    memory = driver.memory_gb + cluster["workers"] * worker.memory_gb
    part = "Spark clusters"
    if target == "managed_spark":
        return [Line(part, "spark_vcpu_hour", cores), Line(part, "spark_ram_gb_hour", memory)]
    return [
        Line(part, "vcpu_hour", cores),
        Line(part, "ram_gb_hour", memory),
        Line(part, "dataproc_vcpu_hour", cores),
        Line(part, "ssd_gb_hour", cluster["disk_gb"] * (1 + cluster["workers"])),
    ]


def cluster_hours(transactions_a_second: float, cluster: dict[str, Any]) -> float:
    """Return the hours of clusters that a month is billed for."""
    nights = night_of(transactions_a_second, cluster).billed * table()["volumes"]["nights_a_month"]
    return float(nights + table()["assumed"]["maintenance_hours_a_month"])


def _clusters(transactions_a_second: float, cluster: dict[str, Any]) -> list[Line]:
    hours = cluster_hours(transactions_a_second, cluster)
    return [Line(line.part, line.price, line.quantity * hours) for line in cluster_hour(cluster, "managed_spark")]


def _storage(transactions_a_second: float, history_gb: float, month: float) -> list[Line]:
    stored = stored_gb(transactions_a_second, history_gb, month)
    grown = sum(stored.values()) - sum(stored_gb(transactions_a_second, history_gb, month - 1).values())
    volumes = table()["volumes"]
    requests = grown * MEGABYTES_A_GB / volumes["megabytes_a_request"]
    return [
        Line("Object Storage", "storage_gb_hour", _hours() * (sum(stored.values()) + volumes["registry_gb"])),
        Line("Object Storage", "storage_put_10k", requests / GET_OR_PUT),
        Line("Object Storage", "storage_get_10k", requests * volumes["reads_of_a_byte"] / GET_OR_PUT),
    ]


def _small() -> list[Line]:
    volumes = table()["volumes"]
    return [
        Line("secrets, keys, logs", "secret_hour", _hours() * volumes["secrets"]),
        Line("secrets, keys, logs", "kms_version_month", volumes["keys"]),
        Line("secrets, keys, logs", "log_gb", volumes["log_gb_a_month"]),
    ]


def total(lines: list[Line]) -> float:
    """Return the sum of a bill."""
    return sum(line.rub for line in lines)


def months_total(environment: str, months: int) -> float:
    """Return the sum of the first months of an environment."""
    given, plan = sizes(environment), table()["environments"][environment]
    return sum(total(bill_of(given, plan, month)) for month in range(1, months + 1))


def people_total(environment: str, months: int) -> float:
    """Return what people cost in some months of an environment; the table declares who they are."""
    return sum(person["rub_a_month"] * person[environment] * months for person in table()["people"])

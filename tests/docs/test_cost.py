"""The cost sheet: its sums are right, its volumes are the measured ones and those of the Terraform files."""

import json
import math
import re
import tomllib

import pytest

from antifraud.settings.cloud import CloudSettings
from docs.costs.bill import bill_of, cluster_hour, months_total, people_total, total
from docs.costs.inputs import TABLE, shape_of, sizes
from docs.costs.work import history_core_hours
from docs.generate import ROOT
from infra.terraform.check.literals import local_texts, local_value
from infra.terraform.check.project import Project, read_files

PAGE = (ROOT / "docs" / "cost.md").read_text()
GIVEN = tomllib.loads(TABLE.read_text())
PRICES = {name: price["rub"] for name, price in GIVEN["prices"].items()}
HOURS = 730
FIGURES = {each["name"]: each for each in json.loads((ROOT / "bench" / "results.json").read_text())}


def row(title):
    """Return the cells after the first of the row that begins with a title."""
    cells = re.search(rf"^\| {re.escape(title)} \| (.*) \|$", PAGE, re.MULTILINE)[1]
    return cells.split(" | ")


def number(text):
    return float(text.replace(",", ""))


# Sizes of the prototype, written out: a change of the Terraform file has to be a change here.
CORES, MEMORY, DISK = 4 + 2 * 2, 16 + 2 * 4, 60 + 2 * 40
PROTOTYPE = {
    "vcpu_hour": CORES * HOURS,
    "ram_gb_hour": MEMORY * HOURS,
    "ssd_gb_hour": DISK * HOURS,
    "postgres_vcpu_hour": 2 * HOURS,
    "postgres_ram_gb_hour": 8 * HOURS,
    "managed_ssd_gb_hour": (30 + 16) * HOURS,
    "valkey_vcpu_hour": 2 * HOURS,
    "valkey_ram_gb_hour": 8 * HOURS,
    "balancer_unit_hour": 2 * HOURS,
    "nat_hour": HOURS,
    "public_ip_hour": HOURS,
    "egress_gb": 0,
    "spark_vcpu_hour": (2 * 30.4 + 5) * (4 + 2 * 8),
    "spark_ram_gb_hour": (2 * 30.4 + 5) * (16 + 2 * 32),
    "secret_hour": 13 * HOURS,
    "kms_version_month": 4,
    "log_gb": 30,
}


def storage(month):
    """Return storage and requests of the prototype's month, with 5 transactions a second and 9 GB of history."""
    rows = 5 * 86_400 * 30
    files = 9 / 3.07 + month * rows / 48_328_761
    grown = rows / 48_328_761 * (3.07 + 1.8 + 2.0) * 1_000 / 8 / 10_000
    stored = files * (3.07 + 1.8 + 2.0) + 60 * 0.6 + 120 * 5 * 86_400 / 1_600_000 * 0.35
    return {"storage_gb_hour": (stored + 20) * HOURS, "storage_put_10k": grown, "storage_get_10k": grown * 10}


def prototype_month(month):
    return sum(quantity * PRICES[name] for name, quantity in (PROTOTYPE | storage(month)).items())


def test_the_months_of_the_prototype_are_the_sum_of_its_parts():
    """Three months of the prototype, recomputed from sizes that are written out, are what the page says."""
    expected = sum(prototype_month(month) for month in (1, 2, 3))

    assert months_total("prototype", 3) == pytest.approx(expected, rel=1e-9)
    assert number(row("prototype, 3 months")[0]) == round(expected)


def test_a_month_adds_up():
    """The parts of a month add up to the sum, for both environments, up to rounding."""
    parts = [row(part) for part in ("Airflow host", "scorers", "PostgreSQL", "Valkey", "network", "Spark clusters",
                                    "Object Storage", "secrets, keys, logs")]  # fmt: skip

    for column, said in enumerate(row("**sum**")):
        assert sum(number(part[column]) for part in parts) == pytest.approx(number(said), abs=4)


def test_shares_of_the_budget():
    """Cloud and people of both stages together stay within 10,000,000 RUB, and the shares are what the page says."""
    cloud = months_total("prototype", 3) + months_total("production", 6)
    people = people_total("prototype", 3) + people_total("production", 6)

    assert people == 3 * (380_000 * 1.25 + 400_000 + 220_000 * 0.25) + 6 * (380_000 * 1.25 + 400_000 + 220_000 * 0.5)
    assert cloud + people < 10_000_000
    assert row("**both**")[3:] == [f"{(cloud + people) / 1e7:.1%}", f"{cloud / 1e7:.1%}"]


def test_sizes_come_from_the_terraform_files():
    """The bill follows the sizes: one more scorer in production costs its cores, its memory and its disk."""
    given, plan = sizes("production"), GIVEN["environments"]["production"]
    more = given | {"scorers": given["scorers"] | {"hosts": given["scorers"]["hosts"] + 1}}
    expected = HOURS * (4 * 1.24 + 8 * 0.33 + 80 * 0.0199)

    assert total(bill_of(more, plan, 1)) - total(bill_of(given, plan, 1)) == pytest.approx(expected)
    assert "scorers  = { hosts = 4, cores = 4, memory_gb = 8, disk_gb = 80" in read_files()["envs/production/main.tf"]


@pytest.mark.parametrize("environment", ["prototype", "production"])
def test_the_watchdog_reports_money_at_this_price(environment):
    """The price of a cluster's hour in the Terraform files is that of this sheet, rounded up."""
    cluster = sizes(environment)["cluster"]

    assert cluster["rub_an_hour"] == math.ceil(total(cluster_hour(cluster, "managed_spark")))


def test_the_settings_default_is_the_price_of_the_default_cluster():
    """Without Terraform, the watchdog reports what the default sizes cost by this sheet."""
    default = CloudSettings()
    names = ("driver_preset", "worker_preset", "workers", "disk_gb")
    cluster = {name: getattr(default, f"cluster_{name}") for name in names}

    assert default.cluster_rub_an_hour == math.ceil(total(cluster_hour(cluster, "managed_spark"))) == 103


def test_the_history_is_counted_with_its_states():
    """120 GB are 39.09 files of a month: 15.2 core-hours for their rows, 139.9 for their days."""
    work = history_core_hours(120)
    files = 120 / 3.07

    assert work.rows == pytest.approx(files * 48.328761 * 29 / 3_600)
    assert work.days == pytest.approx(files * (48.328761 * 27 + 30 * 386) / 3_600)
    assert "takes 15 core-hours of ingest and totals, and 140 of states and features" in PAGE
    assert "7 hours of production's cluster, 1,290 RUB" in PAGE


def test_volumes_are_the_measured_ones():
    """Core-seconds and sizes are those of docs/scale.md, and a decision takes what the benchmark measured."""
    scale = (ROOT / "docs" / "scale.md").read_text()
    measured = GIVEN["measured"]

    assert f"{measured['file_rows']:,} rows" in scale
    assert f"{measured['file_gb']} GB of text" in scale
    for title, name in (
        ("ingest of a file", "ingest"),
        ("totals of 23 days", "totals"),
        ("features of a day", "features"),
    ):
        said = re.search(rf"^\| {title}.*?\| [^|]*\| (\d+) \|", scale, re.MULTILINE)[1]
        assert int(said) == measured[f"{name}_core_seconds"]
    assert FIGURES["scorer.cpu_ratio"]["baseline"].startswith(f"{measured['decision_microseconds']} of ")


def test_secrets_and_keys_are_counted():
    """The sheet counts as many secrets and keys as Terraform makes."""
    project = Project(read_files())
    by_hand = local_value(project, "modules/secrets", "filled_by_hand")

    by_the_cloud = local_texts(project, "modules/secrets", "storage_keys")

    assert GIVEN["volumes"]["secrets"] == len(by_hand) + len(by_the_cloud)
    assert GIVEN["volumes"]["keys"] == len(local_value(project, "modules/storage", "keys"))


def test_every_price_says_where_it_comes_from():
    """A price has a date and a source, or says that it is assumed and why; the page marks assumed ones."""
    for name, price in GIVEN["prices"].items():
        assumed = not price.get("found", True)
        assert {"reason", "date"} & set(price) == ({"reason"} if assumed else {"date"})
        assert assumed == ("**assumed**" in row(f"`{name}`"))


def test_a_preset_without_numbers_is_refused():
    """A preset with a name that does not tell cores and memory cannot be priced."""
    with pytest.raises(ValueError, match=r"the preset b1\.medium does not name cores and memory, as s3-c8-m32 does"):
        shape_of("b1.medium")

"""The deployment page names commands, outputs and secrets that exist."""

import re

from antifraud.commands.main import find_commands
from antifraud.compute.on_host import OF_FILES
from docs.generate import ROOT
from infra.terraform.check.literals import local_value
from infra.terraform.check.project import Project, read_files

PAGE = (ROOT / "docs" / "deployment.md").read_text()
PROJECT = Project(read_files())


def test_commands_on_the_page_exist():
    """Every command of the platform on the page is one."""
    named = set(re.findall(r"`python -m antifraud ([\w -]+)`", PAGE))

    assert {"keys generate", "access generate", "release-key generate"} == named
    assert named <= {command.name for command in find_commands()}


def test_outputs_that_the_page_reads_exist():
    """Every `terraform output` on the page is an output of both environments."""
    named = set(re.findall(r"terraform output (?:-json )?(\w+)", PAGE))

    assert {"secrets", "registry", "delegate", "cluster_description"} <= named
    for environment in ("prototype", "production"):
        assert named <= set(PROJECT.outputs_of(f"envs/{environment}").fields)


def test_the_watchdog_is_on_before_the_first_cluster():
    """The history is loaded by `reprocess`, with one cluster a range, after `clusters` was switched on."""
    step = PAGE.partition("8. **First night.**")[2].partition("After the night check")[0]
    named = re.findall(r"`(clusters|reprocess|lake)`", step)

    assert named[:2] == ["clusters", "reprocess"]


def test_every_secret_that_a_person_fills_is_in_the_table():
    """The table of secrets has exactly the ones that Terraform makes empty."""
    table = PAGE.partition("| secret | value | made by |")[2].partition("```")[0]
    cells = " ".join(re.findall(r"^ +\| (`.*?) \|", table, re.MULTILINE))
    named = set(re.findall(r"`([a-z-]+)`", cells))

    assert named == set(local_value(PROJECT, "modules/secrets", "filled_by_hand"))


def test_entries_of_the_clusters_secret_are_settings_of_files():
    """The page names exactly the entries that a lake in S3 needs, and a host of a cluster knows each of them."""
    row = re.search(r"^ +\| `cluster` \| (.*) \|$", PAGE, re.MULTILINE)[1]
    entries = set(re.findall(r"`([A-Z_]+)`", row))

    assert entries == {"KEYRING_FILE", "RAW_ACCOUNT", "LAKE_ACCOUNT", "CATALOG_ACCOUNT"}
    assert entries <= OF_FILES


def test_numbers_on_the_page_are_those_of_the_files():
    """The lock of the audit trail lasts as long as production's sizes say."""
    sizes = local_value(PROJECT, "envs/production", "sizes")

    assert f"({sizes['storage']['audit_locked_days']} days)" in PAGE

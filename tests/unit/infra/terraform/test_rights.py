"""Rights, secrets and settings in the Terraform files fit together."""

import re

import pytest

from infra.terraform.check.literals import literal, local_texts, local_value
from infra.terraform.check.project import Project, read_files
from infra.terraform.check.syntax import parse_expression

FILES = read_files()
PROJECT = Project(FILES)


def rights(kind):
    return local_value(PROJECT, "modules/rights", kind)


def test_only_the_account_raw_reads_raw_files():
    """The raw zone has an account and a key of its own, and nothing writes to it."""
    raw = [entry for entry in rights("bucket_rights").values() if entry["bucket"] == "raw"]

    assert [(entry["role"], entry["accounts"]) for entry in raw] == [("storage.viewer", ["raw"])]
    assert rights("key_rights")["raw"]["accounts"] == ["raw"]


def test_nobody_changes_the_audit_trail():
    """Accounts may add objects to the audit trail, but neither read nor remove them."""
    roles = {entry["role"] for entry in rights("bucket_rights").values() if entry["bucket"] == "audit"}

    assert roles == {"storage.uploader"}


def test_no_account_administers():
    """No account has an administrator's or a primitive role, and every right has a reason."""
    given = [entry for kind in ("folder_rights", "bucket_rights") for entry in rights(kind).values()]
    reasons = [entry["why"] for kind in ("folder_rights", "bucket_rights", "key_rights", "secret_rights")
               for entry in rights(kind).values()]  # fmt: skip

    assert [entry["role"] for entry in given if re.search(r"admin|^(editor|viewer)$", entry["role"])] == []
    assert min(map(len, reasons)) > 10


@pytest.mark.parametrize(("output", "account"), [("airflow_secrets", "airflow"), ("scorer_secrets", "scorer")])
def test_a_host_may_read_the_secrets_that_it_fetches(output, account):
    """Each secret that a host fetches when it starts is one that its account may read."""
    fetched = {re.search(r'"(.+)"', text)[1] for text in local_texts(PROJECT, "modules/platform", output).values()}
    readable = {entry["secret"] for entry in rights("secret_rights").values() if account in entry["accounts"]}

    assert fetched <= readable


def test_a_file_that_a_setting_names_is_fetched():
    """The host fetches each file of a secret that Airflow's settings name."""
    named = local_texts(PROJECT, "modules/platform", "airflow_settings").values()
    files = {found[1] for text in named if (found := re.fullmatch(r'"\$\{local\.secrets_in\}/(.+)"', text))}

    assert files == {
        "raw-storage.account",
        "lake-storage.account",
        "catalog.account",
        "release.key",
        "judge.token",
        "switch.token",
    }
    assert files <= set(local_texts(PROJECT, "modules/platform", "airflow_secrets"))


def test_jobs_reach_the_switch_inside_the_network():
    """Airflow's host may connect to the balancer, has its address, and a token that no other host may read."""
    settings = local_texts(PROJECT, "modules/platform", "airflow_settings")
    groups = FILES["modules/network/groups.tf"].partition('yandex_vpc_security_group" "scorers"')[0]

    assert settings["ANTIFRAUD_SCORER_URL"] == "module.scorers.url"
    assert rights("secret_rights")["switch"]["accounts"] == ["airflow"]
    assert rights("secret_rights")["judge"]["accounts"] == ["airflow"]
    assert "security_group_id = yandex_vpc_security_group.airflow.id" in groups


def test_the_shipper_may_append_to_the_lake_and_nothing_else():
    """Its account edits the bucket of the lake alone, and its keys are on scorers' hosts alone."""
    buckets = [entry["bucket"] for entry in rights("bucket_rights").values() if "shipper" in entry["accounts"]]
    scorer = local_texts(PROJECT, "modules/platform", "scorer_settings")

    assert buckets == ["lake"]
    assert "shipper" in rights("key_rights")["lake"]["accounts"]
    assert [entry["role"] for entry in rights("folder_rights").values() if entry["account"] == "shipper"] == []
    assert rights("secret_rights")["shipper-storage"]["accounts"] == ["scorer"]
    assert scorer["ANTIFRAUD_LAKE_ACCOUNT"] == '"${local.secrets_in}/shipper-storage.account"'
    assert scorer["ANTIFRAUD_CATALOG_ACCOUNT"] == '"${local.secrets_in}/catalog.account"'


def test_every_secret_is_readable_by_somebody():
    """Each secret that Terraform makes has a reader, and each entry of rights names a secret that is made."""
    made = local_value(PROJECT, "modules/secrets", "filled_by_hand")

    assert {entry["secret"] for entry in rights("secret_rights").values()} == {
        *made, "raw-storage", "lake-storage", "shipper-storage",
    }  # fmt: skip


def test_rights_go_to_service_accounts():
    """Every role is given to a service account by its id, and to nobody else."""
    body = PROJECT.modules["modules/rights"].bodies["modules/rights/main.tf"]
    members = [
        each.value.spelled for block in body.of_kind("resource") for each in block.body.attributes
        if each.name in {"member", "members"}
    ]  # fmt: skip

    assert len(members) == 4
    assert [text for text in members if '"serviceAccount:${var.accounts[' not in text] == []


def test_no_setting_holds_a_secret():
    """Settings name files and ids: none is a password, a token or a key, and the address of the catalog holds none."""
    settings = local_texts(PROJECT, "modules/platform", "airflow_settings")

    named = {name: text for name, text in settings.items() if re.search("PASSWORD|TOKEN|SECRET", name)}
    assert named == {
        "ANTIFRAUD_SCORER_JUDGE_TOKEN": '"${local.secrets_in}/judge.token"',
        "ANTIFRAUD_SCORER_TOKEN": '"${local.secrets_in}/switch.token"',
    }
    assert local_texts(PROJECT, "modules/platform", "table_settings")["ANTIFRAUD_CATALOG_URI"] == (
        '"postgresql+psycopg2://${module.database.address}/catalog?sslmode=require"'
    )


@pytest.mark.parametrize(
    ("path", "old", "new", "expected"),
    [
        ("modules/platform/settings.tf", "ANTIFRAUD_CLUSTER_WORKERS ", "ANTIFRAUD_CLUSTER_WORKER ", {
            "airflow_settings gives ANTIFRAUD_CLUSTER_WORKER, which no process reads",
            "airflow_settings lacks ANTIFRAUD_CLUSTER_WORKERS",
        }),
        ("modules/platform/settings.tf", "    SCORER_BIND ", "    ANTIFRAUD_CLOUD_FOLDER ", {
            "scorer_settings gives ANTIFRAUD_CLOUD_FOLDER, which no process reads",
        }),
    ],
)  # fmt: skip
def test_outputs_are_compared_with_the_settings_that_processes_read(path, old, new, expected):
    """A setting that no process reads, and one of a cluster that nothing gives, are found in both environments."""
    problems = Project({**FILES, path: FILES[path].replace(old, new)}).check()

    assert {each.text for each in problems} == expected
    assert {each.path for each in problems} == {"envs/prototype/outputs.tf", "envs/production/outputs.tf"}


def test_spelled_out_values_are_read():
    """Objects, lists, texts, numbers and truth values are read as Python spells them."""
    node = parse_expression('{ a = ["x", 1, 2.5], b = { c = true, d = null } }')

    assert literal(node) == {"a": ["x", 1, 2.5], "b": {"c": True, "d": None}}


def test_a_reference_is_no_spelled_out_value():
    """A value that refers to another is refused, because documents would repeat its name instead of its value."""
    with pytest.raises(ValueError, match=r"var\.a is no literal: write the value itself in line 1"):
        literal(parse_expression("[var.a]"))

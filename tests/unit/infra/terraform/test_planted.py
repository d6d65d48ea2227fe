"""Mistakes that people make in Terraform files are found and named; correct files raise no alarm."""

import shutil
import subprocess

import pytest

from infra.terraform.check.__main__ import main
from infra.terraform.check.project import HERE, Project, read_files

FILES = read_files()
VERSIONS = FILES["modules/network/versions.tf"]


def problems_after(path, old, new):
    """Return the texts of the problems after a change of one of our files."""
    assert old in FILES[path]
    return [each.text for each in Project({**FILES, path: FILES[path].replace(old, new, 1)}).check()]


def problems_in(text):
    """Return the texts of the problems in a module of one file."""
    return [each.text for each in Project({"m/versions.tf": VERSIONS, "m/main.tf": text}).check()]


def test_our_files_have_no_problem(capsys):
    """The command finds no problem in our files, and says how many files it read."""
    assert main() == 0
    assert capsys.readouterr().out == f"0 problems in {len(FILES)} files\n"


@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not on this machine")
def test_files_are_formatted():
    """All files have the format of `terraform fmt`."""
    command = ["terraform", "fmt", "-check", "-recursive", str(HERE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not on this machine")
@pytest.mark.parametrize("environment", ["prototype", "production", "state"])
def test_terraform_itself_loads_the_files(environment, tmp_path):
    """Terraform finds all modules of an environment and reads their declarations, for which it needs no provider."""
    shutil.copytree(HERE, tmp_path / "terraform", ignore=shutil.ignore_patterns("check", "*.json", ".terraform"))
    command = ["terraform", f"-chdir={tmp_path}/terraform/envs/{environment}", "get", "-no-color"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


PLANTED = {
    "another provider": (
        "modules/cache/versions.tf",
        "yandex-cloud/yandex",
        "yandex/yandex",
        "provider yandex differs from the described one: source 'yandex-cloud/yandex', version '~> 0.222.0'",
    ),
    "an attribute that a resource lacks": (
        "modules/rights/main.tf",
        "each.value.role\n  member ",
        "each.value.rule\n  member ",
        "the object has no rule",
    ),
    "an attribute of an existing resource": (
        "modules/network/main.tf",
        "yandex_vpc_network.this.id",
        "yandex_vpc_network.this.uuid",
        "yandex_vpc_network.this has no uuid",
    ),
    "a resource that is not there": (
        "modules/network/main.tf",
        "yandex_vpc_network.this.id",
        "yandex_vpc_network.main.id",
        "yandex_vpc_network has no main",
    ),
    "a type of resource that is not there": (
        "modules/network/main.tf",
        "= yandex_vpc_network.this.id",
        "= yandex_vpc_net.this.id",
        "yandex_vpc_net is not declared",
    ),
    "a wrong name of an output": (
        "modules/platform/main.tf",
        "module.network.network_id",
        "module.network.id",
        "module modules/network has no id",
    ),
    "a wrong key of an output": (
        "modules/platform/main.tf",
        "module.network.groups.database",
        "module.network.groups.databases",
        "the object has no databases",
    ),
    "a wrong service account": (
        "modules/rights/main.tf",
        'account = "scaler", role = "alb.editor"',
        'account = "scalar", role = "alb.editor"',
        "var.accounts has no scalar",
    ),
    "a wrong bucket in a list of rights": (
        "modules/rights/main.tf",
        'accounts = ["lake", "spark"], why = "code',
        'accounts = ["sparc"], why = "code',
        "var.accounts has no sparc",
    ),
    "a misspelt block": (
        "modules/bucket/main.tf",
        "versioning {",
        "versionning {",
        "yandex_storage_bucket has no block versionning",
    ),
    "a block written with =": (
        "modules/bucket/main.tf",
        "versioning {",
        "versioning = {",
        "yandex_storage_bucket.versioning is a block: write it without =",
    ),
    "a nested value written as a block": (
        "modules/cache/main.tf",
        "config = {",
        "config {",
        "yandex_mdb_redis_cluster_v2.config is no block: write it with =",
    ),
    "an argument in a neighbouring block": (
        "modules/scorers/main.tf",
        "    interval            = 10\n",
        "    max_creating = 1\n    interval            = 10\n",
        "yandex_compute_instance_group.health_check has no argument max_creating",
    ),
    "a block that may be there once": (
        "modules/bucket/main.tf",
        "  versioning {",
        "  versioning {\n    enabled = false\n  }\n\n  versioning {",
        "yandex_storage_bucket.versioning may be there once only",
    ),
    "a block in a dynamic block": (
        "modules/bucket/main.tf",
        "      expiration {",
        "      expiry {",
        "yandex_storage_bucket.lifecycle_rule has no block expiry",
    ),
    "a wrong name of a dynamic block": (
        "modules/bucket/main.tf",
        'dynamic "logging"',
        'dynamic "loggings"',
        "yandex_storage_bucket has no block loggings",
    ),
    "the name of another loop": (
        "modules/bucket/main.tf",
        "days = lifecycle_rule.value",
        "days = rule.value",
        "rule is not declared",
    ),
    "an argument that only the provider sets": (
        "modules/network/main.tf",
        "  shared_egress_gateway {}",
        '  created_at = "now"\n\n  shared_egress_gateway {}',
        "yandex_vpc_gateway.created_at is set by the provider, not by a file",
    ),
    "a text for a number": (
        "modules/scorers/main.tf",
        "max_creating     = 1",
        'max_creating     = "one"',
        "max_creating is 'one', but a number was expected",
    ),
    "a list for a text": (
        "modules/database/main.tf",
        "= each.key\n  generate_password",
        "= [each.key]\n  generate_password",
        "name is a list(string), but a string was expected",
    ),
    "a resource with keys, used without one": (
        "modules/storage/main.tf",
        'yandex_kms_symmetric_key.this["audit"].id',
        "yandex_kms_symmetric_key.this.id",
        "yandex_kms_symmetric_key.this has no id",
    ),
    "a missing variable of a module": (
        "modules/platform/main.tf",
        "  clients   = var.clients\n",
        "",
        "the call of modules/network lacks clients",
    ),
    "a variable that a module does not have": (
        "envs/prototype/main.tf",
        "  home_zone ",
        "  main_zone ",
        "modules/platform has no variable main_zone",
    ),
    "a size that is missing": ("envs/production/main.tf", "hosts = 2, preset", "preset", "sizes.database lacks hosts"),
    "a size that is misspelt": (
        "envs/production/main.tf",
        "disk_gb = 120",
        "disc_gb = 120",
        "sizes.airflow has no disc_gb",
    ),
    "a source that is not there": (
        "envs/prototype/main.tf",
        "modules/platform",
        "modules/platforms",
        "module platform has no source in this project",
    ),
    "a variable that a template does not get": (
        "modules/platform/cloud-init.yaml.tftpl",
        "${image}",
        "${container}",
        "container is not declared",
    ),
    "a template that is not there": (
        "modules/platform/settings.tf",
        "cloud-init.yaml.tftpl",
        "cloud-init.yml.tftpl",
        "there is no file modules/platform/cloud-init.yml.tftpl",
    ),
    "a value for a variable that is not there": (
        "envs/prototype/terraform.tfvars.example",
        "cloud_id ",
        "cloud ",
        "envs/prototype has no variable cloud",
    ),
    "a choice that is not made": (
        "modules/scorers/balancer.tf",
        '  managed {\n    challenge_type = "DNS_CNAME"\n  }\n',
        "",
        "yandex_cm_certificate needs exactly one of managed, self_managed",
    ),
    "a life cycle that is misspelt": (
        "modules/storage/main.tf",
        "prevent_destroy",
        "prevent_destruction",
        "lifecycle has no prevent_destruction",
    ),
    "a function that is not there": (
        "modules/storage/main.tf",
        "each.value\n",
        "uppercase(each.value)\n",
        "there is no function uppercase",
    ),
    "an example that lacks a variable": (
        "envs/prototype/terraform.tfvars.example",
        'release      = "0.1.0"\n',
        "",
        "the example lacks release",
    ),
    "a password that the state would keep": (
        "modules/cache/main.tf",
        "    password_wo         = var.password\n",
        "    password            = var.password\n",
        "var.password is ephemeral, but the state would keep password",
    ),
    "a password that a module would keep": (
        "modules/cache/variables.tf",
        "  ephemeral   = true\n",
        "",
        "var.valkey_password is ephemeral, but modules/cache would keep password",
    ),
    "the id of another resource": (
        "modules/network/groups.tf",
        "security_group_id = yandex_vpc_security_group.balancer.id",
        "security_group_id = yandex_vpc_network.this.id",
        "security_group_id is an id of yandex_vpc_network, but one of yandex_vpc_security_group was expected",
    ),
    "the id of another resource, through two modules": (
        "modules/platform/main.tf",
        "= module.network.network_id\n  security_group_id = module.network.groups.database",
        "= module.network.groups.database\n  security_group_id = module.network.network_id",
        "network_id is an id of yandex_vpc_security_group, but one of yandex_vpc_network was expected",
    ),
    "a secret for a key": (
        "modules/platform/main.tf",
        'kms_key_id        = module.storage.keys["secret"]',
        'kms_key_id        = module.secrets.ids["cluster"]',
        "kms_key_id is an id of yandex_lockbox_secret, but one of yandex_kms_symmetric_key was expected",
    ),
    "a bucket for a key": (
        "modules/platform/main.tf",
        'kms_key_id         = module.storage.keys["secret"]',
        'kms_key_id         = module.storage.buckets["raw"]',
        "kms_key_id is an id of yandex_storage_bucket, but one of yandex_kms_symmetric_key was expected",
    ),
    "a key for a secret, inside a module": (
        "modules/secrets/main.tf",
        "yandex_lockbox_secret.storage[each.key].id",
        "var.kms_key_id",
        "secret_id is an id of yandex_kms_symmetric_key, but one of yandex_lockbox_secret was expected",
    ),
    "an id of another kind in a list": (
        "modules/airflow/main.tf",
        "[var.security_group_id]",
        "[var.account_id]",
        (
            "each of security_group_ids is an id of yandex_iam_service_account, but one of "
            "yandex_vpc_security_group was expected"
        ),
    ),
    "a resource that needs itself": (
        "modules/network/main.tf",
        "= yandex_vpc_network.this.id\n  labels     = var.labels\n\n  static_route",
        "= yandex_vpc_route_table.egress.network_id\n  labels     = var.labels\n\n  static_route",
        (
            "depends on itself: module.platform.module.network.yandex_vpc_route_table.egress -> "
            "module.platform.module.network.yandex_vpc_route_table.egress"
        ),
    ),
    "two modules that need each other": (
        "modules/platform/main.tf",
        "depends_on = [module.rights]",
        "depends_on = [module.dashboard]",
        (
            "depends on itself: local.airflow_settings -> module.scorers.output.url -> module.scorers.call -> "
            "module.dashboard.all -> module.dashboard.yandex_monitoring_dashboard.this -> "
            "module.dashboard.local.charts -> module.dashboard.var.airflow_id -> module.airflow.output.id -> "
            "module.airflow.yandex_compute_instance.this -> module.airflow.var.user_data -> local.airflow_user_data -> "
            "local.airflow_settings"
        ),
    ),
    "a required value that is null": (
        "modules/network/main.tf",
        "= yandex_vpc_network.this.id\n  labels     = var.labels\n\n  static_route",
        "= null\n  labels     = var.labels\n\n  static_route",
        "yandex_vpc_route_table.network_id is required, so it cannot be null",
    ),
    "a dynamic block over a number": (
        "modules/bucket/main.tf",
        "for_each = var.cold_days > 0 ? [var.cold_days] : []",
        "for_each = var.cold_days",
        "for_each is a number, but a list, set or map was expected",
    ),
    "a condition that is a text": (
        "modules/bucket/main.tf",
        "var.expire_days > 0 ?",
        '"yes" ?',
        "a condition is 'yes', but a bool was expected",
    ),
    "branches of different kinds": (
        "modules/bucket/main.tf",
        "? [var.cold_days] : []",
        "? [var.cold_days] : 0",
        "the branches of a condition are a list(number) and a number",
    ),
    "a comparison of a map": (
        "modules/bucket/main.tf",
        "var.cold_days > 0",
        "var.labels > 0",
        "an operand of > is a map(string), but a number was expected",
    ),
    "a function with too few arguments": (
        "modules/database/main.tf",
        "index(keys(var.subnets), name)",
        "index(keys(var.subnets))",
        "index takes 2 arguments, but got 1",
    ),
    "a function of maps with a text": (
        "modules/database/main.tf",
        "keys(var.subnets)",
        "keys(var.size.preset)",
        "keys takes a map, but got a string",
    ),
    "a value given twice": (
        "envs/prototype/terraform.tfvars.example",
        'release      = "0.1.0"',
        'release      = "0.1.0"\nrelease      = "0.2.0"',
        "release is given twice",
    ),
    "a block among values": (
        "envs/prototype/terraform.tfvars.example",
        'release      = "0.1.0"',
        'release      = "0.1.0"\nsizes {\n}',
        "a file of values has no block sizes",
    ),
    "a reference among values": (
        "envs/prototype/terraform.tfvars.example",
        'release      = "0.1.0"',
        "release      = var.domain",
        "var is not declared",
    ),
    "no HCL": ("modules/storage/main.tf", "locals {", "locals {{", "no HCL at column 9"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_mistake_is_named(name):
    """Each mistake is found, and the message names it."""
    path, old, new, expected = PLANTED[name]

    assert expected in problems_after(path, old, new)


SMALL = {
    "two resources of one name": (
        'resource "yandex_vpc_network" "a" {}\nresource "yandex_vpc_network" "a" {}\n',
        ["resource yandex_vpc_network a is declared twice"] * 2,
    ),
    "an argument given twice": (
        'resource "yandex_vpc_network" "a" {\n  name = "a"\n  name = "b"\n}\n',
        ["name is given twice"] * 2,
    ),
    "a variable that nothing uses": (
        'variable "a" {\n  description = "A."\n  type = string\n}\n',
        ["variable a is not used"],
    ),
    "a local value that refers to itself": ("locals {\n  a = local.a\n}\n", ["depends on itself: local.a -> local.a"]),
    "each outside a loop": ('resource "yandex_vpc_network" "a" {\n  name = each.key\n}\n', ["each is not declared"]),
    "both kinds of loops": (
        'resource "yandex_vpc_network" "a" {\n  count = 2\n  for_each = { a = "b" }\n  name = each.value\n}\n',
        ["count and for_each exclude each other"],
    ),
    "a loop over a list": (
        'resource "yandex_vpc_network" "a" {\n  for_each = ["a"]\n  name = each.key\n}\n',
        ["for_each is a list(string), but a map or a set was expected"],
    ),
    "a loop over numbers": (
        (
            'resource "yandex_vpc_network" "a" {\n  count = 2\n  name = "n-${count.index}"\n}\n'
            'output "o" {\n  description = "O."\n  value = yandex_vpc_network.a.id\n}\n'
        ),
        [".id follows a list, which has no names"],
    ),
    "a splat": (
        (
            'resource "yandex_vpc_network" "a" {\n  count = 2\n}\n'
            'output "o" {\n  description = "O."\n  value = yandex_vpc_network.a[*].identity\n}\n'
        ),
        ["yandex_vpc_network.a has no identity"],
    ),
    "a heredoc": (
        'resource "yandex_vpc_network" "a" {\n  description = <<-EOT\n    ${var.a}\n  EOT\n}\n',
        ["var of m has no a"],
    ),
    "a data source": (
        'data "yandex_compute_image" "a" {\n  family = "x"\n}\n',
        ["data yandex_compute_image is not described in provider.json"],
    ),
    "a resource of no provider": (
        'resource "aws_instance" "a" {}\n',
        ["resource aws_instance is not described in provider.json"],
    ),
    "a block with a label too many": (
        'resource "yandex_vpc_network" "a" "b" {}\n',
        ["resource with 3 labels is no block that this check knows"],
    ),
    "a dynamic block without content": (
        (
            'resource "yandex_vpc_route_table" "a" {\n  network_id = "n"\n'
            '  dynamic "static_route" {\n    for_each = []\n  }\n}\n'
        ),
        ["a dynamic block has one label, for_each and one block content"],
    ),
    "what changes are ignored for": (
        'resource "yandex_vpc_network" "a" {\n  name = "a"\n  lifecycle {\n    ignore_changes = [name, size]\n  }\n}\n',
        ["ignore_changes names size, which the block does not give"],
    ),
}


@pytest.mark.parametrize("name", SMALL)
def test_a_small_file_is_judged(name):
    """Each small file has exactly the problems that are written out."""
    text, expected = SMALL[name]

    assert problems_in(text) == expected


def test_modules_that_call_each_other_are_named():
    """Two modules that call each other would never end."""
    call = 'module "x" {\n  source = "../%s"\n}\n'
    files = {f"{name}/versions.tf": VERSIONS for name in "ab"} | {"a/main.tf": call % "b", "b/main.tf": call % "a"}

    assert {each.text for each in Project(files).check()} == {
        "modules call each other: a -> b -> a",
        "modules call each other: b -> a -> b",
    }


@pytest.mark.parametrize(
    "expression",
    ["1 == 1 && 2 > 1", "var.a ? 1 : null", 'var.a ? "a" : 1', '"${1}" * 2', "length([1]) > 0 || false"],
)
def test_expressions_that_terraform_accepts_raise_no_alarm(expression):
    """Chains of operators, null in a branch and numbers that are spelled as texts are no mistakes."""
    text = f'variable "a" {{\n  description = "A."\n  type = bool\n}}\nlocals {{\n  b = var.a\n  c = {expression}\n}}\n'

    assert problems_in(text + 'output "o" {\n  description = "O."\n  value = [local.b, local.c]\n}\n') == []


def test_a_module_names_its_provider():
    """A module without a block `terraform` is refused: it could get any version of the provider."""
    problems = Project({"m/main.tf": 'resource "yandex_vpc_network" "a" {}\n'}).check()

    assert [str(each) for each in problems] == ["m/main.tf:1: m has 0 blocks terraform, but one was expected"]

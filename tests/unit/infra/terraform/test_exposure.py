"""The Terraform files open no more than they must: addresses, buckets, secrets in states."""

import itertools

from infra.terraform.check.project import Project, read_files
from infra.terraform.check.schema import resources

PROJECT = Project(read_files())
OPEN = "0.0.0.0/0"


def walk(body):
    for block in body.blocks:
        yield block
        yield from walk(block.body)


BLOCKS = [block for module in PROJECT.modules.values() for body in module.bodies.values() for block in walk(body)]


def of_type(kind):
    return [block for block in BLOCKS if block.kind == "resource" and block.labels[0] == kind]


def words(kind, *path):
    """Return the values of an argument in all resources of a type, as the files spell them."""
    found = of_type(kind)
    for name in path[:-1]:
        inner = (block.body.blocks for block in found)
        found = [block for block in itertools.chain.from_iterable(inner) if block.kind == name]
    return [block.body.attribute(path[-1]).value.spelled for block in found]


def test_no_rule_lets_the_whole_internet_in():
    """Traffic comes in only from named ranges, from another group, or from the cloud's health checks."""
    groups = of_type("yandex_vpc_security_group")
    rules = [rule for group in groups for rule in group.body.of_kind("ingress")]
    sources = [rule.body.attribute("v4_cidr_blocks") for rule in rules]

    assert len(groups) == 6
    assert len(rules) == 13
    assert [each.line for each in sources if each and OPEN in each.value.spelled] == []


def test_the_instance_group_can_ask_its_hosts_whether_they_are_well():
    """The scorers' security group admits the cloud's health checks at the port that the instance group asks."""
    (group,) = (each for each in of_type("yandex_vpc_security_group") if each.name == "scorers")
    asked = [
        rule.body.attribute("port").value.word
        for rule in group.body.of_kind("ingress")
        if (target := rule.body.attribute("predefined_target")) and target.value.word == '"loadbalancer_healthchecks"'
    ]

    assert asked == words("yandex_compute_instance_group", "health_check", "http_options", "port") == ["8080"]


def test_hosts_have_no_public_address():
    """Neither scorers, nor Airflow, nor hosts of databases get a public address."""
    assert words("yandex_compute_instance", "network_interface", "nat") == ["false"]
    assert words("yandex_compute_instance_group", "instance_template", "network_interface", "nat") == ["false"]
    for kind in ("yandex_mdb_postgresql_cluster_v2", "yandex_mdb_redis_cluster_v2"):
        (hosts,) = words(kind, "hosts")
        assert "assign_public_ip=false" in hosts


def test_every_bucket_is_closed_versioned_and_encrypted():
    """All buckets come from one module, in which nobody reads anonymously, versions are kept and a key encrypts."""
    assert len(of_type("yandex_storage_bucket")) == 1
    for name in ("read", "list", "config_read"):
        assert words("yandex_storage_bucket", "anonymous_access_flags", name) == ["false"]
    assert words("yandex_storage_bucket", "versioning", "enabled") == ["true"]
    encryption = ("server_side_encryption_configuration", "rule", "apply_server_side_encryption_by_default")
    assert words("yandex_storage_bucket", *encryption, "kms_master_key_id") == ["var.kms_key_id"]


def test_databases_speak_tls_and_cannot_be_removed_by_mistake():
    """Valkey has TLS only; deleting a cluster, a key or a secret needs a change of the files first."""
    assert words("yandex_mdb_redis_cluster_v2", "tls_enabled") == ["true"]
    for kind in ("yandex_mdb_postgresql_cluster_v2", "yandex_mdb_redis_cluster_v2", "yandex_lockbox_secret",
                 "yandex_kms_symmetric_key"):  # fmt: skip
        assert set(words(kind, "deletion_protection")) == {"true"}


def test_no_state_holds_a_secret():
    """No resource is given a secret that the state would keep: passwords are write-only or made by the cloud."""
    kept = {"password", "secret_key", "access_key", "text_value", "private_key", "admin_password", "content"}
    given = {(block.path, each.name) for block in BLOCKS if block.kind not in {"variable", "output", "locals", "module"}
             for each in block.body.attributes if each.name in kept}  # fmt: skip

    assert given == set()
    assert "output_to_lockbox" in resources()["yandex_iam_service_account_static_access_key"].fields
    assert words("yandex_iam_service_account_static_access_key", "output_to_lockbox", "secret_id") == [
        "yandex_lockbox_secret.storage[each.key].id"
    ]


def test_scorers_are_in_two_zones_behind_the_balancer():
    """Both environments have a subnet in each of two zones, and at least one scorer in each."""
    for name in ("prototype", "production"):
        (call,) = PROJECT.modules[f"envs/{name}"].blocks("module")
        zones = {part for part in call.body.attribute("subnets").value.spelled.split('"') if part.startswith("ru-")}
        assert zones == {"ru-central1-a", "ru-central1-b"}
    assert words("yandex_compute_instance_group", "allocation_policy", "zones") == [
        "[forsubnetinvar.subnets:subnet.zone]"
    ]

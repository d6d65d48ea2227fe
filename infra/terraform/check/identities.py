"""Know which resource an id belongs to. All ids are texts, so a wrong one is found by the names of arguments alone."""

import dataclasses
from typing import Final

from infra.terraform.check.kinds import SEQUENCES, Kind

OWNERS: Final = {
    "account_id": "yandex_iam_service_account",
    "backend_group_id": "yandex_alb_backend_group",
    "bucket": "yandex_storage_bucket",
    "certificate_id": "yandex_cm_certificate",
    "gateway_id": "yandex_vpc_gateway",
    "http_router_id": "yandex_alb_http_router",
    "kms_key_id": "yandex_kms_symmetric_key",
    "kms_master_key_id": "yandex_kms_symmetric_key",
    "log_group_id": "yandex_logging_group",
    "network_id": "yandex_vpc_network",
    "route_table_id": "yandex_vpc_route_table",
    "secret_id": "yandex_lockbox_secret",
    "security_group_id": "yandex_vpc_security_group",
    "subnet_id": "yandex_vpc_subnet",
    "symmetric_key_id": "yandex_kms_symmetric_key",
}
"""Names of arguments and variables, and the resource that they hold the id of (of a bucket, its name)."""


def owned(kind: Kind, name: str) -> Kind:
    """Return the kind of an argument or a variable, with the resource that its name promises.

    >>> owned(Kind("string"), "balancer_group_id").owner, owned(Kind("string"), "alb_network_id").owner
    ('', 'yandex_vpc_network')
    """
    owner = next((owner for ending, owner in OWNERS.items() if f"_{name}".endswith((f"_{ending}", f"_{ending}s"))), "")
    if kind.name == "string":
        return dataclasses.replace(kind, owner=owner)
    if kind.name in SEQUENCES and kind.element and kind.element.name == "string":
        return dataclasses.replace(kind, element=dataclasses.replace(kind.element, owner=owner))
    return kind

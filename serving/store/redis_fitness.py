"""Whether a Redis is fit to keep decisions: its settings must not lose what it has acknowledged."""

from typing import Any, Final

from antifraud.errors import StoreError
from antifraud.settings.serving import Durability
from serving.store.redis_server import Server

LEAST_VERSION: Final = 7
"""The first version with functions. Valkey names the version of Redis that it is compatible with."""


def require_fit(server: Server, durability: Durability) -> dict[str, Any]:
    """Refuse a Redis that could lose decisions, and return what it says about itself.

    Raises:
        StoreError: It could; the message names the setting.
    """
    described = server.describe()
    unfit = find_unfitness(described)
    if not unfit and durability == "power":
        unfit = _find_weakness(server.setting("appendfsync"))
    if unfit:
        raise StoreError(unfit)
    return described


def find_unfitness(described: dict[str, Any]) -> str:
    """Return why a Redis that describes itself so must not keep decisions; nothing if it may."""
    version, policy = str(described["redis_version"]), described["maxmemory_policy"]
    if int(version.partition(".")[0]) < LEAST_VERSION:
        return f"Redis has version {version}, which has no functions: use {LEAST_VERSION}.0 or newer, or Valkey"
    if described.get("cluster_enabled"):
        return "Redis is a cluster, and a decision changes keys of several slots at once: use one primary with replicas"
    if described["role"] != "master":
        return "Redis is a replica and takes no changes: name the primary in ANTIFRAUD_STORE_URL"
    if not described["aof_enabled"]:
        return "Redis writes no log, so its kill would lose decisions: set its appendonly to yes"
    if policy != "noeviction":
        return f"Redis would evict decisions when its memory is full (maxmemory-policy {policy}): set it to noeviction"
    return ""


def find_trouble(described: dict[str, Any]) -> str:
    """Return what keeps a Redis that describes itself so from writing to its disk; nothing if it can."""
    status = described.get("aof_last_write_status", "ok")
    return "" if status == "ok" else f"the log of Redis: {status}"


def _find_weakness(appendfsync: str | None) -> str:
    if appendfsync is None:
        return (
            "Redis does not say its appendfsync: grant CONFIG GET to the user of ANTIFRAUD_STORE_ACCOUNT, or set "
            "ANTIFRAUD_STORE_DURABILITY=process"
        )
    if appendfsync != "always":
        return (
            f"Redis writes to its disk after it answers (appendfsync {appendfsync}), which a power cut can lose: set "
            "it to always, or ANTIFRAUD_STORE_DURABILITY=process"
        )
    return ""

"""A Redis that could lose decisions is refused by what it says about itself."""

import pytest

from antifraud.errors import SettingsError
from antifraud.settings.serving import StoreSettings
from serving.store.redis_fitness import find_trouble, find_unfitness

FIT = {
    "redis_version": "7.0.15",
    "maxmemory_policy": "noeviction",
    "cluster_enabled": 0,
    "role": "master",
    "aof_enabled": 1,
    "aof_last_write_status": "ok",
}
UNFIT = [
    ({"redis_version": "6.2.14"}, "Redis has version 6.2.14, which has no functions: use 7.0 or newer, or Valkey"),
    (
        {"cluster_enabled": 1},
        "Redis is a cluster, and a decision changes keys of several slots at once: use one primary with replicas",
    ),
    ({"role": "slave"}, "Redis is a replica and takes no changes: name the primary in ANTIFRAUD_STORE_URL"),
    ({"aof_enabled": 0}, "Redis writes no log, so its kill would lose decisions: set its appendonly to yes"),
    (
        {"maxmemory_policy": "volatile-ttl"},
        "Redis would evict decisions when its memory is full (maxmemory-policy volatile-ttl): set it to noeviction",
    ),
]


@pytest.mark.parametrize(("changes", "text"), UNFIT)
def test_each_weakness_is_named_with_its_cure(changes, text):
    """The message says what was found and what to set."""
    assert find_unfitness(FIT) == ""
    assert find_unfitness({**FIT, **changes}) == text


def test_a_log_that_cannot_be_written_is_a_trouble():
    """Redis refuses changes then, so decisions are refused before they are computed."""
    assert (find_trouble(FIT), find_trouble({"aof_last_write_status": "err"})) == ("", "the log of Redis: err")


GOOD = ["redis://db", "redis://10.0.0.7:6379/0", "rediss://c-1.rw.mdb.example.net:6380", "redis://[::1]:6379/3"]
BAD = ["db:6379", "http://db", "redis://", "redis://db:port", "redis://db/0?ssl_cert_reqs=none", "unix:///run/redis"]


@pytest.mark.parametrize("url", GOOD)
def test_addresses_of_a_redis(url):
    """A host with or without a port and a number of a database, in plain text or with TLS."""
    assert StoreSettings(store_url=url).store_place == url


@pytest.mark.parametrize("url", BAD)
def test_what_is_no_address_of_a_redis(url):
    """Options could switch off the check of the certificate; the value is not repeated."""
    with pytest.raises(SettingsError, match="ANTIFRAUD_STORE_URL names no Redis: expected redis:") as raised:
        StoreSettings(store_url=url)

    assert url not in str(raised.value).partition("expected")[0]

"""A host of a cluster gets its settings from a file, and its secrets as private files from the secret store."""

import io
import json
import urllib.error
import urllib.request

import pytest

from antifraud.compute import on_host
from antifraud.compute.errors import CloudError
from antifraud.errors import SettingsError

DESCRIPTION = {"environment": {"ANTIFRAUD_RAW_DIR": "s3a://raw/feed"}, "secret": "e6q"}


@pytest.fixture
def store(monkeypatch):
    """Answer the requests of a host with these entries; return the requests."""
    requests, entries = [], {}

    def opened(request, timeout):
        assert timeout == 30
        requests.append((request.full_url, dict(request.header_items())))
        if request.full_url.endswith("/token"):
            return io.BytesIO(json.dumps({"access_token": "t1"}).encode())
        listed = [{"key": key, "textValue": text} for key, text in entries.items()]
        return io.BytesIO(json.dumps({"entries": listed}).encode())

    monkeypatch.setattr(urllib.request, "urlopen", opened)
    return requests, entries


def test_entries_become_private_files_that_settings_name(tmp_path, store):
    """Each entry is a file of mode 0600, and its key is the setting with the file's path."""
    store[1].update(LAKE_ACCOUNT="user=u\npassword=p\n", KEYRING_FILE="{}")
    found = on_host.variables(DESCRIPTION, tmp_path)

    assert found == {
        "ANTIFRAUD_RAW_DIR": "s3a://raw/feed",
        "ANTIFRAUD_LAKE_ACCOUNT": str(tmp_path / "lake_account"),
        "ANTIFRAUD_KEYRING_FILE": str(tmp_path / "keyring_file"),
    }
    assert (tmp_path / "lake_account").read_text() == "user=u\npassword=p\n"
    assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o600, 0o600]


def test_the_host_asks_with_its_own_account(tmp_path, store):
    """The token comes from the host's metadata, and only it opens the secret."""
    on_host.variables(DESCRIPTION, tmp_path)

    assert store[0] == [
        (
            "http://169.254.169.254/computeMetadata/v1/instance/service-accounts/default/token",
            {"Metadata-flavor": "Google"},
        ),
        (
            "https://payload.lockbox.api.cloud.yandex.net/lockbox/v1/secrets/e6q/payload",
            {"Authorization": "Bearer t1"},
        ),
    ]


@pytest.mark.parametrize("key", ["PATH", "RAW_DIR", "lake_account", "SEED"])
def test_an_entry_that_is_no_file_of_the_settings_is_refused(tmp_path, store, key):
    """Only settings that name a file can be secret; the message has the entry's name and not its text."""
    store[1][key] = "hush"
    with pytest.raises(SettingsError, match=f"the secret has the entries {key}: ") as refused:
        on_host.variables(DESCRIPTION, tmp_path)

    assert "hush" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_without_a_secret_nobody_is_asked(tmp_path):
    """A cluster without accounts, as for public data, needs no secret."""
    assert on_host.variables({"environment": {"A": "b"}}, tmp_path) == {"A": "b"}


def test_a_store_that_refuses_is_one_line(tmp_path, monkeypatch):
    """The failure names the address and what to correct."""

    def refuse(request, timeout):
        raise urllib.error.HTTPError(request.full_url, timeout, "Forbidden", None, None)

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    with pytest.raises(CloudError, match=r"/token did not give what the job needs .*: correct the rights"):
        on_host.variables(DESCRIPTION, tmp_path)

"""Prepare a host of a cluster for a job: settings from a file of the bucket, secrets from the cloud's secret store.

The file ``cluster.json`` comes with each job and holds no secret, only the settings and the secret's id.
Every entry of the secret is a file that a setting names, such as ``LAKE_ACCOUNT``; its key is the setting's name.
"""

import dataclasses
import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from antifraud.compute.errors import CloudError
from antifraud.errors import SettingsError
from antifraud.settings.core import PREFIX, JobSettings

FILE: Final = "cluster.json"
METADATA: Final = "http://169.254.169.254"
"""Address at which a virtual machine of the cloud finds a token of its own account."""
TOKEN: Final = "computeMetadata/v1/instance/service-accounts/default/token"  # noqa: S105 - a path
SECRET_STORE: Final = "https://payload.lockbox.api.cloud.yandex.net"  # noqa: S105 - an address
TIMEOUT_SECONDS: Final = 30
OF_FILES: Final = frozenset(
    field.name.upper() for field in dataclasses.fields(JobSettings) if field.type == Path | None
)
"""Settings that name a file; only these can be entries of the secret."""


def variables(description: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Return the environment of a job, after its secrets are written to private files in `folder`.

    Raises:
        SettingsError: An entry of the secret is no file of the settings.
        CloudError: The secret store did not answer, or refused.
    """
    secret = description.get("secret")
    entries = fetch_secret(secret, description) if secret else {}
    if unknown := sorted(set(entries) - OF_FILES):
        raise SettingsError(
            f"the secret has the entries {', '.join(unknown)}: expected names of settings that are files, such as "
            f"{', '.join(sorted(OF_FILES))}"
        )
    files = {f"{PREFIX}{key}": str(_write(folder / key.lower(), text)) for key, text in entries.items()}
    return {**description["environment"], **files}


def fetch_secret(secret: str, description: Mapping[str, Any]) -> dict[str, str]:
    """Return the entries of a secret, which the host's own account may read.

    Raises:
        CloudError: The metadata service or the secret store did not answer, or refused.
    """
    token = _get(f"{description.get('metadata', METADATA)}/{TOKEN}", {"Metadata-Flavor": "Google"})["access_token"]
    url = f"{description.get('secret_store', SECRET_STORE)}/lockbox/v1/secrets/{secret}/payload"
    payload = _get(url, {"Authorization": f"Bearer {token}"})
    return {entry["key"]: entry["textValue"] for entry in payload["entries"]}


def _get(url: str, headers: Mapping[str, str]) -> Any:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=dict(headers)), timeout=TIMEOUT_SECONDS) as got:  # noqa: S310 - fixed schemes
            return json.load(got)
    except (urllib.error.URLError, TimeoutError) as error:
        # The address has no secret; the answer of the store might.
        raise CloudError(
            f"{url} did not give what the job needs ({error}): correct the rights of the cluster's account"
        ) from None


def _write(path: Path, text: str) -> Path:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    return path

"""Start a real S3 server on this machine (versitygw), which checks signatures and separates accounts."""

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

import httpx

from antifraud.errors import SettingsError
from antifraud.settings.accounts import Account
from infra.cluster.archive import ROOT
from infra.cluster.processes import HOST, Server, accepts, new_account, wait_until
from infra.local.ports import free_port

MODULE: Final = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
CACHE: Final = ROOT / ".cache" / "versitygw-1.8.0"
REGION: Final = "ru-central1"
"""Any region except us-east-1, which S3 refuses as the location of a new bucket."""
ACCOUNTS: Final = ("raw", "lake")
"""Each account owns the bucket of its name and can read no other bucket."""


@dataclass(frozen=True, slots=True)
class S3:
    """A running S3 server with a bucket and an account file of the same name for each of `ACCOUNTS`."""

    endpoint: str
    account_files: dict[str, Path]
    server: Server

    def stop(self) -> None:
        """Stop the server."""
        self.server.stop()


def build_server() -> Path:
    """Return the server's binary, which Go builds once into the project's cache (two minutes).

    Raises:
        SettingsError: Go is not installed, or the build failed.
    """
    binary = CACHE / "versitygw"
    if binary.is_file():
        return binary
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if go is None:
        raise SettingsError("Go, which builds the S3 server, is not installed: apt-get install golang-go (1.24)")
    CACHE.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [go, "install", MODULE], env={**os.environ, "GOBIN": str(CACHE)}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SettingsError(f"go install {MODULE} failed: {done.stderr.strip()[-500:]}")
    return binary


def start_s3(folder: Path) -> S3:
    """Start a server on a free port, with buckets and account files in `folder`.

    Raises:
        SettingsError: The server cannot be built, or did not start.
    """
    binary, port = build_server(), free_port()
    root = new_account(folder / "accounts" / "root.account", "root")
    for name in ("iam", "buckets"):
        (folder / name).mkdir()
    # The root account is passed in the environment, because every user can read a command line.
    environ = {**os.environ, "ROOT_ACCESS_KEY_ID": root.user, "ROOT_SECRET_ACCESS_KEY": root.password}
    options = ["--port", f"{HOST}:{port}", "--region", REGION, "--quiet", "--iam-dir", str(folder / "iam")]
    log = folder / "s3.log"
    server = Server.start("s3", [str(binary), *options, "posix", str(folder / "buckets")], log, environ)
    wait_until(server, partial(accepts, port), log)
    endpoint = f"http://{HOST}:{port}"
    files = {name: folder / "accounts" / f"{name}.account" for name in ACCOUNTS}
    try:
        for name, path in files.items():
            _make_account(endpoint, root, new_account(path, name))
    except BaseException:
        server.stop()
        raise
    return S3(endpoint, files, server)


def _make_account(endpoint: str, root: Account, account: Account) -> None:
    """Create an account that owns a bucket of its name."""
    import s3fs

    body = (
        f"<Account><Access>{escape(account.user)}</Access><Secret>{escape(account.password)}</Secret>"
        "<Role>userplus</Role></Account>"
    )
    _administer(endpoint, root, "create-user", body.encode())
    files = s3fs.S3FileSystem(
        key=account.user,
        secret=account.password,
        endpoint_url=endpoint,
        client_kwargs={"region_name": REGION},
        skip_instance_cache=True,
    )
    files.mkdir(account.user)


def _administer(endpoint: str, root: Account, action: str, body: bytes) -> None:
    """Send one signed request to the server's administration interface."""
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    headers = {"X-Amz-Content-Sha256": hashlib.sha256(body).hexdigest()}
    request = AWSRequest("PATCH", f"{endpoint}/{action}", headers, body)
    S3SigV4Auth(Credentials(root.user, root.password), "s3", REGION).add_auth(request)
    answer = httpx.patch(request.url, content=body, headers=dict(request.headers.items()))
    if answer.is_error:
        raise SettingsError(f"the S3 server answered {answer.status_code} to {action}: {answer.text[:200]}")

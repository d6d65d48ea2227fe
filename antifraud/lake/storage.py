"""Where files and the catalog are, local or remote, and with which account they are opened.

An account is a file of mode 0600 with the lines ``user=`` and ``password=`` (of S3: access key and secret key). Raw
zone and lake have accounts of their own: a process that was not given the raw zone's cannot read raw files.
SQLAlchemy, fsspec and s3fs are imported where they are called.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from antifraud.errors import SettingsError
from antifraud.files import remove_folders
from antifraud.settings.core import JobSettings
from antifraud.settings.locations import is_remote

if TYPE_CHECKING:
    from sqlalchemy import URL

LOCK_SECONDS: Final = 60
"""How long to wait for a SQLite catalog that another process is writing to."""
CONNECT_SECONDS: Final = 10
BRIDGE: Final = "bridge"
"""Folder beside the raw files with the bridges that jobs/rotate_keys.py makes."""


@dataclass(frozen=True, slots=True)
class Account:
    """A name and what proves it."""

    user: str
    password: str = field(repr=False)


def load_account(path: Path) -> Account:
    """Read an account file; lines that begin with ``#`` are comments.

    Raises:
        SettingsError: The file is missing, readable by others, or lacks a line.
    """
    if not path.is_file():
        raise SettingsError(f"no account file at {path}: write one with the lines user= and password=, mode 0600")
    if path.stat().st_mode & 0o077:
        raise SettingsError(f"the account file {path} is readable by other users: run chmod 600 on it")
    lines = [line.strip() for line in path.read_text().splitlines()]
    values = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    if missing := [name for name in ("user", "password") if not values.get(name)]:
        raise SettingsError(f"the account file {path} lacks {' and '.join(f'{name}=' for name in missing)}: add it")
    return Account(values["user"], values["password"])


def raw_folder(settings: JobSettings) -> Path:
    """The folder of raw files; in S3 it is an `upath.UPath`, which has the same methods."""
    return _folder(settings, settings.raw_location, settings.raw_account)


def warehouse_folder(settings: JobSettings) -> Path:
    """The folder of the Iceberg tables, as `raw_folder` is that of raw files."""
    return _folder(settings, settings.lake_warehouse, settings.lake_account)


def _folder(settings: JobSettings, location: str, account_file: Path | None) -> Path:
    if not is_remote(location):
        return Path(location).resolve()
    from upath import UPath

    account = load_account(account_file) if account_file else None
    options: dict[str, Any] = {
        # A listing that is remembered would never see the next delivery.
        "use_listings_cache": False,
        "skip_instance_cache": True,
        "client_kwargs": {"region_name": settings.s3_region},
        "config_kwargs": {
            "connect_timeout": CONNECT_SECONDS,
            "read_timeout": settings.s3_timeout_seconds,
            "retries": {"mode": "standard", "total_max_attempts": settings.s3_attempts},
        },
    }
    if account:
        options |= {"key": account.user, "secret": account.password}
    if settings.s3_endpoint:
        options["endpoint_url"] = settings.s3_endpoint
    folder: Any = UPath(location, **options)
    # s3fs would make each of botocore's attempts five times.
    folder.fs.retries = 1
    return folder  # type: ignore[no-any-return]


def bridge_folder(settings: JobSettings, old: str, new: str) -> Path:
    """Where the tokens under two keys (given by id) lie side by side: with the raw files, under their permissions."""
    return raw_folder(settings) / BRIDGE / f"{old}-{new}"


def remove_bridges(settings: JobSettings, old: str) -> None:
    """Remove every bridge from the tokens of a key (given by id)."""
    bridges = raw_folder(settings) / BRIDGE
    for bridge in bridges.glob(f"{old}-*") if bridges.is_dir() else ():
        if is_remote(settings.raw_location):
            bridge.rmdir(recursive=True)  # type: ignore[call-arg] # of a UPath
        else:
            remove_folders([bridge], raw_folder(settings))


def catalog_url(settings: JobSettings) -> "URL":
    """The catalog's URL for SQLAlchemy, with user and password; its text shows the password as ``***``."""
    from sqlalchemy import URL, make_url

    if file := settings.catalog_file:
        # A file that is not there is made, but not its folder.
        file.parent.mkdir(parents=True, exist_ok=True)
        return URL.create("sqlite", database=str(file), query={"timeout": str(LOCK_SECONDS)})
    url = make_url(settings.lake_catalog_uri)
    if "+" not in url.drivername:
        url = url.set(drivername=f"{url.drivername}+psycopg2")
    if settings.catalog_account is None:
        return url
    account = load_account(settings.catalog_account)
    return url.set(username=account.user, password=account.password)


def file_properties(settings: JobSettings) -> Mapping[str, str]:
    """What pyiceberg needs to open the files of the lake; nothing where they are local."""
    if not is_remote(settings.lake_warehouse):
        return {}
    properties = {
        "s3.region": settings.s3_region,
        "s3.connect-timeout": str(CONNECT_SECONDS),
        "s3.request-timeout": str(settings.s3_timeout_seconds),
    }
    if settings.s3_endpoint:
        properties["s3.endpoint"] = settings.s3_endpoint
    if settings.lake_account:
        account = load_account(settings.lake_account)
        properties |= {"s3.access-key-id": account.user, "s3.secret-access-key": account.password}
    return properties

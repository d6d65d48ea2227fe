"""Locations of files and of the catalog, local or remote, and the accounts that open them.

An account is a file of mode 0600 with the lines ``user=`` and ``password=`` (for S3: access key and secret key). Raw
zone and lake have separate accounts, so that a process without the raw zone's account cannot read raw files.
Functions that call SQLAlchemy, fsspec and s3fs import them themselves.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from antifraud.settings.accounts import load_account
from antifraud.settings.core import JobSettings
from antifraud.settings.locations import is_remote

if TYPE_CHECKING:
    from sqlalchemy import URL

LOCK_SECONDS: Final = 60
"""How long to wait for a SQLite catalog while another process writes to it."""
CONNECT_SECONDS: Final = 10


def raw_folder(settings: JobSettings) -> Path:
    """Return the folder of raw files; in S3 it is an `upath.UPath`, which has the same methods."""
    return _folder(settings, settings.raw_location, settings.raw_account)


def warehouse_folder(settings: JobSettings) -> Path:
    """Return the folder of the Iceberg tables; in S3 it is an `upath.UPath`, too."""
    return _folder(settings, settings.lake_warehouse, settings.lake_account)


def shared_folder(settings: JobSettings) -> Path | None:
    """Return the folder that hosts share, opened with the lake's account; None if there is only one host."""
    return _folder(settings, settings.shared_home, settings.lake_account) if settings.shared_home else None


def code_folder(settings: JobSettings, location: str) -> Path:
    """Return the folder of a cluster's code, opened with the lake's account."""
    return _folder(settings, location, settings.lake_account)


def _folder(settings: JobSettings, location: str, account_file: Path | None) -> Path:
    if not is_remote(location):
        return Path(location).resolve()
    from upath import UPath

    account = load_account(account_file) if account_file else None
    options: dict[str, Any] = {
        # A cached listing would never show the next delivery.
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
    # botocore retries already; s3fs would repeat each of its attempts five times.
    folder.fs.retries = 1
    return folder  # type: ignore[no-any-return]


def catalog_url(settings: JobSettings) -> "URL":
    """Return the catalog's URL for SQLAlchemy, with user and password; its text shows the password as ``***``."""
    from sqlalchemy import URL, make_url

    if file := settings.catalog_file:
        # SQLite creates a missing file, but not its folder.
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
    """Return the properties with which pyiceberg opens files of the lake; none if they are local."""
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

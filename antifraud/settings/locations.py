"""Locations as text: a folder on a disk, ``s3a://bucket/prefix``, and the URI of a database.

A folder may have any name that the file system accepts, except one with control characters. In a URI, `?`, `%` and `#`
have a meaning, so `sqlite_uri` encodes a path with percent signs and `sqlite_file` decodes it.
"""

import re
import unicodedata
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from antifraud.errors import SettingsError

S3: Final = "s3a"
"""The scheme that Spark, pyiceberg and fsspec all know."""
SQLITE: Final = "sqlite:///"
SQLITE_OF_MLFLOW: Final = "sqlite+pysqlite:///"
"""The same with its driver. MLflow would take the text after `SQLITE` for a folder, and make that folder."""
POSTGRESQL: Final = "postgresql"
POSTGRESQL_PORT: Final = 5432
CATALOG_OPTIONS: Final = frozenset(
    {"sslmode", "sslrootcert", "sslcert", "sslkey", "connect_timeout", "application_name"}
)
"""Allowed options of a catalog's URI; others could name another schema, server or user than the address does."""
S3_LOCATION: Final = re.compile(r"s3a://[a-z0-9][a-z0-9.-]+(/[A-Za-z0-9._=-]+)*")
"""A location with only those characters that every S3 client spells alike."""
REDIS_URL: Final = re.compile(r"rediss?://([A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(:[0-9]{1,5})?(/[0-9]{0,3})?")
# Hadoop and Iceberg write a local folder as file:/srv or file:///srv.
FILE_SCHEME: Final = re.compile(r"^file:(//)?(?=/)")
WILDCARD: Final = re.compile(r"[][{}*?\\]")
"""Characters with which Spark takes a path for a pattern."""
NOT_TEXT: Final = frozenset({"Cc", "Cs"})
"""Unicode categories of control characters, and of surrogates that stand for bytes that are no UTF-8."""


def is_remote(location: str) -> bool:
    """Return whether a location is in S3.

    >>> is_remote("s3a://lake/warehouse"), is_remote("/srv/lake")
    (True, False)

    Raises:
        SettingsError: The location has another scheme than ``s3a``.
    """
    scheme, separator, _ = location.partition("://")
    if (separator and scheme != S3) or FILE_SCHEME.match(location):
        scheme = scheme.partition(":")[0]
        raise SettingsError(f"{location} has the scheme {scheme}: a folder, or {S3}://bucket/prefix, was expected")
    return bool(separator)


def bucket_of(location: str) -> str:
    """Return the bucket of a remote location.

    >>> bucket_of("s3a://lake/warehouse")
    'lake'
    """
    return urlsplit(location).netloc


def resolve_path(path: Path) -> Path:
    """Return an absolute path free of symbolic links.

    Raises:
        SettingsError: The links lead in a circle.
    """
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        raise SettingsError(f"{path} cannot be followed: its symbolic links lead in a circle, remove one") from None


def require_folder(path: Path, variable: str) -> None:
    """Refuse a path that is no folder and cannot become one.

    Raises:
        SettingsError: The path or a parent of it is a file, or the file system does not accept the name.
    """
    try:
        # The first parent that exists decides: below it, folders can be made.
        existing = next(each for each in (path, *path.parents) if each.exists())
        if existing.is_dir():
            return
        reason = f"{existing} is a file"
    except PermissionError as error:
        reason = f"this user may not look into {error.filename}"
    except OSError as error:
        reason = str(error.strerror).lower()
    raise SettingsError(f"{variable} cannot be the folder that it names, {reason}: name another one")


def resolve_location(location: str) -> str:
    """Return the one spelling of a location; a folder becomes absolute and free of symbolic links.

    >>> resolve_location("s3a://lake/warehouse/"), resolve_location("/srv/../lake")
    ('s3a://lake/warehouse', '/lake')

    Raises:
        SettingsError: The location has another scheme than ``s3a``, or characters that clients spell differently.
    """
    if not is_remote(location):
        return str(resolve_path(Path(location)))
    trimmed = location.rstrip("/")
    if not S3_LOCATION.fullmatch(trimmed) or {".", ".."} & set(trimmed.split("/")):
        raise SettingsError(
            f"{location} has characters that S3 clients spell differently: expected {S3}://bucket/prefix with letters "
            "and digits of ASCII, dots, hyphens, underscores and equals signs"
        )
    return trimmed


def normalise_scheme(location: str) -> str:
    """Return a location that Iceberg recorded, with this project's scheme: none for a folder, ``s3a`` for S3.

    >>> normalise_scheme("file:/srv/lake"), normalise_scheme("file:///srv/lake"), normalise_scheme("s3://lake/a")
    ('/srv/lake', '/srv/lake', 's3a://lake/a')
    """
    return re.sub(r"^s3n?://", f"{S3}://", FILE_SCHEME.sub("", location))


def is_below(location: str, folder: str) -> bool:
    """Return whether a location lies in a folder, by the text alone; a folder does not lie in itself.

    >>> is_below("s3a://lake/a/b", "s3a://lake/a"), is_below("/lake2/b", "/lake"), is_below("/lake/../b", "/lake")
    (True, False, False)
    """
    # By text, a path with .. in it could leave the folder again.
    return normalise_scheme(location).startswith(f"{folder.rstrip('/')}/") and ".." not in location.split("/")


def sqlite_uri(file: Path, prefix: str = SQLITE) -> str:
    """Return the SQLAlchemy URI of a SQLite file.

    >>> sqlite_uri(Path("/srv/50%/why?.db"))
    'sqlite:////srv/50%25/why%3F.db'
    """
    return prefix + quote(str(file))


def sqlite_file(uri: str) -> Path | None:
    """Return the absolute path of a SQLite URI; None for the URI of a server.

    >>> sqlite_file("sqlite:////srv/50%25/why%3F.db"), sqlite_file("postgresql+psycopg2://db/lake")
    (PosixPath('/srv/50%/why?.db'), None)

    Raises:
        SettingsError: The URI has options, or names no file.
    """
    if not uri.startswith("sqlite"):
        return None
    path = uri.removeprefix(SQLITE).removeprefix(SQLITE_OF_MLFLOW)
    if path == uri or not path or {"?", "#"} & set(path):
        raise SettingsError(
            f"a SQLite database is named {SQLITE}file, without options: write a ? in its path as %3F and a # as %23"
        )
    if not is_text(unquote(path)):
        raise SettingsError("the name of a SQLite database has a control character: name another file")
    return resolve_path(Path(unquote(path)))


def catalog_address(uri: str) -> str:
    """Return the one spelling of a catalog's URI, without driver, user, password and options.

    >>> catalog_address("postgresql+psycopg2://me:secret@DB.example/lake?sslmode=require")
    'postgresql://db.example:5432/lake'
    >>> catalog_address("sqlite:////srv/../lake.db")
    'sqlite:////lake.db'

    Raises:
        SettingsError: The database is neither SQLite nor PostgreSQL.
    """
    if file := sqlite_file(uri):
        return sqlite_uri(file)
    # Imported here, because the scorer reads settings too and has no SQLAlchemy.
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(uri)
    except (ArgumentError, ValueError):
        # Nothing of the URI is repeated: it may hold a password.
        raise SettingsError("ANTIFRAUD_CATALOG_URI is not a URI of a database: correct it") from None
    kind = url.drivername.partition("+")[0]
    if kind != POSTGRESQL:
        raise SettingsError(f"ANTIFRAUD_CATALOG_URI is of kind {kind}: Spark has drivers for sqlite and postgresql")
    if not url.host or "host" in url.query:
        raise SettingsError("ANTIFRAUD_CATALOG_URI names no host after the //: the JVM's driver has no other way to it")
    if unknown := sorted(set(url.query) - CATALOG_OPTIONS):
        raise SettingsError(
            f"ANTIFRAUD_CATALOG_URI has the options {', '.join(unknown)}, which may lead to another catalog: "
            f"expected some of {', '.join(sorted(CATALOG_OPTIONS))}"
        )
    host = f"[{url.host.lower()}]" if ":" in url.host else url.host.lower()
    return f"{POSTGRESQL}://{host}:{url.port or POSTGRESQL_PORT}/{url.database or ''}"


def is_text(value: str) -> bool:
    """Return whether a value is free of control characters and of bytes that are no UTF-8.

    >>> is_text("/srv/Überweisung 50%"), is_text("two" + chr(10) + "lines")
    (True, False)
    """
    return not any(unicodedata.category(character) in NOT_TEXT for character in value)


def require_readable(folder: str) -> None:
    """Refuse a raw folder with both a colon and a wildcard in its path.

    When Hadoop expands a pattern, it takes the text before a colon for a scheme, so Spark cannot read such a folder.

    Raises:
        SettingsError: The path has both.
    """
    if not is_remote(folder) and ":" in folder and WILDCARD.search(folder):
        raise SettingsError(
            f"the raw folder {folder} has a colon and a bracket, brace, *, ? or backslash in its path, which Spark "
            "cannot read together: rename one of the folders, or set ANTIFRAUD_RAW_DIR"
        )


def require_redis_url(url: str, variable: str) -> None:
    """Refuse what is no address of a Redis, or has a password in it.

    >>> require_redis_url("redis://10.0.0.7:6379/0", "ANTIFRAUD_STORE_URL")

    Raises:
        SettingsError: It is one of these. The value is not repeated: it may have a password in it.
    """
    found = urlsplit(url)
    if "@" in found.netloc:
        raise SettingsError(f"{variable} has an account in it: write it into the file of ANTIFRAUD_STORE_ACCOUNT")
    if found.query or found.fragment or not REDIS_URL.fullmatch(url):
        raise SettingsError(f"{variable} names no Redis: expected redis://host:6379/0, or rediss://host:6379/0 for TLS")

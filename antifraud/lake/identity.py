"""The identity of a lake: its UUID and its place, written into its warehouse, its catalog and every home.

Iceberg's metadata holds absolute paths. A copied or moved lake therefore still names the files of the original, and
maintenance of the copy would remove them. So an empty lake gets an identity with its tables: `lake.json` in the
warehouse, and properties of the namespace in the catalog. A home notes the lake that it belongs to in `lake.id`.
`antifraud/lake/ownership.py` compares them with the settings.
"""

import dataclasses
import errno
import json
import os
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from antifraud.errors import ForeignLake
from antifraud.files import exclusive
from antifraud.lake.schemas import NAMESPACE
from antifraud.lake.storage import warehouse_folder
from antifraud.lake.warehouse import IDENTITY, UNFINISHED, has_tables, read_bytes
from antifraud.settings.core import JobSettings
from antifraud.settings.locations import catalog_address, is_remote, is_text

if TYPE_CHECKING:
    from pyiceberg.catalog.sql import SqlCatalog

WITHOUT_LINKS: Final = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP})
"""Error numbers of a file system without hard links."""
PREFIX: Final = "lake."
"""Prefix of the namespace's properties that hold the identity."""
HOME: Final = ("lake", "lake.id")
"""File of a home with the UUID of its lake. It lies in the folder of the lake, so that both are removed together."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A lake and its places.

    Attributes:
        lake: UUID.
        warehouse: Resolved location of the tables.
        catalog: URI of the catalog, without a password.
        endpoint: URL of the S3 server; empty for AWS, and for a warehouse on a disk.
    """

    lake: str
    warehouse: str
    catalog: str
    endpoint: str = ""

    @classmethod
    def of_settings(cls, settings: JobSettings, lake: str = "") -> Self:
        """Return the identity that a lake of these settings must have."""
        endpoint = (settings.s3_endpoint or "") if is_remote(settings.lake_warehouse) else ""
        return cls(lake, settings.lake_warehouse, catalog_address(settings.lake_catalog_uri), endpoint.rstrip("/"))

    @classmethod
    def parse(cls, values: Mapping[str, Any], place: str) -> Self:
        """Return the identity in `values`; `place` names their place in the error.

        Raises:
            ForeignLake: A field is missing or no line of text, or the lake is no UUID.
        """
        try:
            identity = cls(**{field.name: values[field.name] for field in dataclasses.fields(cls)})
            uuid.UUID(identity.lake)
            if all(is_text(value) for value in dataclasses.astuple(identity)):
                return identity
        except (KeyError, TypeError, ValueError, AttributeError):
            pass
        raise ForeignLake(f"{place} is no identity of a lake: restore it from the backup") from None

    def lies_where(self, other: Self) -> bool:
        """Return whether both have the same warehouse on the same server, and the same catalog."""
        return dataclasses.replace(self, lake=other.lake) == other

    def __str__(self) -> str:
        at = f" at {self.endpoint}" if self.endpoint else ""
        return f"{self.warehouse}{at} and {self.catalog}"


@dataclass(frozen=True, slots=True)
class Identities:
    """Identities in warehouse and catalog, and the lake that the home notes; None for a missing one."""

    in_warehouse: Identity | None
    in_catalog: Identity | None
    home: str | None

    @property
    def all(self) -> dict[str, Identity]:
        """Return the identities that are there, by the word for their place."""
        named = {"warehouse": self.in_warehouse, "catalog": self.in_catalog}
        return {name: identity for name, identity in named.items() if identity}


def find_identities(settings: JobSettings, catalog: "SqlCatalog") -> Identities:
    """Read the identities in warehouse, catalog and home.

    Raises:
        ForeignLake: One of them holds something else than an identity.
    """
    # A lake that is being made gets its file first, then its row, then its home. Reading in the other order never
    # finds a later one without an earlier one.
    home, in_catalog = _of_home(settings), _in_catalog(catalog)
    return Identities(identity_in(settings, settings.lake_warehouse), in_catalog, home)


def identity_in(settings: JobSettings, folder: str, name: str = IDENTITY) -> Identity | None:
    """Return the identity in a warehouse; None if there is none.

    Raises:
        ForeignLake: The file cannot be read, or holds no identity.
    """
    location = f"{folder}/{name}"
    try:
        content = read_bytes(settings, location)
        return None if content is None else Identity.parse(json.loads(content), location)
    except OSError as error:
        if is_remote(location):
            raise
        raise ForeignLake(f"{location} cannot be read ({type(error).__name__}): let this user read it") from None
    except ValueError:
        raise ForeignLake(f"{location} is no identity of a lake: restore it from the backup") from None


def _in_catalog(catalog: "SqlCatalog") -> Identity | None:
    from pyiceberg.exceptions import NoSuchNamespaceError

    if not has_tables(catalog):
        return None
    try:
        properties = catalog.load_namespace_properties(NAMESPACE)
    except NoSuchNamespaceError:
        return None
    values = {name.removeprefix(PREFIX): text for name, text in properties.items() if name.startswith(PREFIX)}
    return Identity.parse(values, f"the namespace {NAMESPACE} of the catalog") if values else None


def _of_home(settings: JobSettings) -> str | None:
    file = settings.under_home(*HOME)
    try:
        return str(uuid.UUID(file.read_text().strip()))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise ForeignLake(
            f"{file} cannot be read as the UUID of a lake ({type(error).__name__}): let this user read it, or remove it"
        ) from None


def write_identity(settings: JobSettings, identity: Identity, *, replace: bool = True, name: str = IDENTITY) -> None:
    """Write the identity into the warehouse atomically; an existing one stays unless `replace`."""
    folder, content = warehouse_folder(settings), json.dumps(dataclasses.asdict(identity), indent=2) + "\n"
    if is_remote(settings.lake_warehouse):
        with suppress(FileExistsError):
            mode = "overwrite" if replace else "create"
            folder.fs.pipe_file(f"{folder.path}/{name}", content.encode(), mode=mode)  # type: ignore[attr-defined]
    else:
        _put(folder / name, content, replace=replace)


def remove_unfinished(settings: JobSettings, name: str) -> None:
    """Remove the file that an adoption has written next to the identity."""
    (warehouse_folder(settings) / name).unlink(missing_ok=True)


def bind_home(settings: JobSettings, lake: str, *, replace: bool = False) -> None:
    """Note the lake in the home; an existing note stays unless `replace`."""
    if not replace and settings.under_home(*HOME).exists():
        return
    _put(settings.under_home(*HOME), f"{lake}\n", replace=replace)


def _put(target: Path, content: str, *, replace: bool) -> None:
    """Write a file atomically, as readable as the tables are; `antifraud.files.replace_file` writes private files."""
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.with_name(f"{UNFINISHED}{uuid.uuid4()}")
    try:
        with scratch.open("w") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            scratch.replace(target)
        else:
            _link(scratch, target)
    finally:
        scratch.unlink(missing_ok=True)


def _link(scratch: Path, target: Path) -> None:
    """Give a file its name unless that is taken; unlike a rename, a link never replaces a file."""
    try:
        os.link(scratch, target)
    except FileExistsError:
        return
    except OSError as error:
        if error.errno not in WITHOUT_LINKS:
            raise
        with exclusive(target.parent):
            if not target.exists():
                scratch.replace(target)


def identity_properties(identity: Identity) -> dict[str, str]:
    """Return the properties of the namespace that hold an identity."""
    return {f"{PREFIX}{name}": value for name, value in dataclasses.asdict(identity).items()}


def create_properties(catalog: "SqlCatalog", identity: Identity) -> None:
    """Write the identity into the catalog, unless another job was quicker."""
    from pyiceberg.exceptions import NamespaceAlreadyExistsError
    from sqlalchemy.exc import IntegrityError

    try:
        catalog.create_namespace(NAMESPACE, identity_properties(identity))
    except (NamespaceAlreadyExistsError, IntegrityError):
        # Another job was quicker, or a job of a version without identities was killed before its first table.
        if _in_catalog(catalog) is None:
            with suppress(IntegrityError):
                catalog.update_namespace_properties(NAMESPACE, updates=identity_properties(identity))

"""Whether somebody else may still use a lake that is to be adopted: what can be told, and what only a person knows.

Half a copy has one part of its own and shares the other with the original, which goes on to use it: adopting it would
take that part away. Places are compared by substance, for one database or folder can have two names.
"""

import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from antifraud.errors import AntifraudError, ForeignLake
from antifraud.lake.catalog import open_any_catalog
from antifraud.lake.identity import Found, Identity, identity_in
from antifraud.lake.storage import CONNECT_SECONDS
from antifraud.lake.warehouse import TableName, read_bytes
from antifraud.settings.core import JobSettings
from antifraud.settings.locations import POSTGRESQL, is_remote, plain, sqlite_file

if TYPE_CHECKING:
    from pyiceberg.catalog.sql import SqlCatalog

VERSION: Final = re.compile(r"(\d+)-[^/]*\.metadata\.json$")
WHICH_DATABASE: Final = (
    "SELECT (SELECT oid FROM pg_database WHERE datname = current_database()), pg_postmaster_start_time()"
)
"""Tells one database from another, whatever the server's name: which of a server, and when that one started."""


def doubts_about(
    settings: JobSettings,
    catalog: "SqlCatalog",
    found: Found,
    old: str,
    tables: Mapping[TableName, str],
    present: AbstractSet[str],
) -> Iterator[str]:
    """Yield what cannot be told, each as a question to a person; `old` is the warehouse that the metadata names.

    Raises:
        ForeignLake: The original certainly is in use with half of what is to be adopted.
    """
    mine = Identity.of_settings(settings)
    for was in {identity for identity in found.all.values() if not identity.lies_where(mine)}:
        yield from _doubts_about_half(settings, catalog, was, mine)
    if found.home and found.all and found.home not in {identity.lake for identity in found.all.values()}:
        yield f"this home belongs to lake {found.home}: shall it change its lake?"
    if not found.all and old != mine.warehouse and _is_there(settings, next(iter(tables.values()))):
        yield f"the tables are still in {old}, too: is the catalog {mine.catalog} a copy, and not the one in use there?"
    if newer := _newer_metadata(mine.warehouse, tables, present):
        yield f"{newer} is newer than what the catalog knows: is the catalog the newest one of this warehouse?"


def _doubts_about_half(settings: JobSettings, catalog: "SqlCatalog", was: Identity, mine: Identity) -> Iterator[str]:
    same_warehouse = _is_same_folder(was.warehouse, mine.warehouse)
    same_catalog = _is_same_catalog(settings, catalog, was, mine)
    if same_catalog and same_warehouse:
        yield f"{was.warehouse} and {was.catalog} are these under other names: has everybody else the new ones?"
    elif same_catalog:
        if used := _is_used(settings, was):
            raise _in_use(was, "warehouse", was.warehouse)
        state = "cannot be seen" if used is None else "is not there"
        yield f"the warehouse {was.warehouse} {state}: has it moved?"
    elif same_warehouse:
        if same_catalog is False and _is_reachable(settings, was):
            raise _in_use(was, "catalog", was.catalog)
        yield f"the catalog {was.catalog} cannot be reached: has it moved?"
    elif same_catalog is None:
        yield f"the catalog {was.catalog} cannot be reached: is {mine.catalog} a copy of it, and not the same one?"


def _in_use(was: Identity, what: str, place: str) -> ForeignLake:
    return ForeignLake(
        f"lake {was.lake} is still in use with the {what} {place}: copy both, warehouse and catalog; or, if the {what} "
        "has moved, see that the old one is gone"
    )


def _is_same_folder(one: str, other: str) -> bool:
    if one == other or is_remote(one) or is_remote(other):
        return one == other
    return Path(one).exists() and Path(other).exists() and Path(one).samefile(other)


def _is_used(settings: JobSettings, was: Identity) -> bool | None:
    """Return whether the old warehouse still has the lake's identity; None if it cannot be seen."""
    try:
        there = identity_in(settings, was.warehouse)
    except (OSError, ForeignLake):
        return None
    return there is not None and there.lake == was.lake


def _is_same_catalog(settings: JobSettings, catalog: "SqlCatalog", was: Identity, mine: Identity) -> bool | None:
    """Return whether both names are of one database; None if the old one cannot be asked."""
    if was.catalog == mine.catalog:
        return True
    old, new = sqlite_file(was.catalog), sqlite_file(mine.catalog)
    if old or new:
        return bool(old and new and old.exists() and old.samefile(new))
    theirs = _database_of(settings, was)
    return None if theirs is None else theirs == _which(catalog)


def _is_reachable(settings: JobSettings, was: Identity) -> bool:
    file = sqlite_file(was.catalog)
    return file.exists() if file else _database_of(settings, was) is not None


def _database_of(settings: JobSettings, was: Identity) -> Any:
    from sqlalchemy.exc import SQLAlchemyError

    uri = was.catalog.replace(POSTGRESQL, f"{POSTGRESQL}+psycopg2", 1)
    elsewhere = replace(settings, catalog_uri=f"{uri}?connect_timeout={CONNECT_SECONDS}")
    try:
        return _which(open_any_catalog(elsewhere, make=False))
    except (AntifraudError, SQLAlchemyError):
        return None


def _which(catalog: "SqlCatalog") -> Any:
    from sqlalchemy import text

    with catalog.engine.connect() as connection:
        return tuple(connection.execute(text(WHICH_DATABASE)).one())


def _is_there(settings: JobSettings, location: str) -> bool:
    try:
        return read_bytes(settings, location) is not None
    except OSError:
        return True  # it cannot be seen, so it may be


def _newer_metadata(warehouse: str, tables: Mapping[TableName, str], present: AbstractSet[str]) -> str | None:
    """Return a metadata file of a higher version than the catalog's, if a table has one."""
    for (space, name), location in sorted(tables.items()):
        current, folder = _version(plain(location)), f"{warehouse}/{space}/{name}/metadata/"
        newer = [path for path in present if path.startswith(folder) and _version(path) > current]
        if newer:
            return max(newer, key=_version)
    return None


def _version(path: str) -> int:
    found = VERSION.search(path)
    return int(found[1]) if found else -1

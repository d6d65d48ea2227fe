"""Other users of a lake that is to be adopted: what the code can find out, and what only a person knows.

Half a copy has one part of its own, and shares the other part with the original. Adopting it would take that part away
from the original. One database or folder can have two names, so that places are compared by substance.
"""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from antifraud.errors import AntifraudError, ForeignLake
from antifraud.lake.catalog import open_any_catalog
from antifraud.lake.identity import Identities, Identity, identity_in
from antifraud.lake.storage import CONNECT_SECONDS
from antifraud.lake.warehouse import TableName, newer_metadata, read_bytes
from antifraud.settings.core import JobSettings
from antifraud.settings.locations import is_remote, sqlite_file

if TYPE_CHECKING:
    from pyiceberg.catalog.sql import SqlCatalog

WHICH_DATABASE: Final = (
    "SELECT (SELECT oid FROM pg_database WHERE datname = current_database()), pg_postmaster_start_time()"
)
"""Query that tells databases apart, whatever their servers are called: database id and start of the server."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The lake to adopt, as it is found.

    Attributes:
        old: Warehouse that the metadata names.
        tables: Location of each table's metadata.
        present: Files in the warehouse.
        begun: Whether an earlier adoption was killed.
    """

    old: str
    tables: Mapping[TableName, str]
    present: AbstractSet[str]
    begun: bool


def doubts_about(settings: JobSettings, catalog: "SqlCatalog", identities: Identities, scene: Scene) -> Iterator[str]:
    """Yield everything that the code cannot find out, each as a question to a person.

    Raises:
        ForeignLake: The original certainly still uses one half of what is to be adopted.
    """
    mine = Identity.of_settings(settings)
    for was in {identity for identity in identities.all.values() if not identity.lies_where(mine)}:
        yield from _doubts_about_half(settings, catalog, was, mine)
    lakes = {identity.lake for identity in identities.all.values()}
    if identities.home and lakes and identities.home not in lakes and not scene.begun:
        yield f"this home belongs to lake {identities.home}: shall it change its lake?"
    moved = not lakes and not _is_same_folder(scene.old, mine.warehouse)
    if moved and _is_there(settings, next(iter(scene.tables.values()))):
        yield f"the tables are still in {scene.old}, too: is the catalog {mine.catalog} a copy, not the one used there?"
    if newer := newer_metadata(mine.warehouse, scene.tables, scene.present):
        yield f"{newer} is newer than what the catalog knows: is the catalog the newest one of this warehouse?"


def _doubts_about_half(settings: JobSettings, catalog: "SqlCatalog", was: Identity, mine: Identity) -> Iterator[str]:
    same_warehouse = _is_same_warehouse(was, mine)
    same_catalog = _is_same_catalog(settings, catalog, was, mine)
    if same_warehouse is None:
        server = was.endpoint or "AWS"
        yield f"{was.warehouse} was on the server {server}: does nobody use this lake or its catalog by that name?"
    elif same_catalog and same_warehouse:
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


def _is_same_warehouse(was: Identity, mine: Identity) -> bool | None:
    """Return whether both names mean one folder; None if one S3 server may have two names."""
    if was.warehouse == mine.warehouse and was.endpoint != mine.endpoint:
        return None
    return _is_same_folder(was.warehouse, mine.warehouse)


def _is_used(settings: JobSettings, was: Identity) -> bool | None:
    """Return whether the old warehouse still has the lake's identity; None if it cannot be seen."""
    try:
        there = identity_in(settings, was.warehouse)
    except (OSError, ForeignLake):
        return None
    return there is not None and there.lake == was.lake


def _is_same_catalog(settings: JobSettings, catalog: "SqlCatalog", was: Identity, mine: Identity) -> bool | None:
    """Return whether both names mean one database; None if the old one cannot be asked."""
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
    from sqlalchemy import make_url
    from sqlalchemy.exc import SQLAlchemyError

    there = make_url(was.catalog)
    uri = make_url(settings.lake_catalog_uri).set(host=there.host, port=there.port, database=there.database)
    uri = uri.update_query_dict({"connect_timeout": str(CONNECT_SECONDS)})
    try:
        elsewhere = replace(settings, catalog_uri=uri.render_as_string(hide_password=False))
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
        return True  # The place cannot be read, so the file may be there.

"""The adoption of a copied or moved lake: from then on it belongs to the settings.

Iceberg writes absolute paths into metadata files, manifest lists and manifests. An adoption takes three steps:

1. It writes these files anew, next to the old ones, with the paths of the new place. Data files stay as they are.
2. It changes the rows of the catalog, all in one transaction.
3. It writes the identities in warehouse and home.

After a kill no other job accepts the lake, and the same command continues the adoption.

Iceberg has a procedure, `rewrite_table_path`. It is of no use here: it reads tables at their old place, which may be
gone or may have changed since.
"""

import uuid
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from antifraud.errors import ForeignLake
from antifraud.lake.identity import (
    Identities,
    Identity,
    bind_home,
    find_identities,
    identity_in,
    identity_properties,
    remove_unfinished,
    write_identity,
)
from antifraud.lake.ownership import require_apart, require_own_tables
from antifraud.lake.schemas import CATALOG, NAMESPACE
from antifraud.lake.warehouse import UNFINISHED, TableName, files_below, table_locations, write_bytes
from antifraud.settings.core import JobSettings
from antifraud.settings.locations import normalise_scheme
from jobs.upkeep.moved_metadata import Move, Written, next_metadata, write_anew
from jobs.upkeep.other_users import Scene, doubts_about

if TYPE_CHECKING:
    from pyiceberg.catalog.sql import SqlCatalog

METADATA: Final = "metadata"
BEGUN: Final = f"{UNFINISHED}adopting"
"""File of the warehouse with the new identity while an adoption is under way."""


@dataclass(frozen=True, slots=True)
class Adoption:
    """A lake to adopt.

    Attributes:
        identities: Identities that it has.
        identity: Identity that it gets.
        old: Warehouse that its metadata names.
        tables: Location of each table's metadata according to the catalog.
        doubts: Questions that only a person can answer: somebody else may still use the warehouse or the catalog.
    """

    identities: Identities
    identity: Identity
    old: str
    tables: Mapping[TableName, str]
    doubts: tuple[str, ...]


def plan_adoption(settings: JobSettings, catalog: "SqlCatalog") -> Adoption | None:
    """Return what there is to adopt; None if the lake belongs to the settings already, or does not exist yet.

    Raises:
        ForeignLake: Warehouse and catalog belong to two lakes, somebody uses the lake at its old place, or files belong
            to no table.
    """
    identities, tables = find_identities(settings, catalog), table_locations(catalog)
    present = frozenset(files_below(settings))
    if not (tables or identities.all or present) or _is_own(settings, catalog, identities):
        return None
    require_apart(settings)
    _require_tables(settings, tables, present)
    begun = _begun(settings)
    identity = _successor(settings, identities, begun)
    old = _old_warehouse(tables, identity.warehouse)
    if begun:
        # Files that the killed adoption has written are no sign of another user.
        move = Move(old, identity.warehouse, begun.lake)
        present -= {next_metadata(move, location) for location in tables.values()}
    doubts = doubts_about(settings, catalog, identities, Scene(old, tables, present, begun=begun is not None))
    return Adoption(identities, identity, old, tables, tuple(doubts))


def _is_own(settings: JobSettings, catalog: "SqlCatalog", identities: Identities) -> bool:
    try:
        require_own_tables(settings, catalog)
    except ForeignLake:
        return False
    return identities.in_catalog is not None


def _require_tables(settings: JobSettings, tables: Mapping[TableName, str], present: AbstractSet[str]) -> None:
    """Refuse files of tables that the catalog does not know: maintenance of the adopted lake would remove them.

    Raises:
        ForeignLake: There are such files.
    """
    start = len(settings.lake_warehouse) + 1
    folders = {tuple(path[start:].split("/")[:2]) for path in present}
    if unknown := sorted("/".join(each) for each in folders if each[0] == NAMESPACE and each not in tables):
        raise ForeignLake(
            f"the warehouse {settings.lake_warehouse} has files in {unknown[0]}, and the catalog has no such table: "
            "restore the catalog from its backup, or correct ANTIFRAUD_CATALOG_URI"
        )


def _begun(settings: JobSettings) -> Identity | None:
    """Return the new identity of an adoption that was killed; None if there was none.

    Raises:
        ForeignLake: The file of that adoption cannot be read.
    """
    try:
        return identity_in(settings, settings.lake_warehouse, BEGUN)
    except ForeignLake:
        raise ForeignLake(
            f"{settings.lake_warehouse}/{BEGUN}, which an adoption that was killed has left, is damaged: remove it"
        ) from None


def _successor(settings: JobSettings, identities: Identities, begun: Identity | None) -> Identity:
    """Return the identity that the lake gets: its own if it already lies here, else a new one.

    Raises:
        ForeignLake: Warehouse and catalog belong to two lakes.
    """
    mine = Identity.of_settings(settings)
    # An adoption that was killed half way leaves the new identity and the old one of a single lake.
    lakes = {identity.lake for identity in identities.all.values()} - {begun.lake if begun else ""}
    if len(lakes) > 1:
        raise ForeignLake(
            f"the warehouse {mine.warehouse} and the catalog {mine.catalog} are of two lakes: neither can be adopted "
            "with the other; correct ANTIFRAUD_WAREHOUSE or ANTIFRAUD_CATALOG_URI"
        )
    if begun and begun.lies_where(mine):
        return begun
    stays = lakes and all(identity.lies_where(mine) for identity in identities.all.values())
    return replace(mine, lake=lakes.pop() if stays else str(uuid.uuid4()))


def _old_warehouse(tables: Mapping[TableName, str], new: str) -> str:
    """Return the warehouse that the catalog names for all tables.

    Raises:
        ForeignLake: Tables lie in several warehouses, or outside the folder of tables.
    """
    warehouses = {new} if not tables else set()
    for (space, name), location in tables.items():
        folder = normalise_scheme(location).rpartition("/")[0]
        place = folder.removesuffix(f"/{space}/{name}/{METADATA}")
        if place == folder:
            raise ForeignLake(
                f"the metadata of table {space}.{name} is {location}, not in {space}/{name}/{METADATA} of a warehouse: "
                "such a table cannot be adopted"
            )
        warehouses.add(place)
    if len(warehouses) > 1:
        raise ForeignLake(
            f"the tables lie in several warehouses ({', '.join(sorted(warehouses))}): nothing was changed"
        )
    return warehouses.pop()


def tidy(settings: JobSettings) -> None:
    """Remove the file that an adoption leaves if it is killed at its very end."""
    remove_unfinished(settings, BEGUN)


def adopt(settings: JobSettings, catalog: "SqlCatalog", adoption: Adoption, *, apply: bool) -> int:
    """Adopt the lake if `apply`; return how many files of metadata are written anew.

    All tables are read and checked before the first file is written.

    Raises:
        LakeNotAdopted: A file is missing.
        ForeignLake: A table cannot be adopted, or another job published meanwhile.
    """
    identity = adoption.identity
    move = Move(adoption.old, identity.warehouse, identity.lake)
    present = frozenset(files_below(settings))
    tables = {name: write_anew(settings, move, location, present) for name, location in sorted(adoption.tables.items())}
    if move.old == move.new:
        tables = {}  # No path changes, but every table was read, so that nothing is missing.
    contents = {path: content for table in tables.values() for path, content in table.files.items()}
    if apply:
        write_identity(settings, identity, name=BEGUN)
        for path, content in contents.items():
            write_bytes(settings, path, content)
        _turn_catalog(catalog, tables, identity)
        write_identity(settings, identity)
        bind_home(settings, identity.lake, replace=True)
        tidy(settings)
        require_own_tables(settings, catalog)
    return len(contents)


def _turn_catalog(catalog: "SqlCatalog", tables: Mapping[TableName, Written], identity: Identity) -> None:
    """Enter the new metadata of all tables and the new identity into the catalog, in one transaction."""
    from pyiceberg.catalog.sql import IcebergNamespaceProperties, IcebergTables
    from sqlalchemy import delete, insert, update
    from sqlalchemy.orm import Session

    rows, properties = IcebergTables, IcebergNamespaceProperties
    wanted = identity_properties(identity)
    of_namespace = {"catalog_name": CATALOG, "namespace": NAMESPACE}
    with Session(catalog.engine) as session, session.begin():
        for (space, name), table in tables.items():
            row = update(rows).where(
                rows.catalog_name == CATALOG, rows.table_namespace == space, rows.table_name == name,
                rows.metadata_location == table.location,
            )  # fmt: skip
            turned: Any = session.execute(row.values(metadata_location=table.metadata, previous_metadata_location=None))
            if turned.rowcount != 1:
                raise ForeignLake(f"a job has published to {space}.{name} meanwhile: stop all jobs and adopt again")
        session.execute(delete(properties).filter_by(**of_namespace).where(properties.property_key.in_(wanted)))
        values = [{**of_namespace, "property_key": key, "property_value": value} for key, value in wanted.items()]
        session.execute(insert(properties), values)

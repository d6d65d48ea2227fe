"""The ownership of a lake: warehouse, catalog, home and tables compared with the settings, before a job begins."""

import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from antifraud.errors import ForeignLake, LakeNotAdopted
from antifraud.lake.identity import (
    HOME,
    Identities,
    Identity,
    bind_home,
    create_properties,
    find_identities,
    identity_in,
    write_identity,
)
from antifraud.lake.schemas import NAMESPACE
from antifraud.lake.warehouse import IDENTITY, files_below, paths_of_metadata, read_metadata, table_locations
from antifraud.settings.core import JobSettings
from antifraud.settings.locations import is_below, is_remote, normalise_scheme

if TYPE_CHECKING:
    from pyiceberg.catalog.sql import SqlCatalog

DENIED: Final = ("ACCESS_DENIED", "HTTP status 403")
"""Words by which pyarrow tells that an account may not read a key."""
ADOPT: Final = "`python -m jobs.adopt`"


def require_own_lake(settings: JobSettings, catalog: "SqlCatalog") -> Identity | None:
    """Return the identity of a lake that belongs to the settings; None if the catalog has no tables yet.

    Raises:
        ForeignLake: Warehouse, catalog, home and settings do not belong to one lake, or a table lies outside the
            warehouse.
        LakeNotAdopted: There are tables without an identity.
    """
    # Tables are read first: a lake with tables already has an identity, even while another job makes it.
    tables, identities = table_locations(catalog), find_identities(settings, catalog)
    mine = Identity.of_settings(settings)
    require_agreement(identities, mine)
    if tables and not identities.all:
        raise LakeNotAdopted(
            f"the lake of {mine.warehouse} and {mine.catalog} has tables and no identity: if it is where these "
            f"settings say, and nobody else's, say so with {ADOPT}"
        )
    if identities.in_catalog and not identities.in_warehouse:
        raise ForeignLake(
            f"the warehouse {mine.warehouse} has lost the identity of its lake, or is another one: restore it, or "
            f"correct the settings; if it is the lake of {mine.catalog}, say so with {ADOPT}"
        )
    if identities.in_warehouse and not identities.in_catalog:
        _require_unmade(settings, catalog, mine)
    for name, location in tables.items():
        require_inside(".".join(name), [location], mine.warehouse)
    return identities.in_catalog


def require_agreement(identities: Identities, mine: Identity) -> None:
    """Refuse identities that belong to several lakes, or that do not lie where `mine` does.

    Raises:
        ForeignLake: The identities disagree with each other or with the settings.
    """
    for place, identity in identities.all.items():
        if not identity.lies_where(mine):
            raise ForeignLake(
                f"the settings name {mine}, whose {place} belongs to lake {identity.lake} in {identity}: correct "
                "ANTIFRAUD_HOME, ANTIFRAUD_WAREHOUSE, ANTIFRAUD_CATALOG_URI or ANTIFRAUD_S3_ENDPOINT; if the "
                f"lake was copied or moved, make this one a lake of its own with {ADOPT}"
            )
    lakes = {identity.lake for identity in identities.all.values()}
    if len(lakes) > 1:
        raise ForeignLake(
            f"the warehouse {mine.warehouse} and the catalog {mine.catalog} are of two lakes: correct "
            "ANTIFRAUD_WAREHOUSE or ANTIFRAUD_CATALOG_URI"
        )
    if lakes and identities.home and identities.home not in lakes:
        _refuse_home(identities.home, f"lake {lakes.pop()} of {mine.warehouse}")


def _refuse_home(home: str, other: str) -> NoReturn:
    raise ForeignLake(
        f"the home belongs to lake {home} ({'/'.join(HOME)}), the settings name {other}: correct ANTIFRAUD_HOME, or "
        "ANTIFRAUD_WAREHOUSE and ANTIFRAUD_CATALOG_URI; if the home has changed its lake on purpose, say so with "
        f"{ADOPT}"
    )


def _require_unmade(settings: JobSettings, catalog: "SqlCatalog", mine: Identity) -> None:
    """Refuse a lake without an identity in its catalog, unless another job is just making it."""
    tables, files = table_locations(catalog), any(files_below(settings, NAMESPACE))
    # Read again: another job may have finished making the lake meanwhile.
    if not (tables or files) or find_identities(settings, catalog).in_catalog:
        return
    advice = f"; if it is the lake of {mine.warehouse}, say so with {ADOPT}" if tables else ""
    raise ForeignLake(
        f"the catalog {mine.catalog} has lost the identity of the lake in {mine.warehouse}, or is another one: restore "
        f"it from its backup, or correct the settings{advice}"
    )


def require_own_tables(settings: JobSettings, catalog: "SqlCatalog") -> None:
    """Refuse a lake that does not belong to the settings, down to its tables' metadata, or that overlaps another.

    Raises:
        ForeignLake: As `require_own_lake` and `require_apart`, or a path in a table's metadata lies outside the
            warehouse.
    """
    require_own_lake(settings, catalog)
    require_apart(settings)
    for name, location in table_locations(catalog).items():
        paths = paths_of_metadata(read_metadata(settings, location))
        require_inside(".".join(name), paths, settings.lake_warehouse)


def claim_lake(settings: JobSettings, catalog: "SqlCatalog") -> Identity:
    """Return the lake's identity; an empty lake gets one, the same for two jobs that claim it at once.

    Raises:
        ForeignLake: As `require_own_lake`, or the warehouse lies inside another lake's warehouse.
        LakeNotAdopted: There are tables without an identity, or files without tables.
    """
    identity = require_own_lake(settings, catalog)
    if identity is None:
        require_apart(settings)
        stray, identities = next(files_below(settings, NAMESPACE), None), find_identities(settings, catalog)
        if identities.home and not identities.all:
            raise ForeignLake(
                f"the home belongs to lake {identities.home}, the settings name an empty lake in "
                f"{settings.lake_warehouse}: correct them; if the old lake was removed on purpose, remove "
                f"{settings.under_home(*HOME)}, too"
            )
        require_no_lake_inside(settings, files_below(settings))
        if stray and not identities.all:
            raise LakeNotAdopted(
                f"the warehouse {settings.lake_warehouse} holds files ({stray}) of which the catalog knows nothing: "
                "correct ANTIFRAUD_WAREHOUSE or ANTIFRAUD_CATALOG_URI, restore the catalog, or empty the folder"
            )
        write_identity(settings, Identity.of_settings(settings, str(uuid.uuid4())), replace=False)
        if written := identity_in(settings, settings.lake_warehouse):
            create_properties(catalog, written)
        identity = require_own_lake(settings, catalog)
    if identity is None:
        raise ForeignLake(f"the identity of {settings.lake_warehouse} went away while it was written: run it again")
    bind_home(settings, identity.lake)
    return identity


def require_inside(table: str, paths: Sequence[str], warehouse: str) -> None:
    """Refuse paths of a table outside the warehouse, by their text or after symbolic links are resolved.

    Raises:
        ForeignLake: There is such a path; the message names the first one.
    """
    for path in paths:
        real = path if is_remote(normalise_scheme(path)) else str(Path(normalise_scheme(path)).resolve())
        if not (is_below(path, warehouse) and is_below(real, warehouse)):
            raise ForeignLake(
                f"table {table} has {path}, which does not lie in the warehouse {warehouse}: take symbolic links away "
                f"and correct the settings; if the lake was copied or moved, make it one of its own with {ADOPT}"
            )


def require_apart(settings: JobSettings) -> None:
    """Refuse places of the settings that a lake's maintenance would remove as orphans.

    Raises:
        ForeignLake: The warehouse or the home lies in another lake's warehouse, or any place lies among tables.
    """
    places = (settings.lake_warehouse, str(settings.under_home()), *settings.places)
    for position, place in enumerate(places):
        for folder in _parents(place):
            among_tables = is_below(place, f"{folder}/{NAMESPACE}") or place == f"{folder}/{NAMESPACE}"
            of_another = position < 2 and folder != settings.lake_warehouse  # noqa: PLR2004 - warehouse and home
            if (among_tables or of_another) and _is_warehouse(settings, folder):
                raise ForeignLake(
                    f"{place} lies in the warehouse {folder}, whose maintenance would remove it: choose a folder "
                    "elsewhere"
                )


def require_no_lake_inside(settings: JobSettings, files: Iterable[str]) -> None:
    """Refuse a warehouse with another lake inside: maintenance would remove that lake's files as orphans.

    Raises:
        ForeignLake: A file is the identity of another lake.
    """
    for path in files:
        folder, _, name = path.rpartition("/")
        if name == IDENTITY and _is_warehouse(settings, folder):
            raise ForeignLake(
                f"{folder} is the warehouse of another lake, inside {settings.lake_warehouse}: nothing was changed or "
                "removed; correct ANTIFRAUD_WAREHOUSE, or move that lake elsewhere"
            )


def _is_warehouse(settings: JobSettings, folder: str) -> bool:
    """Return whether a folder has the identity of a lake, as far as the account can see."""
    try:
        return identity_in(settings, folder) is not None
    except ForeignLake:
        return False  # A file of that name without an identity.
    except OSError as error:
        if any(word in str(error) for word in DENIED):
            return False  # The account sees only its own prefix of the bucket.
        raise


def _parents(location: str) -> list[str]:
    if not is_remote(location):
        return [str(folder).rstrip("/") for folder in Path(location).parents]
    parts = location.split("/")
    return ["/".join(parts[:end]) for end in range(3, len(parts))]

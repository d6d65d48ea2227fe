"""A lake of two small tables without Spark, and ways in which settings, copies and moves damage it."""

import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from antifraud.lake.catalog import open_any_catalog, open_catalog
from antifraud.lake.ownership import claim_lake
from antifraud.lake.schemas import NAMESPACE
from antifraud.settings.core import JobSettings

ROWS = pa.table({"number": [1, 2, 3]})
NAMES = ("clean", "runs")
ALL = {"clean": [1, 2, 3], "runs": [1, 2, 3]}


def make_lake(home, *, claimed=True):
    """Make a lake of two small tables as a job does, claimed first."""
    settings = JobSettings(home=home)
    catalog = open_any_catalog(settings)
    if claimed:
        claim_lake(settings, catalog)
    else:
        catalog.create_namespace(NAMESPACE)
    for name in NAMES:
        table = catalog.create_table((NAMESPACE, name), ROWS.schema)
        table.append(ROWS.slice(0, 1))
        table.append(ROWS.slice(1))
    return settings


def rows(settings):
    """Return the rows of every table."""
    tables = {name: open_catalog(settings).load_table((NAMESPACE, name)) for name in NAMES}
    return {name: sorted(table.scan().to_arrow()["number"].to_pylist()) for name, table in tables.items()}


def content(*folders):
    """Return every file below the folders with its bytes."""
    return {path: path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()}


def copied(lake, tmp_path):
    shutil.copytree(lake.home, tmp_path / "copy")
    return JobSettings(home=tmp_path / "copy")


def moved(lake, tmp_path):
    lake.home.rename(tmp_path / "moved")
    return JobSettings(home=tmp_path / "moved")


def another_warehouse(lake, tmp_path):
    return replace(lake, warehouse=make_lake(tmp_path / "other").lake_warehouse)


def another_catalog(lake, tmp_path):
    return replace(lake, catalog_uri=make_lake(tmp_path / "other").lake_catalog_uri)


def an_empty_warehouse(lake, tmp_path):
    return replace(lake, warehouse=str(tmp_path / "empty"))


def an_empty_catalog(lake, tmp_path):
    return replace(lake, catalog_uri=f"sqlite:///{tmp_path}/empty.db")


def a_lost_catalog(lake, _):
    lake.catalog_file.unlink()
    return lake


def a_lost_warehouse(lake, _):
    shutil.rmtree(lake.lake_warehouse)
    return lake


def inside_another(lake, tmp_path):
    return JobSettings(home=tmp_path / "inner", warehouse=f"{lake.lake_warehouse}/antifraud/clean/inner")


def home_inside_another(lake, tmp_path):
    inner = f"{lake.lake_warehouse}/antifraud/clean/home"
    return JobSettings(
        home=Path(inner), warehouse=str(tmp_path / "apart"), catalog_uri=f"sqlite:///{tmp_path}/apart.db"
    )


def a_table_folder_elsewhere(lake, tmp_path):
    folder = Path(lake.lake_warehouse, NAMESPACE, "clean")
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    return lake


def another_lake_altogether(lake, tmp_path):
    other = make_lake(tmp_path / "other")
    return replace(lake, warehouse=other.lake_warehouse, catalog_uri=other.lake_catalog_uri)

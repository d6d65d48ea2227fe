"""A lake's identity must be the same in the warehouse, in the catalog and in the settings."""

import errno
import json
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from antifraud.errors import CatalogError, ForeignLake, LakeNotAdopted
from antifraud.lake.catalog import check_lake, open_any_catalog, open_catalog
from antifraud.lake.identity import HOME, Identity, find_identities
from antifraud.lake.ownership import claim_lake, require_own_tables
from antifraud.lake.schemas import NAMESPACE
from antifraud.lake.warehouse import IDENTITY
from antifraud.settings.core import JobSettings
from tests.unit.lake.lake_example import (
    ALL,
    a_lost_catalog,
    a_lost_warehouse,
    a_table_folder_elsewhere,
    an_empty_catalog,
    an_empty_warehouse,
    another_catalog,
    another_lake_altogether,
    another_warehouse,
    content,
    copied,
    home_inside_another,
    inside_another,
    make_lake,
    moved,
    rows,
)


@pytest.fixture
def lake(tmp_path):
    """Return settings of a lake of two tables."""
    return make_lake(tmp_path / "home")


def test_an_empty_lake_gets_an_identity_once(tmp_path):
    """The identity names warehouse and catalog, lies in both of them, and stays the same afterwards."""
    settings = JobSettings(home=tmp_path / "home")
    catalog = open_any_catalog(settings)
    first, second = claim_lake(settings, catalog), claim_lake(settings, open_any_catalog(settings))

    home = tmp_path / "home" / "lake"
    assert first == second == Identity(first.lake, str(home / "warehouse"), f"sqlite:///{home / 'catalog.db'}")
    found = find_identities(settings, catalog)
    assert found.in_warehouse == found.in_catalog == first
    assert json.loads((home / "warehouse" / IDENTITY).read_text())["lake"] == first.lake
    assert (home / "lake.id").read_text() == f"{first.lake}\n"


def test_jobs_that_claim_one_lake_at_once_get_one_identity(tmp_path):
    """Four threads with a connection each claim the lake at once."""
    settings, claimed = JobSettings(home=tmp_path), []
    threads = [
        threading.Thread(target=lambda: claimed.append(claim_lake(settings, open_any_catalog(settings))))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(claimed) == 4
    assert len(set(claimed)) == 1
    assert [path.name for path in Path(settings.lake_warehouse).iterdir()] == [IDENTITY]


def test_a_claim_that_was_killed_half_way_is_finished(tmp_path):
    """If the file was written and the catalog was not, the next job takes the identity from the file."""
    settings = JobSettings(home=tmp_path)
    before = claim_lake(settings, open_any_catalog(settings))
    settings.catalog_file.unlink()

    check_lake(settings)
    assert claim_lake(settings, open_any_catalog(settings)) == before


def test_a_lake_that_nobody_has_made_is_not_made_by_looking(tmp_path):
    """A reader of an empty home leaves it empty."""
    check_lake(JobSettings(home=tmp_path))

    assert list(tmp_path.iterdir()) == []


def test_a_link_to_the_home_is_the_home(lake, tmp_path):
    """Places are compared after symbolic links are resolved, also places that the settings name."""
    (tmp_path / "link").symlink_to(tmp_path / "home")
    linked = JobSettings(home=tmp_path / "link")
    named = replace(linked, warehouse=str(tmp_path / "link" / "lake" / "warehouse"))

    assert rows(lake) == rows(linked) == rows(named) == ALL


WRONG = (
    another_lake_altogether,
    copied, moved, another_warehouse, another_catalog, an_empty_warehouse, an_empty_catalog, a_lost_catalog,
    a_lost_warehouse, inside_another, home_inside_another, a_table_folder_elsewhere,
)  # fmt: skip


@pytest.mark.parametrize("scene", WRONG, ids=lambda scene: scene.__name__)
def test_settings_of_another_lake_are_refused(lake, tmp_path, scene):
    """The check before a job and the claim refuse, in one line with exit code 11, and no file changes."""
    settings = scene(lake, tmp_path)
    open_any_catalog(settings)
    before = content(tmp_path)

    for access in (require_own_tables, claim_lake):
        with pytest.raises(ForeignLake) as caught:
            access(settings, open_any_catalog(settings))
        assert (caught.value.exit_code, "\n" in str(caught.value)) == (11, False)
    assert content(tmp_path) == before


@pytest.mark.parametrize("scene", WRONG[:-3] + WRONG[-1:], ids=lambda scene: scene.__name__)
def test_whoever_opens_the_catalog_is_refused_too(lake, tmp_path, scene):
    """Readers outside jobs, such as a notebook or a sensor of a DAG, are refused too."""
    with pytest.raises(ForeignLake):
        open_catalog(scene(lake, tmp_path))


def test_a_restored_backup_in_the_same_place_needs_nothing(lake, tmp_path):
    """A backup in the original place works, even if the original went away meanwhile."""
    shutil.copytree(lake.home, tmp_path / "backup")
    shutil.rmtree(lake.home)
    shutil.copytree(tmp_path / "backup", lake.home)

    assert rows(lake) == ALL


def test_a_warehouse_with_strange_files_is_no_empty_lake(tmp_path):
    """The files may belong to a lake with another catalog."""
    settings = JobSettings(home=tmp_path)
    stray = Path(settings.lake_warehouse, NAMESPACE, "clean", "part.parquet")
    stray.parent.mkdir(parents=True)
    stray.touch()

    with pytest.raises(LakeNotAdopted, match=r"holds files .* of which the catalog knows nothing"):
        claim_lake(settings, open_any_catalog(settings))


def test_an_identity_can_be_read_by_whoever_reads_the_tables(lake):
    """An analyst, who is another user, can read the identity."""
    folder = Path(lake.lake_warehouse)
    assert (folder / IDENTITY).stat().st_mode & 0o777 == 0o666 & ~(folder.stat().st_mode ^ 0o777) & 0o666


@pytest.mark.parametrize("setting", ["raw_dir", "catalog_uri", "home", "mlflow_uri", "keyring_file"])
def test_no_place_lies_among_the_tables_of_a_lake(lake, tmp_path, setting):
    """To that lake, such a place is a file that nothing refers to."""
    place = f"{lake.lake_warehouse}/{NAMESPACE}/clean/here"
    value = {"catalog_uri": f"sqlite:///{place}.db", "mlflow_uri": f"sqlite:///{place}.db"}.get(setting, place)
    values = {"home": tmp_path / "mine"} | {setting: Path(value) if setting in {"home", "keyring_file"} else value}
    with pytest.raises(ForeignLake, match="whose maintenance would remove it"):
        check_lake(JobSettings(**values))


def test_a_file_of_the_same_name_in_a_parent_folder_is_no_lake(tmp_path):
    """A file in a parent folder, an empty folder and files beside the tables make no lake."""
    (tmp_path / IDENTITY).write_text("{}")
    settings = JobSettings(home=tmp_path / "home")
    Path(settings.lake_warehouse).mkdir(parents=True)
    Path(settings.lake_warehouse, "README").touch()
    assert claim_lake(settings, open_any_catalog(settings))


def test_a_file_system_without_links_holds_a_lake(tmp_path, monkeypatch):
    """Without hard links the identity is still written, and only once."""
    monkeypatch.setattr("os.link", lambda *_: (_ for _ in ()).throw(PermissionError(errno.EPERM, "no links")))
    settings = JobSettings(home=tmp_path)
    first = claim_lake(settings, open_any_catalog(settings))
    assert claim_lake(settings, open_any_catalog(settings)) == first


def test_what_is_damaged_is_told_in_one_line(lake):
    """A folder in place of the identity, cut metadata and a file that is no catalog end in one line."""
    Path(lake.lake_warehouse, IDENTITY).rename(lake.home / "kept")
    Path(lake.lake_warehouse, IDENTITY).mkdir()
    with pytest.raises(ForeignLake, match="cannot be read"):
        check_lake(lake)
    Path(lake.lake_warehouse, IDENTITY).rmdir()
    (lake.home / "kept").rename(Path(lake.lake_warehouse, IDENTITY))

    location = Path(open_catalog(lake).load_table((NAMESPACE, "runs")).metadata_location)
    location.write_text(location.read_text()[:100])
    with pytest.raises(ForeignLake, match="which is damaged: restore the warehouse"):
        check_lake(lake)

    lake.catalog_file.write_text("no database")
    with pytest.raises(CatalogError, match=r"did not do what it was asked \(DatabaseError\)") as caught:
        check_lake(lake)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", '{"lake": "x"}', '{"lake": 7, "warehouse": "/a", "catalog": "b"}'])
def test_a_damaged_identity_is_refused_in_one_line(lake, text):
    """A damaged identity is not taken for a missing one."""
    Path(lake.lake_warehouse, IDENTITY).write_text(text)

    with pytest.raises(ForeignLake, match="restore it from the backup"):
        check_lake(lake)


def test_a_password_is_no_part_of_an_identity():
    """Password, driver and options are no part of the identity."""
    uri = "postgresql+psycopg2://me:hunter2@db.example/lake?sslmode=require"
    settings = JobSettings(catalog_uri=uri, warehouse="s3a://lake/a/")

    assert Identity.of_settings(settings) == Identity("", "s3a://lake/a", "postgresql://db.example:5432/lake")


def test_a_bucket_on_another_server_is_another_place():
    """A mirror has the same names, so the server is part of the identity."""
    here = JobSettings(warehouse="s3a://lake/a", s3_endpoint="https://one.example/")
    there = replace(here, s3_endpoint="https://two.example")

    assert not Identity.of_settings(here).lies_where(Identity.of_settings(there))
    assert Identity.of_settings(here).lies_where(Identity.of_settings(replace(here, s3_endpoint="https://one.example")))


def test_no_lake_is_made_around_another(lake):
    """A mistyped warehouse must not become a lake, because every lake below it would be refused."""
    around = replace(lake, home=lake.home.parent / "new", warehouse=str(lake.home), catalog_uri=None)
    before = content(lake.home)
    with pytest.raises(ForeignLake, match="is the warehouse of another lake, inside"):
        claim_lake(around, open_any_catalog(around))
    assert content(lake.home) == before


@pytest.mark.parametrize("name", ["secrets", "releases", "raw"])
def test_no_link_of_a_home_leads_among_the_tables(lake, tmp_path, name):
    """Places are compared by where links lead, not by their names."""
    home = tmp_path / "mine"
    home.mkdir()
    (home / name).symlink_to(Path(lake.lake_warehouse, NAMESPACE, "clean"))
    with pytest.raises(ForeignLake, match="whose maintenance would remove it"):
        check_lake(JobSettings(home=home))


def test_a_home_can_begin_anew(lake):
    """A home is free after its lake and the note are removed, as the message says."""
    note = lake.under_home(*HOME)
    shutil.rmtree(lake.lake_warehouse)
    lake.catalog_file.unlink()
    with pytest.raises(ForeignLake, match=rf"removed on purpose, remove {note}, too"):
        claim_lake(lake, open_any_catalog(lake))
    note.unlink()
    assert claim_lake(lake, open_any_catalog(lake))


def test_a_catalog_that_is_not_mounted_is_not_made(lake, tmp_path):
    """A reader must not make a missing catalog, or nobody could tell that it was only not mounted."""
    lake.catalog_file.rename(tmp_path / "away.db")
    with pytest.raises(ForeignLake, match="is not there, and"):
        open_catalog(lake)
    assert not lake.catalog_file.exists()

"""A lake has an owner: what warehouse and catalog say of it must be what the settings say, for whoever opens it."""

import errno
import json
import os
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from antifraud.errors import CatalogError, ForeignLake, LakeNotAdopted
from antifraud.lake.catalog import check_lake, open_any_catalog, open_catalog
from antifraud.lake.identity import HOME, Identity, find_identities
from antifraud.lake.ownership import claim_lake, require_own_tables
from antifraud.lake.schemas import NAMESPACE
from antifraud.lake.warehouse import IDENTITY
from antifraud.settings.core import JobSettings
from jobs.adopt import main as adopt_job
from jobs.adopt import parser
from jobs.upkeep.adoption import plan_adoption
from jobs.upkeep.lake_files import require_removable

ROWS = pa.table({"number": [1, 2, 3]})
NAMES = ("clean", "runs")
ALL = {"clean": [1, 2, 3], "runs": [1, 2, 3]}


def make_lake(home, *, claimed=True):
    """A lake of two small tables, as a job makes it: claimed first."""
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
    """The rows of every table."""
    tables = {name: open_catalog(settings).load_table((NAMESPACE, name)) for name in NAMES}
    return {name: sorted(table.scan().to_arrow()["number"].to_pylist()) for name, table in tables.items()}


def history(settings):
    """Ids of the snapshots of a table."""
    return [snapshot.snapshot_id for snapshot in open_catalog(settings).load_table((NAMESPACE, "runs")).snapshots()]


def run_adopt(settings, mode="apply", *said):
    """Run the job on these settings."""
    adopt_job(settings, parser().parse_args(["--mode", mode, *said]))


def content(*folders):
    """Every file below the folders with its bytes."""
    return {path: path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def lake(tmp_path):
    """A lake of two tables."""
    return make_lake(tmp_path / "home")


def test_an_empty_lake_gets_an_identity_once(tmp_path):
    """It says where warehouse and catalog are, in both of them; whoever comes later finds the same."""
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
    """Four threads, each with a connection of its own."""
    settings, found = JobSettings(home=tmp_path), []
    threads = [
        threading.Thread(target=lambda: found.append(claim_lake(settings, open_any_catalog(settings))))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 4
    assert len(set(found)) == 1
    assert [path.name for path in Path(settings.lake_warehouse).iterdir()] == [IDENTITY]


def test_a_claim_that_was_killed_half_way_is_finished(tmp_path):
    """The file was written and the catalog not: the next job takes the identity that is there."""
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
    """Places are compared after symbolic links are resolved, also those that the settings name themselves."""
    (tmp_path / "link").symlink_to(tmp_path / "home")
    linked = JobSettings(home=tmp_path / "link")
    named = replace(linked, warehouse=str(tmp_path / "link" / "lake" / "warehouse"))

    assert rows(lake) == rows(linked) == rows(named) == ALL


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


WRONG = (
    another_lake_altogether,
    copied, moved, another_warehouse, another_catalog, an_empty_warehouse, an_empty_catalog, a_lost_catalog,
    a_lost_warehouse, inside_another, home_inside_another, a_table_folder_elsewhere,
)  # fmt: skip


@pytest.mark.parametrize("scene", WRONG, ids=lambda scene: scene.__name__)
def test_settings_of_another_lake_are_refused(lake, tmp_path, scene):
    """By who looks before a job, and by who would claim it; in one line, with exit code 11, and no file changes."""
    settings = scene(lake, tmp_path)
    open_any_catalog(settings)
    before = content(tmp_path)

    for look in (require_own_tables, claim_lake):
        with pytest.raises(ForeignLake) as caught:
            look(settings, open_any_catalog(settings))
        assert (caught.value.exit_code, "\n" in str(caught.value)) == (11, False)
    assert content(tmp_path) == before


@pytest.mark.parametrize("scene", WRONG[:-3] + WRONG[-1:], ids=lambda scene: scene.__name__)
def test_whoever_opens_the_catalog_is_refused_too(lake, tmp_path, scene):
    """Readers outside jobs: a notebook, a sensor of a DAG."""
    with pytest.raises(ForeignLake):
        open_catalog(scene(lake, tmp_path))


@pytest.mark.parametrize("scene", [another_warehouse, another_catalog, inside_another, home_inside_another],
                         ids=lambda scene: scene.__name__)  # fmt: skip
def test_another_lake_cannot_be_adopted(lake, tmp_path, scene):
    """To adopt what another lake has would be to take it away; both stay as they are."""
    settings = scene(lake, tmp_path)
    open_any_catalog(settings)
    before = content(tmp_path)

    if scene in {inside_another, home_inside_another}:
        run_adopt(settings)  # nothing is there to adopt, and the first job refuses
    else:
        with pytest.raises(ForeignLake, match="are of two lakes"):
            run_adopt(settings)
    assert content(tmp_path) == before


def test_half_a_copy_cannot_be_adopted(lake, tmp_path):
    """One catalog with two warehouses, one warehouse with two catalogs: the lake is still in use with the other."""
    shutil.copytree(lake.lake_warehouse, tmp_path / "warehouse")
    shutil.copy(lake.catalog_file, tmp_path / "catalog.db")
    before = content(lake.home)

    for other in ({"warehouse": str(tmp_path / "warehouse")}, {"catalog_uri": f"sqlite:///{tmp_path}/catalog.db"}):
        with pytest.raises(ForeignLake, match="is still in use with the"):
            run_adopt(replace(lake, **other))
    assert content(lake.home) == before


def test_a_warehouse_or_a_catalog_that_moved_alone_is_adopted(lake, tmp_path):
    """Once somebody says that nobody uses it where it was: not to be seen is not to be gone."""
    Path(lake.lake_warehouse).rename(tmp_path / "warehouse")
    settings = replace(lake, warehouse=str(tmp_path / "warehouse"))
    with pytest.raises(LakeNotAdopted, match=r"is not there: has it moved\? .* --mine-alone"):
        run_adopt(settings)
    run_adopt(settings, "apply", "--mine-alone")
    assert rows(settings) == ALL

    lake.catalog_file.rename(tmp_path / "catalog.db")
    settings = replace(settings, catalog_uri=f"sqlite:///{tmp_path}/catalog.db")
    with pytest.raises(LakeNotAdopted, match=r"cannot be reached: has it moved\? .* --mine-alone"):
        run_adopt(settings)
    run_adopt(settings, "apply", "--mine-alone")
    assert rows(settings) == ALL


def test_a_restored_backup_in_the_same_place_needs_nothing(lake, tmp_path):
    """Not even where the original went away meanwhile."""
    shutil.copytree(lake.home, tmp_path / "backup")
    shutil.rmtree(lake.home)
    shutil.copytree(tmp_path / "backup", lake.home)

    assert rows(lake) == ALL


def test_a_dry_run_changes_nothing(lake, tmp_path, capsys):
    """It says what would become of the lake."""
    settings = copied(lake, tmp_path)
    before = content(tmp_path)
    run_adopt(settings, mode="dry-run")

    assert content(tmp_path) == before
    said = capsys.readouterr().out
    assert f"with its tables in {lake.lake_warehouse}\n" in said
    assert "2 tables, 10 files of metadata to be written anew\nnobody else uses it\ndry run: nothing" in said


@pytest.mark.parametrize("scene", [copied, moved], ids=lambda scene: scene.__name__)
def test_after_it_was_adopted_a_copy_lives_on_its_own(lake, tmp_path, scene):
    """It has an identity of its own, all its snapshots, and no path of the original; both can be written to."""
    original, before = find_identities(lake, open_any_catalog(lake)).in_catalog, history(lake)
    settings = scene(lake, tmp_path)
    run_adopt(settings)

    assert rows(settings) == ALL
    adopted = find_identities(settings, open_any_catalog(settings)).in_warehouse
    assert adopted.lake != original.lake
    assert history(settings) == before
    table = open_catalog(settings).load_table((NAMESPACE, "runs"))
    assert table.scan(snapshot_id=before[0]).to_arrow()["number"].to_pylist() == [1]
    table.append(ROWS)
    assert rows(settings)["runs"] == [1, 1, 2, 2, 3, 3]
    require_removable(settings, open_catalog(settings))
    if scene is copied:
        assert rows(lake) == ALL


def test_an_adoption_that_was_killed_can_be_repeated(lake, tmp_path, monkeypatch):
    """Before the catalog turned, after it, and before the home: until it is done no job runs on the copy."""
    settings = copied(lake, tmp_path)
    for step in ("write_bytes", "_turn_catalog", "bind_home", "tidy"):
        with monkeypatch.context() as patched:
            patched.setattr(f"jobs.upkeep.adoption.{step}", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                run_adopt(settings)
        if step != "tidy":
            with pytest.raises(ForeignLake):
                check_lake(settings)

    run_adopt(settings)
    assert rows(settings) == rows(lake) == ALL
    assert plan_adoption(settings, open_any_catalog(settings)) is None
    assert sorted(path.name for path in Path(settings.lake_warehouse).iterdir()) == [NAMESPACE, IDENTITY]


def test_a_copy_that_is_not_whole_is_not_adopted(lake, tmp_path):
    """A data file is missing: it is named, and the copy stays as it is."""
    settings = copied(lake, tmp_path)
    lost = next(Path(settings.lake_warehouse).rglob("*.parquet"))
    lost.unlink()
    before = content(tmp_path)

    with pytest.raises(LakeNotAdopted, match=rf"{lost} is not there and the lake needs it: copy the catalog first"):
        run_adopt(settings)
    assert content(tmp_path) == before


def test_a_lake_without_an_identity_is_adopted_by_name_only(tmp_path):
    """One of an earlier version: every job refuses it with exit code 12 until somebody says whose it is."""
    settings = make_lake(tmp_path, claimed=False)
    for look in (check_lake, open_catalog, lambda s: claim_lake(s, open_any_catalog(s))):
        with pytest.raises(LakeNotAdopted, match=r"has tables and no identity.*python -m jobs\.adopt") as caught:
            look(settings)
        assert caught.value.exit_code == 12

    run_adopt(settings)
    assert rows(settings) == ALL


def test_a_copy_of_a_lake_without_an_identity_is_adopted(tmp_path):
    """With the paths of its own place; the original stays as it was."""
    original = make_lake(tmp_path / "home", claimed=False)
    settings = copied(original, tmp_path)
    before = content(original.home)
    with pytest.raises(LakeNotAdopted, match=r"the tables are still in .*, too: is the catalog .* a copy"):
        run_adopt(settings)
    run_adopt(settings, "apply", "--mine-alone")

    assert content(original.home) == before
    assert rows(settings) == ALL
    require_removable(settings, open_catalog(settings))


def test_a_warehouse_with_strange_files_is_no_empty_lake(tmp_path):
    """They may be a lake whose catalog is another one."""
    settings = JobSettings(home=tmp_path)
    stray = Path(settings.lake_warehouse, NAMESPACE, "clean", "part.parquet")
    stray.parent.mkdir(parents=True)
    stray.touch()

    with pytest.raises(LakeNotAdopted, match=r"holds files .* of which the catalog knows nothing"):
        claim_lake(settings, open_any_catalog(settings))


def test_an_empty_catalog_does_not_adopt_a_full_warehouse(lake):
    """Its files have no table: maintenance would take all of them for orphans."""
    lake.catalog_file.unlink()
    before = content(Path(lake.lake_warehouse))
    with pytest.raises(ForeignLake, match=r"is not there, and .* is the warehouse of lake"):
        run_adopt(lake)

    open_any_catalog(lake)
    with pytest.raises(ForeignLake, match=r"has files in antifraud/clean, and the catalog has no such table"):
        run_adopt(lake, "apply", "--mine-alone")
    assert content(Path(lake.lake_warehouse)) == before


def test_a_home_keeps_its_lake(lake, tmp_path):
    """A home of a lake takes no empty one either; and changes its lake only if somebody says so."""
    settings = replace(lake, warehouse=str(tmp_path / "empty"), catalog_uri=f"sqlite:///{tmp_path}/empty.db")
    catalog = open_any_catalog(settings)
    with pytest.raises(ForeignLake, match=r"the home belongs to lake .* the settings name an empty lake"):
        claim_lake(settings, catalog)

    settings = another_lake_altogether(lake, tmp_path)
    with pytest.raises(LakeNotAdopted, match=r"this home belongs to lake .*: shall it change its lake"):
        run_adopt(settings)
    run_adopt(settings, "apply", "--mine-alone")
    assert rows(settings) == ALL
    with pytest.raises(ForeignLake, match="the home belongs to lake"):
        check_lake(lake)


def test_a_copy_by_links_shares_its_catalog(lake, tmp_path):
    """`cp -al`: one SQLite file by two names; adopting it would turn the original's catalog."""
    shutil.copytree(lake.home, tmp_path / "copy", copy_function=os.link)
    before = content(lake.home)
    with pytest.raises(ForeignLake, match="is still in use with the warehouse"):
        run_adopt(JobSettings(home=tmp_path / "copy"), "apply", "--mine-alone")
    assert content(lake.home) == before


def test_a_catalog_that_is_older_than_its_warehouse_asks(tmp_path):
    """A copy of the catalog and the live warehouse: what was published since would become orphans."""
    settings = make_lake(tmp_path / "home", claimed=False)
    shutil.copy(settings.catalog_file, tmp_path / "older.db")
    open_any_catalog(settings).load_table((NAMESPACE, "runs")).append(ROWS)
    older = replace(settings, catalog_uri=f"sqlite:///{tmp_path}/older.db")

    with pytest.raises(LakeNotAdopted, match="is newer than what the catalog knows"):
        run_adopt(older)


def test_a_folder_that_a_property_names_moves_along(lake, tmp_path):
    """Inside the warehouse; outside of it the table cannot be adopted, and nothing is written."""
    table = open_catalog(lake).load_table((NAMESPACE, "runs"))
    table.transaction().set_properties(
        {"write.data.path": f"{lake.lake_warehouse}/antifraud/runs/more"}
    ).commit_transaction()
    settings = copied(lake, tmp_path)
    run_adopt(settings)
    properties = open_catalog(settings).load_table((NAMESPACE, "runs")).properties
    assert properties["write.data.path"] == f"{settings.lake_warehouse}/antifraud/runs/more"

    table.refresh().transaction().set_properties({"write.data.path": "/srv/elsewhere"}).commit_transaction()
    shutil.rmtree(settings.home)
    settings = copied(lake, tmp_path)
    before = content(tmp_path)
    with pytest.raises(ForeignLake, match="/srv/elsewhere would still lie outside"):
        run_adopt(settings)
    assert content(tmp_path) == before


def test_every_adoption_gives_another_identity(lake, tmp_path):
    """A copy that was made again in the same place is another lake."""
    found = set()
    for _ in range(2):
        settings = copied(lake, tmp_path)
        run_adopt(settings)
        found.add(find_identities(settings, open_any_catalog(settings)).in_catalog.lake)
        shutil.rmtree(settings.home)
    assert len(found) == 2


def test_an_identity_can_be_read_by_whoever_reads_the_tables(lake):
    """An analyst is another user."""
    folder = Path(lake.lake_warehouse)
    assert (folder / IDENTITY).stat().st_mode & 0o777 == 0o666 & ~(folder.stat().st_mode ^ 0o777) & 0o666


@pytest.mark.parametrize("setting", ["raw_dir", "catalog_uri", "home", "mlflow_uri", "keyring_file"])
def test_no_place_lies_among_the_tables_of_a_lake(lake, tmp_path, setting):
    """To that lake it is a file that nothing refers to."""
    place = f"{lake.lake_warehouse}/{NAMESPACE}/clean/here"
    value = {"catalog_uri": f"sqlite:///{place}.db", "mlflow_uri": f"sqlite:///{place}.db"}.get(setting, place)
    values = {"home": tmp_path / "mine"} | {setting: Path(value) if setting in {"home", "keyring_file"} else value}
    with pytest.raises(ForeignLake, match="whose maintenance would remove it"):
        check_lake(JobSettings(**values))


def test_a_file_of_the_same_name_in_a_parent_folder_is_no_lake(tmp_path):
    """Whatever is in it; also an empty folder, and files beside the tables, are no tables."""
    (tmp_path / IDENTITY).write_text("{}")
    settings = JobSettings(home=tmp_path / "home")
    Path(settings.lake_warehouse).mkdir(parents=True)
    Path(settings.lake_warehouse, "README").touch()
    assert claim_lake(settings, open_any_catalog(settings))


def test_a_file_system_without_links_holds_a_lake(tmp_path, monkeypatch):
    """The identity is written all the same, once."""
    monkeypatch.setattr("os.link", lambda *_: (_ for _ in ()).throw(PermissionError(errno.EPERM, "no links")))
    settings = JobSettings(home=tmp_path)
    first = claim_lake(settings, open_any_catalog(settings))
    assert claim_lake(settings, open_any_catalog(settings)) == first


def test_what_is_damaged_is_told_in_one_line(lake):
    """A folder where the identity should be, metadata cut off, a catalog that is none."""
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
    """It is not taken for none."""
    Path(lake.lake_warehouse, IDENTITY).write_text(text)

    with pytest.raises(ForeignLake, match="restore it from the backup"):
        check_lake(lake)


def test_a_password_is_no_part_of_an_identity():
    """Nor the driver, nor options."""
    uri = "postgresql+psycopg2://me:hunter2@db.example/lake?sslmode=require"
    settings = JobSettings(catalog_uri=uri, warehouse="s3a://lake/a/")

    assert Identity.of_settings(settings) == Identity("", "s3a://lake/a", "postgresql://db.example:5432/lake")


def test_a_catalog_from_an_older_backup_removes_nothing(lake, tmp_path):
    """In the same place, so that it passes every comparison: what was published since would count as orphans."""
    shutil.copy(lake.catalog_file, tmp_path / "backup.db")
    open_catalog(lake).load_table((NAMESPACE, "runs")).append(ROWS)
    require_removable(lake, open_catalog(lake))
    shutil.copy(tmp_path / "backup.db", lake.catalog_file)

    with pytest.raises(ForeignLake, match=r"is newer than what the catalog knows: nothing was removed"):
        require_removable(lake, open_catalog(lake))


def test_a_bucket_on_another_server_is_another_place():
    """A mirror has the same names; the server is part of the identity."""
    here = JobSettings(warehouse="s3a://lake/a", s3_endpoint="https://one.example/")
    there = replace(here, s3_endpoint="https://two.example")

    assert not Identity.of_settings(here).lies_where(Identity.of_settings(there))
    assert Identity.of_settings(here).lies_where(Identity.of_settings(replace(here, s3_endpoint="https://one.example")))


def test_no_lake_is_made_around_another(lake):
    """A mistyped warehouse: from then on the lakes below it would be refused."""
    around = replace(lake, home=lake.home.parent / "new", warehouse=str(lake.home), catalog_uri=None)
    before = content(lake.home)
    with pytest.raises(ForeignLake, match="is the warehouse of another lake, inside"):
        claim_lake(around, open_any_catalog(around))
    assert content(lake.home) == before


@pytest.mark.parametrize("name", ["secrets", "releases", "raw"])
def test_no_link_of_a_home_leads_among_the_tables(lake, tmp_path, name):
    """Places are compared where they lie, not by what they are called."""
    home = tmp_path / "mine"
    home.mkdir()
    (home / name).symlink_to(Path(lake.lake_warehouse, NAMESPACE, "clean"))
    with pytest.raises(ForeignLake, match="whose maintenance would remove it"):
        check_lake(JobSettings(home=home))


@pytest.mark.parametrize("damage", [lambda _: b"", lambda text: text[: len(text) // 2], lambda _: b"junk" * 50])
@pytest.mark.parametrize("kind", ["snap-*.avro", "*-m0.avro", "*.metadata.json"])
def test_damaged_metadata_is_told_in_one_line(lake, tmp_path, kind, damage):
    """By maintenance and by adoption; nothing was changed."""
    file = max(Path(lake.lake_warehouse, NAMESPACE, "runs").rglob(kind))
    file.write_bytes(damage(file.read_bytes()))
    copy = copied(lake, tmp_path)
    for look in (lambda: require_removable(lake, open_any_catalog(lake)), lambda: run_adopt(copy)):
        with pytest.raises(ForeignLake, match="which is damaged: restore the warehouse") as caught:
            look()
        assert "\n" not in str(caught.value)


def test_a_home_can_begin_anew(lake):
    """Removed with its folder; or, where the lake was elsewhere, as the message says."""
    note = lake.under_home(*HOME)
    shutil.rmtree(lake.lake_warehouse)
    lake.catalog_file.unlink()
    with pytest.raises(ForeignLake, match=rf"removed on purpose, remove {note}, too"):
        claim_lake(lake, open_any_catalog(lake))
    note.unlink()
    assert claim_lake(lake, open_any_catalog(lake))


def test_a_catalog_that_is_not_mounted_is_not_made(lake, tmp_path):
    """By a reader: afterwards nobody could tell that it was only away."""
    lake.catalog_file.rename(tmp_path / "away.db")
    with pytest.raises(ForeignLake, match="is not there, and"):
        open_catalog(lake)
    assert not lake.catalog_file.exists()

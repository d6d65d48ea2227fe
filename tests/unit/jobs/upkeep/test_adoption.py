"""A copied, moved or unclaimed lake becomes the settings' own when somebody says so, and never part of another lake."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from antifraud.errors import ForeignLake, LakeNotAdopted
from antifraud.lake.catalog import check_lake, open_any_catalog, open_catalog
from antifraud.lake.identity import find_identities
from antifraud.lake.ownership import claim_lake
from antifraud.lake.schemas import NAMESPACE
from antifraud.lake.warehouse import IDENTITY
from antifraud.settings.core import JobSettings
from jobs.adopt import main as adopt_job
from jobs.adopt import parser
from jobs.upkeep.adoption import plan_adoption
from jobs.upkeep.lake_files import require_removable
from tests.unit.lake.lake_example import (
    ALL,
    ROWS,
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


def history(settings):
    """Return the ids of a table's snapshots."""
    return [snapshot.snapshot_id for snapshot in open_catalog(settings).load_table((NAMESPACE, "runs")).snapshots()]


def run_adopt(settings, mode="apply", *said):
    """Run the job that adopts a lake on these settings."""
    adopt_job(settings, parser().parse_args(["--mode", mode, *said]))


@pytest.fixture
def lake(tmp_path):
    """Return settings of a lake of two tables."""
    return make_lake(tmp_path / "home")


@pytest.mark.parametrize("scene", [another_warehouse, another_catalog, inside_another, home_inside_another],
                         ids=lambda scene: scene.__name__)  # fmt: skip
def test_another_lake_cannot_be_adopted(lake, tmp_path, scene):
    """Adopting the tables of another lake would take them away from it, so both lakes stay as they are."""
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
    """Two warehouses of one catalog, or two catalogs of one warehouse, are refused: the other is in use."""
    shutil.copytree(lake.lake_warehouse, tmp_path / "warehouse")
    shutil.copy(lake.catalog_file, tmp_path / "catalog.db")
    before = content(lake.home)

    for other in ({"warehouse": str(tmp_path / "warehouse")}, {"catalog_uri": f"sqlite:///{tmp_path}/catalog.db"}):
        with pytest.raises(ForeignLake, match="is still in use with the"):
            run_adopt(replace(lake, **other))
    assert content(lake.home) == before


def test_a_warehouse_or_a_catalog_that_moved_alone_is_adopted(lake, tmp_path):
    """A part that moved is adopted only if a person says so, because an invisible original may still be in use."""
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


def test_a_dry_run_changes_nothing(lake, tmp_path, capsys):
    """A dry run says what would become of the lake."""
    settings = copied(lake, tmp_path)
    before = content(tmp_path)
    run_adopt(settings, mode="dry-run")

    assert content(tmp_path) == before
    said = capsys.readouterr().out
    assert f"with its tables in {lake.lake_warehouse}\n" in said
    assert "2 tables, 10 files of metadata to be written anew\nnobody else uses it\ndry run: nothing" in said


@pytest.mark.parametrize("scene", [copied, moved], ids=lambda scene: scene.__name__)
def test_after_it_was_adopted_a_copy_lives_on_its_own(lake, tmp_path, scene):
    """The copy has its own identity, all snapshots and no path of the original, and both can be written to."""
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
    """After a kill at any step no job runs on the copy, until the adoption is repeated."""
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
    """A missing data file is named, and the copy stays as it is."""
    settings = copied(lake, tmp_path)
    lost = next(Path(settings.lake_warehouse).rglob("*.parquet"))
    lost.unlink()
    before = content(tmp_path)

    with pytest.raises(LakeNotAdopted, match=rf"{lost} is not there and the lake needs it: copy the catalog first"):
        run_adopt(settings)
    assert content(tmp_path) == before


def test_a_lake_without_an_identity_is_adopted_by_name_only(tmp_path):
    """Every job refuses a lake of an earlier version with exit code 12 until somebody adopts it."""
    settings = make_lake(tmp_path, claimed=False)
    for access in (check_lake, open_catalog, lambda s: claim_lake(s, open_any_catalog(s))):
        with pytest.raises(LakeNotAdopted, match=r"has tables and no identity.*python -m jobs\.adopt") as caught:
            access(settings)
        assert caught.value.exit_code == 12

    run_adopt(settings)
    assert rows(settings) == ALL


def test_a_copy_of_a_lake_without_an_identity_is_adopted(tmp_path):
    """The copy gets the paths of its own place, and the original stays as it was."""
    original = make_lake(tmp_path / "home", claimed=False)
    settings = copied(original, tmp_path)
    before = content(original.home)
    with pytest.raises(LakeNotAdopted, match=r"the tables are still in .*, too: is the catalog .* a copy"):
        run_adopt(settings)
    run_adopt(settings, "apply", "--mine-alone")

    assert content(original.home) == before
    assert rows(settings) == ALL
    require_removable(settings, open_catalog(settings))


def test_an_empty_catalog_does_not_adopt_a_full_warehouse(lake):
    """Files without a table are refused: maintenance would take all of them for orphans."""
    lake.catalog_file.unlink()
    before = content(Path(lake.lake_warehouse))
    with pytest.raises(ForeignLake, match=r"is not there, and .* is the warehouse of lake"):
        run_adopt(lake)

    open_any_catalog(lake)
    with pytest.raises(ForeignLake, match=r"has files in antifraud/clean, and the catalog has no such table"):
        run_adopt(lake, "apply", "--mine-alone")
    assert content(Path(lake.lake_warehouse)) == before


def test_a_home_keeps_its_lake(lake, tmp_path):
    """A home takes no second lake, not even an empty one, and changes its lake only if a person says so."""
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
    """After `cp -al` one SQLite file has two names, and adopting the copy would turn the original's catalog."""
    shutil.copytree(lake.home, tmp_path / "copy", copy_function=os.link)
    before = content(lake.home)
    with pytest.raises(ForeignLake, match="is still in use with the warehouse"):
        run_adopt(JobSettings(home=tmp_path / "copy"), "apply", "--mine-alone")
    assert content(lake.home) == before


def test_a_catalog_that_is_older_than_its_warehouse_asks(tmp_path):
    """With an older catalog, everything published since would become orphans, so the adoption is refused."""
    settings = make_lake(tmp_path / "home", claimed=False)
    shutil.copy(settings.catalog_file, tmp_path / "older.db")
    open_any_catalog(settings).load_table((NAMESPACE, "runs")).append(ROWS)
    older = replace(settings, catalog_uri=f"sqlite:///{tmp_path}/older.db")

    with pytest.raises(LakeNotAdopted, match="is newer than what the catalog knows"):
        run_adopt(older)


def test_a_folder_that_a_property_names_moves_along(lake, tmp_path):
    """A folder inside the warehouse moves along; with a folder outside it, nothing is adopted or written."""
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


def test_a_catalog_from_an_older_backup_removes_nothing(lake, tmp_path):
    """An older catalog in the same place passes every comparison, but everything published since counts as orphans."""
    shutil.copy(lake.catalog_file, tmp_path / "backup.db")
    open_catalog(lake).load_table((NAMESPACE, "runs")).append(ROWS)
    require_removable(lake, open_catalog(lake))
    shutil.copy(tmp_path / "backup.db", lake.catalog_file)

    with pytest.raises(ForeignLake, match=r"is newer than what the catalog knows: nothing was removed"):
        require_removable(lake, open_catalog(lake))


@pytest.mark.parametrize("damage", [lambda _: b"", lambda text: text[: len(text) // 2], lambda _: b"junk" * 50])
@pytest.mark.parametrize("kind", ["snap-*.avro", "*-m0.avro", "*.metadata.json"])
def test_damaged_metadata_is_told_in_one_line(lake, tmp_path, kind, damage):
    """Maintenance and adoption name the damage in one line and change nothing."""
    file = max(Path(lake.lake_warehouse, NAMESPACE, "runs").rglob(kind))
    file.write_bytes(damage(file.read_bytes()))
    copy = copied(lake, tmp_path)
    for access in (lambda: require_removable(lake, open_any_catalog(lake)), lambda: run_adopt(copy)):
        with pytest.raises(ForeignLake, match="which is damaged: restore the warehouse") as caught:
            access()
        assert "\n" not in str(caught.value)

"""No job touches another lake's files: neither of a copied, moved or nested lake nor after a mix-up of settings."""

import dataclasses
import os
import runpy
import shutil
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from antifraud.errors import ForeignLake, ForeignPath, LakeNotAdopted
from antifraud.lake.catalog import full_name, open_any_catalog, open_catalog, read_days
from antifraud.lake.identity import find_identities
from antifraud.lake.schemas import CLEAN, NAMESPACE
from antifraud.lake.storage import warehouse_folder
from antifraud.lake.warehouse import IDENTITY
from antifraud.settings.core import JobSettings
from infra.cluster.archive import ROOT
from jobs.adopt import main as adopt_job
from jobs.adopt import parser as adopt_parser
from jobs.lake.checksums import checksums
from jobs.publishing.tables import create_tables
from jobs.spark.session import S3A, lake_configuration, s3_configuration
from jobs.upkeep.maintenance import maintain
from jobs.upkeep.retention import Rules
from tests.circles import for_proofs
from tests.storage.conftest import Storage, make_database, remote_settings
from tests.storage.rows import day, put

DAY_SECONDS = 86_400
ONE = ["--from", str(day(0)), "--to", str(day(0))]
JOBS = {
    "checksums": ONE,
    "day": ONE,
    "drift_report": ["--day", str(day(0))],
    "export_state": ["--day", str(day(0))],
    "features": ONE,
    "ingest": ONE,
    "judge": ["--as-of", str(day(0))],
    "leak_scan": ["--day", str(day(0))],
    "maintenance": ["--mode", "apply"],
    "parity_report": ["--day", str(day(0))],
    "policy_replay": ["policy.toml", *ONE],
    "promote": ["--as-of", str(day(0))],
    "publish_judgement": ["--as-of", str(day(0))],
    "recover": [],
    "replay": ["--release", "r1", *ONE],
    "rotate_keys": ["--day", str(day(0))],
    "stale": ONE,
    "state": ONE,
    "totals": ONE,
    "train": ["--as-of", str(day(0))],
    "validate": ["--as-of", str(day(0))],
}
"""Every job that reads or changes a lake, with arguments that it accepts."""
ANY_LAKE = {"adopt", "home", "on_cluster", "simulate"}
"""Jobs outside the common check: `adopt` checks the lake itself, `on_cluster` starts another job, the rest has none."""


def test_every_job_is_on_the_list():
    """Every job is tried here, so a new job must be added to the list."""
    programs = {path.stem for path in (ROOT / "jobs").glob("*.py") if "__main__" in path.read_text()}

    assert programs == set(JOBS) | ANY_LAKE


@contextmanager
def environment(settings):
    """Set these settings, and no others of the project, in the environment."""
    ours = {k: v for k, v in Storage(settings, "").environ().items() if k.startswith("ANTIFRAUD_")}
    kept = dict(os.environ)
    try:
        for name in [name for name in os.environ if name.startswith("ANTIFRAUD_")]:
            del os.environ[name]
        os.environ.update(ours)
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)


def run(job, settings):
    """Run a job as a program in this process, and return its exit code."""
    arguments = sys.argv
    sys.argv = [f"{job}.py", *JOBS[job]]
    try:
        with environment(settings), pytest.raises(SystemExit) as caught:
            runpy.run_path(str(ROOT / "jobs" / f"{job}.py"), run_name="__main__")
    finally:
        sys.argv = arguments
    return caught.value.code


def adopt(settings, *said):
    """Run the job that adopts a lake."""
    adopt_job(settings, adopt_parser().parse_args(["--mode", "apply", *said]))


@dataclasses.dataclass(frozen=True)
class Kind:
    """Where lakes are: how to open, copy and remove one, and the folder that holds all of them."""

    new: object
    copy: object
    remove: object
    session: object
    root: Path

    def files(self):
        """Return every file with its size and time of change."""
        found = [path for path in self.root.rglob("*") if path.is_file()]
        return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in found}

    def age(self):
        """Make every file four days older."""
        then = time.time() - 4 * DAY_SECONDS
        for path in self.root.rglob("*"):
            if path.is_file():
                os.utime(path, (then, then))


@pytest.fixture(scope="module")
def local(tmp_path_factory, open_lake):
    """Return homes on a local disk, each with a SQLite catalog."""
    root = tmp_path_factory.mktemp("foreign")

    def copy(settings, name):
        shutil.copytree(settings.home, root / name)
        return JobSettings(home=root / name)

    return Kind(
        lambda name: JobSettings(home=root / name), copy, lambda each: shutil.rmtree(each.home), open_lake, root
    )


@pytest.fixture(scope="module")
def remote(servers, spark, tmp_path_factory):
    """Return lakes in one bucket, each with a database of its own, which are copied as an operator does."""
    s3, postgres = servers
    base = remote_settings(tmp_path_factory.mktemp("remote"), servers, "foreign")

    def new(name, template="template1"):
        uri, home = make_database(postgres, name, template), tmp_path_factory.mktemp(name)
        return dataclasses.replace(base, home=home, catalog_uri=uri, warehouse=f"s3a://lake/f/{name}")

    def copy(settings, name):
        source = warehouse_folder(settings)
        made = new(name, settings.catalog_uri.rpartition("/")[2])
        source.fs.copy(source.path, warehouse_folder(made).path, recursive=True)
        return made

    def remove(settings):
        folder = warehouse_folder(settings)
        folder.fs.rm(folder.path, recursive=True)

    def session(settings):
        opened = spark.newSession()
        opened.conf.set("spark.sql.shuffle.partitions", "2")
        for key, value in (s3_configuration(settings) | lake_configuration(settings)).items():
            opened.conf.set(key.replace(S3A, "fs.s3a"), value)
        create_tables(opened, settings)
        return opened

    yield Kind(new, copy, remove, session, s3.account_files["lake"].parent.parent / "buckets" / "lake" / "f")
    # Hadoop keeps a client for each bucket. Close it, because other tests reach this bucket through another address.
    spark._jvm.org.apache.hadoop.fs.FileSystem.closeAll()


@pytest.fixture(scope="module", params=["local", *for_proofs("remote")])
def scene(request):
    """Return an original that went on after it was copied, its copy, another lake and one that was moved.

    All files are four days old.
    """
    kind = request.getfixturevalue(request.param)
    original, other = kind.new("original"), kind.new("other")
    session = kind.session(original)
    put(session, original, day(0), [100, 200])
    put(kind.session(other), other, day(0), [7])
    copy = kind.copy(original, "copy")
    for number in (1, 2):
        put(session, original, day(number), [number])
    put(session, original, day(0), [300], "again")
    before = kind.new("before")
    put(kind.session(before), before, day(0), [8])
    moved = kind.copy(before, "moved")
    kind.remove(before)
    kind.age()
    return kind, original, copy, other, moved


def swapped_warehouse(original, _copy, other, _moved):
    return dataclasses.replace(original, warehouse=other.lake_warehouse)


def swapped_catalog(original, _copy, other, _moved):
    return dataclasses.replace(original, catalog_uri=other.lake_catalog_uri)


def swapped_both(original, _copy, other, _moved):
    """Return the settings of a home with the warehouse and the catalog of another lake."""
    return dataclasses.replace(original, warehouse=other.lake_warehouse, catalog_uri=other.lake_catalog_uri)


def below(original, _copy, other, _moved):
    inside = f"{original.lake_warehouse}/{NAMESPACE}/{CLEAN.name}/inside"
    empty = f"sqlite:///{other.home}/empty.db"
    return dataclasses.replace(other, warehouse=inside, catalog_uri=empty, catalog_account=None)


def copied(*lakes):
    return lakes[1]


def moved(*lakes):
    return lakes[3]


MIX_UPS = (copied, moved, swapped_warehouse, swapped_catalog, swapped_both, below)


def mixed_up_jobs():
    """Yield every job with a copy's settings, and maintenance with each mix-up.

    All others are marked for `make prove`.
    """
    for mix_up in MIX_UPS:
        for job in JOBS:
            marks = () if mix_up is copied or job == "maintenance" else pytest.mark.prove
            yield pytest.param(mix_up, job, marks=marks, id=f"{mix_up.__name__}-{job}")


@pytest.mark.parametrize(("mix_up", "job"), list(mixed_up_jobs()))
def test_a_job_with_settings_of_another_lake_ends_before_it_begins(scene, mix_up, job, capsys):
    """A job with settings of another lake ends with exit code 11 and one line, and changes no file of any lake."""
    kind, *lakes = scene
    settings = mix_up(*lakes)
    before = kind.files()

    assert run(job, settings) == ForeignLake.exit_code
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("error: ")
    assert kind.files() == before


@pytest.mark.prove
def test_after_adoption_both_lakes_live_and_maintain_themselves(scene):
    """After the copy is adopted, both lakes load a day and maintain themselves.

    Each keeps its own rows, and maintenance of one does not touch the other.
    """
    kind, original, copy, *_ = scene
    before = checksums(original, day(0), day(9))
    adopt(copy)
    ids = {find_identities(each, open_any_catalog(each)).in_catalog.lake for each in (original, copy)}
    assert len(ids) == 2

    kind.age()
    for settings in (copy, original):
        session = kind.session(settings)
        put(session, settings, day(5), [5, 6])
        maintain(session, settings, Rules(int(time.time())), apply=True)
    found, of_copy = (checksums(each, day(0), day(9)) for each in (original, copy))
    assert {key: found[key] for key in before} == before
    assert sorted(of_copy) == [(CLEAN.name, day(0)), (CLEAN.name, day(5))]
    assert of_copy[CLEAN.name, day(5)] == found[CLEAN.name, day(5)]
    assert of_copy[CLEAN.name, day(0)] != found[CLEAN.name, day(0)]  # the original was corrected after it was copied


@pytest.mark.prove
def test_one_database_by_two_names_is_one_catalog(remote):
    """A catalog under another name is recognised.

    With a copied warehouse it is refused as half a copy; with the lake's own warehouse a person must confirm the new
    name.
    """
    original = remote.new("named")
    put(remote.session(original), original, day(0), [1])
    copy, alias = remote.copy(original, "named_copy"), original.catalog_uri.replace("127.0.0.1", "localhost")
    before = remote.files()

    with pytest.raises(ForeignLake, match="is still in use with the warehouse"):
        adopt(dataclasses.replace(copy, catalog_uri=alias), "--mine-alone")
    with pytest.raises(LakeNotAdopted, match="are these under other names"):
        adopt(dataclasses.replace(original, catalog_uri=alias))
    assert remote.files() == before


def test_a_home_that_has_moved_is_adopted(local):
    """A moved home is refused until it is adopted, and then has all its rows and snapshots."""
    settings = local.new("here")
    run_of = put(local.session(settings), settings, day(0), [1, 2])
    before = checksums(settings, day(0), day(0))
    settings.home.rename(local.root / "there")
    settings = local.new("there")
    assert run("day", settings) == ForeignLake.exit_code

    adopt(settings)
    assert checksums(settings, day(0), day(0)) == before
    session = local.session(settings)
    assert put(session, settings, day(1), [3]).snapshot_id != run_of.snapshot_id
    rows = read_days(open_catalog(settings), CLEAN, day(0), day(1), ["amount"], run_of.snapshot_id)
    assert sorted(rows["amount"].to_pylist()) == [1, 2]


def data_elsewhere(settings, root, _session):
    folder = Path(settings.lake_warehouse, NAMESPACE, CLEAN.name, "data")
    folder.rename(root / "elsewhere")
    folder.symlink_to(root / "elsewhere")


def link_inside(settings, _, __):
    folder = Path(settings.lake_warehouse, NAMESPACE, CLEAN.name)
    (folder / "again").symlink_to(folder / "data")


def states_elsewhere(settings, root, _session):
    (root / "states").mkdir()
    settings.state_dir.symlink_to(root / "states")


def lake_inside(settings, _, __):
    inner = Path(settings.lake_warehouse, NAMESPACE, CLEAN.name, "inner")
    inner.mkdir()
    shutil.copy(Path(settings.lake_warehouse, IDENTITY), inner)


def file_outside(settings, root, session):
    """Write a file while a property of the table names another folder."""
    name = full_name(CLEAN)
    session.sql(f"ALTER TABLE {name} SET TBLPROPERTIES ('write.data.path' = '{root / 'elsewhere'}')")
    put(session, settings, day(1), [2])
    session.sql(f"ALTER TABLE {name} UNSET TBLPROPERTIES ('write.data.path')")
    assert list((root / "elsewhere").rglob("*.parquet"))


@pytest.mark.parametrize(
    ("trap", "error"),
    [
        (data_elsewhere, ForeignPath),
        (file_outside, ForeignPath),
        pytest.param(link_inside, ForeignPath, marks=pytest.mark.prove),
        pytest.param(states_elsewhere, ForeignPath, marks=pytest.mark.prove),
        pytest.param(lake_inside, ForeignLake, marks=pytest.mark.prove),
    ],
    ids=lambda value: value.__name__,
)
def test_maintenance_stops_before_the_first_file_goes(local, tmp_path, trap, error):
    """Maintenance removes no file if a link leads out of the lake or within it.

    The same holds for another lake inside, and for a snapshot that refers to a file outside.
    """
    settings = dataclasses.replace(local.new("trap"), home=tmp_path / "trap")
    session = local.session(settings)
    put(session, settings, day(0), [1])
    orphan = Path(settings.lake_warehouse, NAMESPACE, CLEAN.name, "data", "orphan.parquet")
    orphan.write_bytes(b"nobody")
    trap(settings, tmp_path, session)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            os.utime(path, (time.time() - 4 * DAY_SECONDS,) * 2)
    before = {path for path in tmp_path.rglob("*") if path.is_file()}

    for apply in (False, True):
        with pytest.raises(error):
            maintain(session, settings, Rules(int(time.time())), apply=apply)
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == before

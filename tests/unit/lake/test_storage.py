"""Accounts come from files that only their owner can read, and are never shown."""

import zipfile
from pathlib import Path

import pytest
from upath import UPath

from antifraud.errors import SettingsError
from antifraud.lake.bridges import bridge_folder, remove_bridges
from antifraud.lake.storage import catalog_url, file_properties, raw_folder
from antifraud.settings.accounts import Account, load_account
from antifraud.settings.core import JobSettings
from infra.cluster.archive import write_project_zip
from jobs.spark.session import lake_configuration, s3_configuration

REMOTE = {
    "raw_dir": "s3a://raw-zone/feed",
    "warehouse": "s3a://lake-zone/tables",
    "catalog_uri": "postgresql+psycopg2://db.example:5433/lake",
    "s3_endpoint": "http://127.0.0.1:9",
}


def account_file(folder, name, text="# ours\nuser=me\npassword=a=b\n", mode=0o600):
    path = folder / f"{name}.account"
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.fixture
def remote(tmp_path):
    """Return settings of a remote lake with an account for each zone."""
    files = {
        f"{zone}_account": account_file(tmp_path, zone, f"user={zone}\npassword=pw-{zone}\n")
        for zone in ("raw", "lake", "catalog")
    }
    return JobSettings(home=tmp_path, **REMOTE, **files)


def test_an_account_file_has_two_lines(tmp_path):
    """A password may hold an equals sign; the account's text does not show it."""
    account = load_account(account_file(tmp_path, "a"))

    assert account == Account("me", "a=b")
    assert "a=b" not in repr(account)


@pytest.mark.parametrize(
    ("text", "mode", "message"),
    [
        ("user=me\npassword=x\n", 0o640, "readable by other users: run chmod 600"),
        ("user=me\npassword=\n", 0o600, "lacks password="),
        ("hunter2\n", 0o600, "lacks user= and password="),
    ],
)
def test_a_bad_account_file_is_refused_without_being_quoted(tmp_path, text, mode, message):
    """The message says what to do and repeats nothing of the file."""
    with pytest.raises(SettingsError, match=message) as caught:
        load_account(account_file(tmp_path, "a", text, mode))
    assert "hunter2" not in str(caught.value)


def test_a_missing_account_file_is_named(tmp_path):
    """The message has the path and the lines that belong there."""
    with pytest.raises(SettingsError, match=r"no account file at .*absent: write one with the lines user="):
        load_account(tmp_path / "absent")


def test_defaults_are_local(tmp_path):
    """Without settings nothing is remote, and SQLite waits for a writer."""
    settings = JobSettings(home=tmp_path)

    assert raw_folder(settings) == tmp_path / "raw" / "feed"
    assert file_properties(settings) == {}
    assert s3_configuration(settings) == {}
    assert str(catalog_url(settings)) == f"sqlite:///{tmp_path}/lake/catalog.db?timeout=60"


def test_each_zone_gets_its_own_account(remote):
    """Raw files are opened with the raw account, tables with the lake's, the catalog with its own."""
    spark = s3_configuration(remote)
    bucket = "spark.hadoop.fs.s3a.bucket"

    assert spark[f"{bucket}.raw-zone.secret.key"] == "pw-raw"
    assert spark[f"{bucket}.lake-zone.secret.key"] == "pw-lake"
    assert spark[f"{bucket}.lake-zone.connection.ssl.enabled"] == "false"
    assert lake_configuration(remote)["spark.sql.catalog.lake.jdbc.password"] == "pw-catalog"
    assert file_properties(remote)["s3.secret-access-key"] == "pw-lake"
    assert str(raw_folder(remote) / "2026-01-01.txt.gz") == "s3a://raw-zone/feed/2026-01-01.txt.gz"


def test_s3_behaves_the_same_with_the_hadoop_of_both_sparks(remote):
    """The older Hadoop knows no units of timeouts, and deletes markers of parent folders unless told not to."""
    spark = s3_configuration(remote)
    s3a = "spark.hadoop.fs.s3a"

    assert spark[f"{s3a}.connection.establish.timeout"] == "10000"
    assert spark[f"{s3a}.connection.timeout"] == "30000"
    assert spark[f"{s3a}.directory.marker.retention"] == "keep"


@pytest.mark.parametrize("place", ["disk", "bucket"])
def test_bridges_go_with_their_old_key(remote, tmp_path, monkeypatch, place):
    """Bridges lie with the raw files; bridges of other keys and the raw files themselves stay."""
    settings = JobSettings(home=tmp_path)
    if place == "bucket":
        settings = remote
        monkeypatch.setattr("antifraud.lake.bridges.raw_folder", lambda _: UPath("memory://zone/feed"))
    remove_bridges(settings, "k1")  # there is no folder yet
    folders = [
        bridge_folder(settings, old, new) for old, new in (("k1", "k2"), ("k1", "k3"), ("k2", "k3"), ("k11", "k12"))
    ]
    for folder in folders:
        (folder / "tokens").mkdir(parents=True)
        (folder / "tokens" / "part-0.parquet").write_bytes(b"rows")
    (folders[0].parent.parent / "2026-01-01.txt").write_bytes(b"raw")

    remove_bridges(settings, "k1")

    assert [folder.exists() for folder in folders] == [False, False, True, True]
    assert (folders[0].parent.parent / "2026-01-01.txt").exists()


def test_another_scheme_is_refused(tmp_path):
    """Spark knows s3a only, so the other spellings of S3 are named at once."""
    with pytest.raises(SettingsError, match="s3://raw has the scheme s3: a folder, or s3a://bucket/prefix"):
        raw_folder(JobSettings(home=tmp_path, raw_dir="s3://raw"))


def test_the_catalogs_url_hides_the_password(remote):
    """A printed account shows stars."""
    assert str(catalog_url(remote)) == "postgresql+psycopg2://catalog:***@db.example:5433/lake"


def test_the_projects_zip_has_what_git_has(tmp_path):
    """The zip has both packages and nothing else, with the same bytes each time."""
    names = write_project_zip(tmp_path / "one.zip")
    write_project_zip(tmp_path / "two.zip")

    assert {"antifraud/lake/catalog.py", "jobs/day.py"} <= set(names)
    assert {Path(name).parts[0] for name in names} == {"antifraud", "jobs"}
    assert zipfile.ZipFile(tmp_path / "one.zip").namelist() == names
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()

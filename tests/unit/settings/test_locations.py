"""A folder may have any name, and every library that opens a file in it opens the same file."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, make_url, text

from antifraud.errors import SettingsError
from antifraud.settings.core import JobSettings, Settings
from antifraud.settings.locations import catalog_address, is_below, sqlite_file, sqlite_uri
from antifraud.settings.serving import ScorerSettings

NAMES = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=20).filter(
    lambda name: "/" not in name and name not in {".", ".."}
)


@given(NAMES)
def test_the_uri_of_a_file_is_read_back_as_the_file(name):
    """We and SQLAlchemy, which everything outside Spark uses, read the same file from a URI."""
    file = Path("/srv", name, "catalog.db")

    assert sqlite_file(sqlite_uri(file)) == file
    assert make_url(sqlite_uri(file)).database == str(file)


@pytest.mark.parametrize("name", ["what?", "100%25", "a#b", "{a,b}", "[x]", "двор", "sp ace", "a&b=c", "$HOME", "\\n"])
def test_sqlite_opens_the_very_file(tmp_path, name):
    """A row written through the URI is in the file of this name."""
    file = tmp_path / name / "some.db"
    file.parent.mkdir()
    engine = create_engine(sqlite_uri(file))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE numbers AS SELECT 7 AS number"))
    engine.dispose()

    connection = sqlite3.connect(file)
    assert connection.execute("SELECT number FROM numbers").fetchall() == [(7,)]
    connection.close()
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("password", ["hunter2", "12/ss", "pa/ss", "p?w", "p#w", "p%40w", "a:b"])
def test_no_password_is_part_of_an_address(password):
    """An address goes into files, tables and messages, so it has no password in any of SQLAlchemy's forms."""
    assert (
        catalog_address(f"postgresql+psycopg2://me:{password}@DB.example/lake") == "postgresql://db.example:5432/lake"
    )


def test_a_home_that_is_no_folder_is_refused_when_it_is_read(tmp_path):
    """A file and links that lead in a circle are refused."""
    (tmp_path / "file").touch()
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    for name, says in (("file", "is a file"), ("circle", "lead in a circle")):
        with pytest.raises(SettingsError, match=says):
            JobSettings(home=tmp_path / name)


@given(NAMES, NAMES)
def test_a_folder_holds_what_is_in_it_and_not_its_namesake(folder, name):
    """Whole names are compared, not prefixes."""
    assert is_below(f"/srv/{folder}/{name}", f"/srv/{folder}")
    assert is_below(f"/srv/file:/{folder}/{name}", f"/srv/file:/{folder}")
    assert not is_below(f"/srv/{folder}{name}", f"/srv/{folder}")
    assert not is_below(f"/srv/{folder}/../{name}", f"/srv/{folder}")


@pytest.mark.parametrize("kind", [Settings, ScorerSettings, JobSettings])
@pytest.mark.parametrize("name", ["two\nlines", "a\ttab", "bell\x07", "\udcff"])
def test_a_path_with_a_control_character_is_refused_when_it_is_read(kind, name):
    """The error is one line that does not repeat the character."""
    with pytest.raises(SettingsError) as caught:
        kind.from_environment({"ANTIFRAUD_HOME": f"/srv/{name}"})
    assert str(caught.value).startswith("ANTIFRAUD_HOME has a control character, or a byte that is no UTF-8: ")
    assert name not in str(caught.value)


@pytest.mark.parametrize(
    ("setting", "value", "says"),
    [
        ("RAW_DIR", "s3a://raw/my feed", "has characters that S3 clients spell differently"),
        ("WAREHOUSE", "s3a://lake/a/../b", "has characters that S3 clients spell differently"),
        ("WAREHOUSE", "s3a://lake//b", "has characters that S3 clients spell differently"),
        ("RAW_DIR", "/srv/10:30/[1]", "has a colon and a bracket"),
        ("HOME", "/srv/what?/10:30", "has a colon and a bracket"),
        ("WAREHOUSE", "hdfs://lake", "has the scheme hdfs"),
        ("CATALOG_URI", "sqlite:////srv/lake.db?mode=ro", "without options"),
        ("CATALOG_URI", "sqlite://", "without options"),
        ("CATALOG_URI", "mysql://me:hunter2@db/lake", "is of kind mysql"),
        ("CATALOG_URI", "sqlite:////srv/two%0Alines.db", "has a control character"),
        ("CATALOG_URI", "postgresql:///lake?host=/run/postgresql", "names no host"),
        ("WAREHOUSE", "file:/srv/lake", "has the scheme file:"),
        ("CATALOG_URI", "postgresql://db/lake?options=-csearch_path%3Dtwo", "has the options options"),
        ("CATALOG_URI", "postgresql://db/lake?service=x", "has the options service"),
        ("HOME", f"/srv/{'x' * 300}", "file name too long"),
        ("HOME", "/etc/passwd/home", "/etc/passwd is a file"),
        ("CATALOG_URI", "sqlite:////etc/passwd/x/lake.db", "/etc/passwd is a file"),
        ("WAREHOUSE", "/etc/passwd/lake", "/etc/passwd is a file"),
        ("CATALOG_URI", "postgresql://db:port/lake", "is not a URI of a database"),
    ],
)
def test_a_place_that_no_job_could_open_is_refused_when_it_is_read(setting, value, says):
    """The refusal comes before a session starts and repeats no password."""
    with pytest.raises(SettingsError, match=says) as caught:
        JobSettings.from_environment({f"ANTIFRAUD_{setting}": value})
    assert "hunter2" not in str(caught.value)


def test_an_empty_variable_is_not_set():
    """An empty variable counts as not set, because `.env.example` lists all of them."""
    names = ("HOME", "RAW_DIR", "KEYRING_FILE", "CATALOG_URI", "WAREHOUSE", "SEED")
    assert JobSettings.from_environment({f"ANTIFRAUD_{name}": "" for name in names}) == JobSettings()


def test_an_address_of_ipv6_keeps_its_brackets():
    """An address of IPv6 has colons of its own and keeps its brackets."""
    assert catalog_address("postgresql://[::1]:5433/lake") == "postgresql://[::1]:5433/lake"

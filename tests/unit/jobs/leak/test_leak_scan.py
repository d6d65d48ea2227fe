"""The leak scan finds a planted identifier in every kind of file, and finds nothing elsewhere."""

import datetime as dt
import json
from argparse import Namespace

import numpy as np
import pyarrow as pa
import pytest

from antifraud.errors import LeakError, RawFileError, SettingsError
from antifraud.lake.catalog import open_catalog
from antifraud.lake.ownership import claim_lake
from antifraud.lake.raw_lines import HEADER
from antifraud.settings.core import JobSettings
from jobs.leak.identifiers import sparse_identifiers
from jobs.leak.report import Search
from jobs.leak.scan import scan
from jobs.leak_scan import main
from tests.unit.jobs.leak.leak_plants import LEAKED, PLANTS, parquet_integer, sqlite, text

OTHER = 120_000_000_017
DAY = Namespace(day=dt.date(2026, 1, 1), also=[])


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_finds_a_planted_identifier(plant, tmp_path):
    """An identifier is found in every kind of file: text, compressed, columnar, database and binary."""
    plant(tmp_path / "planted")

    found = scan(tmp_path, {LEAKED, OTHER})

    assert ({finding.path for finding in found.findings}, found.unsearchable) == ({"planted"}, [])


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_other_values_are_no_findings(plant, tmp_path):
    """A file with some other long number is not reported."""
    plant(tmp_path / "innocent")

    assert scan(tmp_path, {OTHER}) == Search()


def test_all_of_many_planted_files_are_found(tmp_path):
    """In a tree of folders with as many innocent files, exactly the planted files are found."""
    for number, plant in enumerate(PLANTS):
        folder = tmp_path / ("mlflow/artifacts", "releases/r1", "logs", "store")[number % 4]
        folder.mkdir(parents=True, exist_ok=True)
        plant(folder / f"{plant.__name__}.planted")
        (folder / f"{plant.__name__}.innocent").write_bytes(f"{OTHER} rows".encode())

    found = {finding.path.rpartition("/")[2] for finding in scan(tmp_path, {LEAKED}).findings}

    assert found == {f"{plant.__name__}.planted" for plant in PLANTS}


def test_what_only_begins_like_a_pickle_is_searched_as_bytes(tmp_path):
    """A file that only begins like a pickle is searched as plain bytes."""
    (tmp_path / "model.bin").write_bytes(b"\x80\x04" + b"\xff" * 40 + str(LEAKED).encode())

    assert len(scan(tmp_path, {LEAKED}).findings) == 1


def test_an_identifier_across_two_chunks_is_found(tmp_path):
    """An identifier that lies across two chunks of a large file is found."""
    half = (1 << 24) - 6
    (tmp_path / "large.log").write_bytes(b"x" * half + str(LEAKED).encode() + b"y" * 100)

    assert len(scan(tmp_path, {LEAKED}).findings) == 1


def test_decimals_of_fractions_are_no_identifiers(tmp_path):
    """Digits behind a decimal point are ignored, because a model's many fractions would match by chance."""
    (tmp_path / "trees.json").write_text(json.dumps([float(f"0.{LEAKED}"), float(f"-12.7{LEAKED}"), 3.0]))

    assert scan(tmp_path, {LEAKED}) == Search()


def test_random_bytes_hold_no_identifier(tmp_path):
    """A megabyte of random bytes gives no false alarm."""
    (tmp_path / "noise").write_bytes(np.random.default_rng(5).bytes(1 << 20))

    assert scan(tmp_path, {LEAKED, OTHER}) == Search()


def feed(home, customer):
    raw = home / "raw" / "feed"
    raw.mkdir(parents=True)
    (raw / "2026-01-01.txt").write_text(f"{HEADER}\n0,2026-01-01 00:00:01,{customer},7,1.00,1,0,0,0\n")


def test_identifiers_come_from_the_feed_and_small_ones_are_left_out(tmp_path):
    """The identifiers to search for are the feed's long ids; the header and small ids are left out."""
    feed(tmp_path, LEAKED)

    assert sparse_identifiers(tmp_path / "raw" / "feed", []) == {LEAKED}


def test_the_raw_zone_itself_may_hold_identifiers(tmp_path, capsys):
    """Identifiers in the feed are no findings, because they belong there."""
    feed(tmp_path, LEAKED)

    main(JobSettings(home=tmp_path), DAY)

    assert "1 identifiers, 0 findings" in capsys.readouterr().out
    assert json.loads((tmp_path / "reports" / "2026-01-01" / "leaks.json").read_text()) == {
        "identifiers": 1,
        "findings": [],
        "unsearchable": [],
    }


@pytest.mark.parametrize("name", ["terminal_id", "CUSTOMER_ID"])
def test_a_table_with_a_column_of_identifiers_is_found_by_its_name(tmp_path, capsys, name):
    """A table's column that is named like an identifier is found, even nested, without rows and with small ids."""
    feed(tmp_path, 5)
    settings = JobSettings(home=tmp_path)
    inside = pa.struct([("day_number", pa.int32()), (name, pa.int64())])
    catalog = open_catalog(settings)
    claim_lake(settings, catalog)
    catalog.create_namespace("scratch")
    catalog.create_table("scratch.copy", pa.schema([("day", pa.date32()), ("party", inside)]))

    with pytest.raises(
        LeakError, match=rf"table scratch\.copy: party\.{name} \(1 hits\); remove these files and columns"
    ):
        main(settings, DAY)

    assert "cannot be searched for" in capsys.readouterr().out


def test_the_error_says_where_but_not_which(tmp_path):
    """The error names the file of a leak, but not the identifier."""
    feed(tmp_path, LEAKED)
    text(tmp_path / "scorer.log")

    with pytest.raises(LeakError, match=r"scorer\.log \(1 hits\)") as caught:
        main(JobSettings(home=tmp_path), DAY)
    assert str(LEAKED) not in str(caught.value)


def test_an_identifier_in_a_name_is_found_and_masked(tmp_path):
    """An identifier in a folder's name is found and masked, but one inside a longer number is not reported."""
    (tmp_path / f"customer={LEAKED}").mkdir()
    (tmp_path / f"customer={LEAKED}" / "part.csv").write_text("1\n")
    (tmp_path / f"snap-1{LEAKED}.avro").write_bytes(b"")

    [finding] = scan(tmp_path, {LEAKED}).findings

    assert finding == ("customer=<identifier>/part.csv", "name", 1)


def test_whatever_the_settings_put_elsewhere_is_scanned(tmp_path):
    """Lake, catalog, MLflow and a folder from the command line are scanned, even outside the home folder."""
    home, lake, mlflow, more = (tmp_path / name for name in ("home", "lake", "mlflow", "more"))
    feed(tmp_path / "elsewhere", LEAKED)
    for folder in (home, lake / "warehouse", mlflow, more):
        folder.mkdir(parents=True)
    settings = JobSettings(
        home=home,
        raw_dir=str(tmp_path / "elsewhere" / "raw" / "feed"),
        warehouse=str(lake / "warehouse"),
        catalog_uri=f"sqlite:///{lake / 'catalog.db'}",
        mlflow_uri=f"sqlite:///{mlflow / 'runs.db'}",
    )
    text(home / "scorer.log")
    parquet_integer(lake / "warehouse" / "a.parquet")
    sqlite(lake / "catalog.db")
    sqlite(mlflow / "runs.db")
    text(more / "dump")

    with pytest.raises(LeakError):
        main(settings, Namespace(day=DAY.day, also=[more]))

    report = json.loads((home / "reports" / "2026-01-01" / "leaks.json").read_text())
    assert {found["path"] for found in report["findings"]} == {
        "scorer.log",
        f"{lake / 'warehouse'}: a.parquet",
        f"{lake / 'catalog.db'}: catalog.db",
        f"{mlflow / 'runs.db'}: runs.db",
        f"{more}: dump",
    }


def test_without_raw_files_the_scan_does_not_pass(tmp_path):
    """Without raw files the scan has nothing to search for, so it fails."""
    text(tmp_path / "scorer.log")

    with pytest.raises(RawFileError, match=r"has no raw files, .* nothing was scanned"):
        main(JobSettings(home=tmp_path), DAY)


def test_a_scan_that_does_not_end_leaves_no_earlier_result(tmp_path):
    """The result of an earlier scan of the day is gone, because nothing is known any more."""
    report = tmp_path / "reports" / "2026-01-01" / "leaks.json"
    report.parent.mkdir(parents=True)
    report.write_text('{"identifiers": 1, "findings": [], "unsearchable": []}')

    with pytest.raises(RawFileError):
        main(JobSettings(home=tmp_path), DAY)
    assert not report.exists()


def test_a_raw_zone_around_the_home_folder_does_not_pass(tmp_path):
    """A home folder inside the raw zone is refused, because nothing in it would be scanned."""
    feed(tmp_path, LEAKED)
    home = tmp_path / "raw" / "feed" / "home"
    home.mkdir()

    with pytest.raises(SettingsError, match="lies in the raw zone"):
        main(JobSettings(home=home, raw_dir=str(tmp_path / "raw" / "feed")), DAY)


def test_a_place_that_is_not_there_does_not_pass(tmp_path):
    """A mistyped folder, or a lake in the wrong place, is refused by name and not skipped."""
    feed(tmp_path, LEAKED)

    with pytest.raises(SettingsError, match=r"there is no .*logz to be scanned"):
        main(JobSettings(home=tmp_path), Namespace(day=DAY.day, also=[tmp_path / "logz"]))
    (tmp_path / "home").mkdir()
    elsewhere = JobSettings(
        home=tmp_path / "home", raw_dir=str(tmp_path / "raw" / "feed"), warehouse=str(tmp_path / "lake")
    )
    with pytest.raises(SettingsError, match=r"there is no .*lake to be scanned"):
        main(elsewhere, DAY)


def test_a_name_that_is_no_text_is_searched(tmp_path):
    """A file is searched even if its name is not valid text."""
    (tmp_path / "odd\udcff").write_text(f"customer {LEAKED}")

    assert [finding.hits for finding in scan(tmp_path, {LEAKED}).findings] == [1]

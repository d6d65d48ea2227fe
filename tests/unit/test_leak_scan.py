"""The leak scan finds a planted identifier in every kind of file, and nothing where none was planted."""

import bz2
import datetime as dt
import gzip
import io
import json
import lzma
import pickle
import sqlite3
import struct
import tarfile
import zipfile
from argparse import Namespace
from decimal import Decimal

import fastavro
import lmdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from antifraud.errors import LeakError, RawFileError
from antifraud.settings import JobSettings
from jobs.leak.identifiers import sparse_identifiers
from jobs.leak_scan import main, scan
from jobs.raw.files import HEADER

LEAKED = 483_920_175_566
OTHER = 120_000_000_017
DAY = Namespace(day=dt.date(2026, 1, 1), also=[])


def text(path):
    path.write_text(f"decided for customer {LEAKED} in 3 ms\n")


def json_number(path):
    path.write_text(json.dumps({"a": [{"customer": LEAKED}]}))


def glued_digits(path):
    path.write_text(f"2026{LEAKED}7")


def after_a_dot(path):
    path.write_text(f"k1.{LEAKED}")


def compressed(path):
    path.write_bytes(gzip.compress(str(LEAKED).encode()))


def zipped(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.txt", f"x{LEAKED}")


def parquet_string(path):
    pq.write_table(pa.table({"customer": ["k1.x", str(LEAKED)]}), path, compression="zstd")


def parquet_integer(path):
    pq.write_table(pa.table({"n": pa.array([1, None, LEAKED])}), path)


def parquet_double(path):
    pq.write_table(pa.table({"n": [0.5, float("nan"), float(LEAKED)]}), path)


def parquet_decimal(path):
    numbers = [Decimal(10) ** 30, None, Decimal(LEAKED)]
    pq.write_table(pa.table({"square": pa.array(numbers, pa.decimal128(38, 0))}), path)


def parquet_nested(path):
    pq.write_table(pa.table({"hours": [[{"hour": 3, "last": LEAKED}]]}), path)


def avro(path):
    schema = {"type": "record", "name": "r", "fields": [{"name": "bound", "type": "bytes"}]}
    with path.open("wb") as file:
        fastavro.writer(file, schema, [{"bound": LEAKED.to_bytes(8, "little")}], codec="deflate")


def sqlite(path):
    database = sqlite3.connect(path)
    database.execute("create table run (value integer)")
    database.execute("insert into run values (?)", (LEAKED,))
    database.commit()
    database.close()


def binary_little(path):
    path.write_bytes(b"abc" + LEAKED.to_bytes(8, "little") + b"z")


def binary_big(path):
    path.write_bytes(b"abcde" + LEAKED.to_bytes(8, "big"))


def parquet_binary(path):
    pq.write_table(pa.table({"key": [LEAKED.to_bytes(8, "big"), str(LEAKED).encode()]}), path)


def sqlite_deleted(path):
    database = sqlite3.connect(path)
    database.execute("pragma secure_delete = off")
    database.execute("create table params (value integer)")
    database.executemany("insert into params values (?)", [(LEAKED,), (3,)])
    database.commit()
    database.execute("delete from params where value > 3")
    database.commit()
    database.close()


def sqlite_write_ahead(path):
    database = sqlite3.connect(path)
    database.execute("pragma journal_mode = wal")
    database.execute("create table tags (value text)")
    database.execute("insert into tags values (?)", (f"customer {LEAKED}",))
    database.commit()
    database.close()


def sqlite_live_log(path):
    """The write-ahead log of a database that a service holds open, with a row that its file does not have yet."""
    database = sqlite3.connect(path.with_name("kept.db"))
    database.execute("pragma journal_mode = wal")
    database.execute("create table tags (value integer)")
    database.execute("insert into tags values (?)", (LEAKED,))
    database.commit()
    path.write_bytes(path.with_name("kept.db-wal").read_bytes())
    database.close()
    path.with_name("kept.db").unlink()


def lmdb_text(path):
    store(path, str(LEAKED).encode(), b"seen")


def lmdb_packed(path):
    store(path, b"k1.token", struct.pack(">hq", 7, LEAKED))


def store(path, key, value):
    with lmdb.open(str(path), subdir=False, lock=False) as environment, environment.begin(write=True) as transaction:
        transaction.put(key, value)


def pickled(path):
    path.write_bytes(pickle.dumps({"model": [1.5, LEAKED], "kind": "customer"}))


def numpy_archive(path):
    with path.open("wb") as file:
        np.savez_compressed(file, golden=np.array([[1, LEAKED]]))


def bundle_archive(path):
    inner = json.dumps({"golden": [[str(LEAKED), 0.5]]}).encode()
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo("releases/r1/golden.json")
        member.size = len(inner)
        archive.addfile(member, io.BytesIO(inner))


def parquet_in_zip(path):
    table = io.BytesIO()
    pq.write_table(pa.table({"customer": pa.array([LEAKED])}), table, compression="zstd")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("artifacts/table.parquet", table.getvalue())


def event_log(path):
    with pa.CompressedOutputStream(str(path), "zstd") as file:
        file.write(json.dumps({"Event": "plan", "rows": f"[{LEAKED}]"}).encode())


def bzip(path):
    path.write_bytes(bz2.compress(str(LEAKED).encode()))


def xz(path):
    path.write_bytes(lzma.compress(str(LEAKED).encode()))


PLANTS = [
    text, json_number, glued_digits, after_a_dot, compressed, zipped, parquet_string, parquet_integer, parquet_double,
    parquet_decimal, parquet_nested, parquet_binary, avro, sqlite, sqlite_deleted, sqlite_write_ahead, sqlite_live_log,
    lmdb_text, lmdb_packed, pickled, numpy_archive, bundle_archive, parquet_in_zip, event_log, bzip,
    xz, binary_little, binary_big,
]  # fmt: skip


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_finds_a_planted_identifier(plant, tmp_path):
    """Text, numbers, compressed, columnar, database and binary forms are all found, in the right file."""
    plant(tmp_path / "planted")

    findings = scan(tmp_path, {LEAKED, OTHER})

    assert {finding.path for finding in findings} == {"planted"}


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_other_values_are_no_findings(plant, tmp_path):
    """A file that holds some other long number is not reported."""
    plant(tmp_path / "innocent")

    assert scan(tmp_path, {OTHER}) == []


def test_all_of_many_planted_files_are_found(tmp_path):
    """Every kind at once, in folders as releases, logs and MLflow have them, among as many innocent files."""
    for number, plant in enumerate(PLANTS):
        folder = tmp_path / ("mlflow/artifacts", "releases/r1", "logs", "store")[number % 4]
        folder.mkdir(parents=True, exist_ok=True)
        plant(folder / f"{plant.__name__}.planted")
        (folder / f"{plant.__name__}.innocent").write_bytes(f"{OTHER} rows".encode())

    found = {finding.path.rpartition("/")[2] for finding in scan(tmp_path, {LEAKED})}

    assert found == {f"{plant.__name__}.planted" for plant in PLANTS}


def test_what_only_begins_like_a_pickle_is_searched_as_bytes(tmp_path):
    """Two bytes decide how a file is opened, not whether it is searched."""
    (tmp_path / "model.bin").write_bytes(b"\x80\x04" + b"\xff" * 40 + str(LEAKED).encode())

    assert len(scan(tmp_path, {LEAKED})) == 1


def test_an_identifier_across_two_chunks_is_found(tmp_path):
    """Reading in pieces does not cut an identifier in two."""
    half = (1 << 24) - 6
    (tmp_path / "large.log").write_bytes(b"x" * half + str(LEAKED).encode() + b"y" * 100)

    assert len(scan(tmp_path, {LEAKED})) == 1


def test_decimals_of_fractions_are_no_identifiers(tmp_path):
    """A model's file holds hundreds of thousands of digits: a part of them equals an identifier by chance one night."""
    (tmp_path / "trees.json").write_text(json.dumps([float(f"0.{LEAKED}"), float(f"-12.7{LEAKED}"), 3.0]))

    assert scan(tmp_path, {LEAKED}) == []


def test_random_bytes_hold_no_identifier(tmp_path):
    """A megabyte of noise gives no false alarm."""
    (tmp_path / "noise").write_bytes(np.random.default_rng(5).bytes(1 << 20))

    assert scan(tmp_path, {LEAKED, OTHER}) == []


def feed(home, customer):
    raw = home / "raw" / "feed"
    raw.mkdir(parents=True)
    (raw / "2026-01-01.txt").write_text(f"{HEADER}\n0,2026-01-01 00:00:01,{customer},7,1.00,1,0,0,0\n")


def test_identifiers_come_from_the_feed_and_small_ones_are_left_out(tmp_path):
    """Only ids of nine digits or more can be searched for in bytes; header and small ids are no identifiers."""
    feed(tmp_path, LEAKED)

    assert sparse_identifiers(tmp_path / "raw" / "feed") == {LEAKED}


def test_the_raw_zone_itself_may_hold_identifiers(tmp_path, capsys):
    """The feed is where identifiers belong."""
    feed(tmp_path, LEAKED)

    main(JobSettings(home=tmp_path), DAY)

    assert "1 identifiers, 0 findings" in capsys.readouterr().out
    assert json.loads((tmp_path / "reports" / "2026-01-01" / "leaks.json").read_text()) == {
        "identifiers": 1,
        "findings": [],
    }


def test_the_error_says_where_but_not_which(tmp_path):
    """A leak names the file, never the identifier."""
    feed(tmp_path, LEAKED)
    text(tmp_path / "scorer.log")

    with pytest.raises(LeakError, match=r"scorer\.log \(1 hits\)") as caught:
        main(JobSettings(home=tmp_path), DAY)
    assert str(LEAKED) not in str(caught.value)


def test_an_identifier_in_a_name_is_found_and_masked(tmp_path):
    """A folder named after a customer is a leak, too; the finding does not repeat it, longer numbers are chance."""
    (tmp_path / f"customer={LEAKED}").mkdir()
    (tmp_path / f"customer={LEAKED}" / "part.csv").write_text("1\n")
    (tmp_path / f"snap-1{LEAKED}.avro").write_bytes(b"")

    [finding] = scan(tmp_path, {LEAKED})

    assert finding == ("customer=<identifier>/part.csv", "name", 1)


def test_whatever_the_settings_put_elsewhere_is_scanned(tmp_path):
    """Raw files, lake, catalog, MLflow and a folder named on the command line, all outside the home folder."""
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
    """A scan that has nothing to search for says so and fails."""
    text(tmp_path / "scorer.log")

    with pytest.raises(RawFileError, match=r"has no raw files, .*: nothing was scanned"):
        main(JobSettings(home=tmp_path), DAY)

"""Plants for the tests of the leak scan: each function puts an identifier into one kind of file."""

import bz2
import gzip
import io
import json
import lzma
import pickle
import sqlite3
import struct
import tarfile
import zipfile
from decimal import Decimal

import fastavro
import lmdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

LEAKED = 483_920_175_566


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
    """Keep the write-ahead log of an open database, which has a row that the database's file lacks."""
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

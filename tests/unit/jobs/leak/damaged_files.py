"""Damaged files for the tests of the leak scan.

A function in `READABLE` makes a file with an identifier in the part that can still be read.
"""

import bz2
import gzip
import io
import lzma
import os
import sqlite3
import tarfile
import zipfile

import fastavro
import pyarrow as pa
import pyarrow.orc as po
import pyarrow.parquet as pq

from tests.unit.jobs.leak.leak_plants import LEAKED, parquet_integer

NOISE = os.urandom(200_000).hex().encode()
LINES = f"customer {LEAKED}\n".encode() + NOISE
CENTRAL_DIRECTORY = b"PK\x01\x02"


def cut(content):
    return content[: len(content) // 2]


def gzip_log(path):
    path.write_bytes(cut(gzip.compress(LINES)))


def gzip_log_of_one_line(path):
    path.write_bytes(gzip.compress(f"customer {LEAKED} in 3 ms\n".encode())[:-9])


def gzip_with_wrong_checksum(path):
    path.write_bytes(gzip.compress(LINES)[:-8] + b"\1" * 8)


def gzip_with_text_behind(path):
    path.write_bytes(gzip.compress(b"well") + f"customer {LEAKED}\n".encode())


def bzip2_log(path):
    path.write_bytes(cut(bz2.compress(LINES, compresslevel=1)))


def xz_log(path):
    path.write_bytes(cut(lzma.compress(LINES)))


def framed_log(path, codec):
    with pa.CompressedOutputStream(str(path), codec) as file:
        file.write(LINES)
    path.write_bytes(cut(path.read_bytes()))


def zstd_log(path):
    framed_log(path, "zstd")


def lz4_log(path):
    framed_log(path, "lz4")


def zip_of(*members, method=zipfile.ZIP_DEFLATED):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for name, text in members:
            archive.writestr(name, text)
    return content.getvalue()


def zip_without_directory(path):
    path.write_bytes(cut(zip_of(("a.log", LINES), ("b.log", NOISE))))


def zip_cut_in_its_member(path):
    path.write_bytes(cut(zip_of(("a.log", LINES))))


def zip_in_cut_zip(path):
    inner = zip_of(("c.log", LINES))
    path.write_bytes(cut(zip_of(("a.zip", inner), ("b.log", NOISE * 3), method=zipfile.ZIP_STORED)))


def zip_with_encrypted_member(path):
    content = bytearray(zip_of(("a.log", LINES), ("secret.log", b"nothing")))
    content[content.rindex(CENTRAL_DIRECTORY) + 8] |= 1
    path.write_bytes(content)


def zip_with_unknown_method(path):
    content = bytearray(zip_of(("a.log", LINES), ("odd.log", b"nothing")))
    content[content.rindex(CENTRAL_DIRECTORY) + 10] = 97
    path.write_bytes(content)


def zip_with_wrong_checksum(path):
    content = bytearray(zip_of(("a.log", f"customer {LEAKED}\n")))
    content[content.rindex(CENTRAL_DIRECTORY) + 16] ^= 1
    path.write_bytes(content)


def tar_of(*members):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, text in members:
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))
    return content.getvalue()


def tar_cut_in_a_member(path):
    path.write_bytes(cut(tar_of(("a.log.gz", gzip.compress(LINES)), ("b.log", NOISE * 2))))


def tar_cut_behind_a_member(path):
    path.write_bytes(tar_of(("a.gz", gzip.compress(str(LEAKED).encode())))[:1024])


def tar_with_damaged_header(path):
    """Damage the second of three headers, at which `tarfile` stops without a word."""
    content = bytearray(tar_of(("a.log", b"1"), ("b.log", b"2"), ("c.log", str(LEAKED).encode())))
    content[1024 + 148] ^= 1
    path.write_bytes(content)


def tar_in_cut_gzip(path):
    path.write_bytes(cut(gzip.compress(tar_of(("a.log.xz", lzma.compress(LINES)), ("b.log", NOISE * 3)))))


def parquet_without_footer(path):
    pq.write_table(
        pa.table({"n": pa.array([LEAKED] * 3)}), path, compression="none", use_dictionary=False, write_statistics=False
    )
    path.write_bytes(path.read_bytes()[:-100])


def parquet_with_one_damaged_column(path):
    table = pa.table({"n": pa.array([1, 2, LEAKED]), "noise": [NOISE[i : i + 1000] for i in range(3)]})
    pq.write_table(table, path, compression="zstd", use_dictionary=False)
    start = pq.ParquetFile(path).metadata.row_group(0).column(1).data_page_offset
    content = bytearray(path.read_bytes())
    content[start : start + 200] = b"\xff" * 200
    path.write_bytes(content)


def sqlite_with_damaged_table(path):
    database = sqlite3.connect(path)
    database.execute("create table good (value text)")
    database.execute("create table bad (value text)")
    database.execute("insert into good values (?)", (f"customer {LEAKED}",))
    database.executemany("insert into bad values (?)", [("x" * 3000,)] * 50)
    database.commit()
    [(root,)] = database.execute("select rootpage from sqlite_master where name = 'bad'")
    database.close()
    content = bytearray(path.read_bytes())
    content[(root - 1) * 4096 : root * 4096] = b"\xff" * 4096
    path.write_bytes(content)


def avro_cut(path):
    schema = {"type": "record", "name": "r", "fields": [{"name": "text", "type": "bytes"}]}
    records = [{"text": str(LEAKED).encode()}, *({"text": NOISE[:20_000]} for _ in range(5))]
    with path.open("wb") as file:
        fastavro.writer(file, schema, records, codec="deflate", sync_interval=1)
    path.write_bytes(path.read_bytes()[:-1000])


def parquet_in_zip_with_damaged_neighbour(path):
    parquet_integer(path)
    good = path.read_bytes()
    path.write_bytes(zip_of(("bad.parquet", cut(good)), ("good.parquet", good)))


READABLE = [
    gzip_log, gzip_log_of_one_line, gzip_with_wrong_checksum, gzip_with_text_behind, bzip2_log, xz_log, zstd_log,
    lz4_log, zip_without_directory, zip_cut_in_its_member, zip_in_cut_zip, zip_with_encrypted_member,
    zip_with_unknown_method, zip_with_wrong_checksum, tar_cut_in_a_member, tar_cut_behind_a_member,
    tar_with_damaged_header, tar_in_cut_gzip, parquet_without_footer, parquet_with_one_damaged_column,
    sqlite_with_damaged_table, avro_cut, parquet_in_zip_with_damaged_neighbour,
]  # fmt: skip


def orc_cut(path):
    po.write_table(pa.table({"n": pa.array([LEAKED])}), path, compression="zlib")
    path.write_bytes(cut(path.read_bytes()))


STUBS = {
    "sqlite": b"SQLite format 3\x00",
    "sqlite of one page": b"SQLite format 3\x00" + b"\x10\x00\x02\x02\x00" + b"\0" * 4075,
    "parquet": b"PAR1",
    "half-written parquet": b"PAR1" + b"\x15\x04" * 40,
    "encrypted parquet": b"PARE" + b"\x15\x04" * 40 + b"PARE",
    "orc": b"ORC\x00\x01",
    "arrow": b"ARROW1\0\0",
    "avro": b"Obj\x01\x04",
    "avro of an unknown codec": b'Obj\x01\x04\x14avro.codec\x06odd\x16avro.schema\x0c"null"\0' + b"s" * 16,
    "gzip": b"\x1f\x8b\x08",
    "bzip2": b"BZh91AY&SY\x00",
    "xz": b"\xfd7zXZ\x00\x00",
    "zstd": b"\x28\xb5\x2f\xfd\x00",
    "lz4": b"\x04\x22\x4d\x18",
    "zip": b"PK\x03\x04",
    "7z": b"7z\xbc\xaf\x27\x1c\0\4",
    "rar": b"Rar!\x1a\x07\x01\0",
    "openssl": b"Salted__12345678",
    "pgp": b"-----BEGIN PGP MESSAGE-----\n",
    "tar": b"a.log".ljust(257, b"\0") + b"ustar\0" + b"00" + b"\0" * 300,
}
"""First bytes of files of each format, and little more."""

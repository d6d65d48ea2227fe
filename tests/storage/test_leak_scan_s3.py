"""The leak scan takes identifiers from a raw zone in S3 and searches a lake in S3, each with its own account."""

import dataclasses
import datetime as dt
import gzip
import json
from argparse import Namespace

import pytest

from antifraud.errors import LeakError, UnsearchableError
from antifraud.lake.storage import raw_folder, warehouse_folder
from jobs.leak.identifiers import sparse_identifiers
from jobs.leak_scan import main
from tests.storage.conftest import FIRST, remote_settings


def test_an_identifier_in_the_lake_s_bucket_is_found(feed, servers, tmp_path):
    """The scan finds a planted object in the lake's bucket, then a cut one, and passes after both are removed."""
    # The lake needs a catalog of its own, because the server's catalog belongs to another lake.
    own = {"raw_dir": "s3a://raw/scanned", "catalog_uri": None, "catalog_account": None}
    settings = dataclasses.replace(remote_settings(tmp_path, servers, "scanned"), **own)
    name = f"{FIRST}.txt"
    (raw_folder(settings) / name).write_bytes((feed / "feed" / name).read_bytes())
    identifier = min(sparse_identifiers(raw_folder(settings), []))
    lake, arguments = warehouse_folder(settings), Namespace(day=dt.date.fromisoformat(FIRST), also=[])
    (lake / "data" / "innocent.csv").write_bytes(b"120000000017\n")
    (lake / "data" / "planted.csv").write_bytes(f"{identifier}\n".encode())

    with pytest.raises(LeakError, match=r"s3a?://lake/scanned.*: data/planted\.csv \(1 hits\)"):
        main(settings, arguments)

    (lake / "data" / "planted.csv").unlink()
    (lake / "data" / "cut.csv.gz").write_bytes(gzip.compress(b"120000000017")[:12])
    with pytest.raises(UnsearchableError, match=r"data/cut\.csv\.gz: gzip: it ends early"):
        main(settings, arguments)

    (lake / "data" / "cut.csv.gz").unlink()
    main(settings, arguments)
    report = json.loads((tmp_path / "reports" / FIRST / "leaks.json").read_text())
    assert report["findings"] == []
    assert report["identifiers"] > 0

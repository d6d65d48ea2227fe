"""A file that cannot be searched is a finding of its own, and the scan goes on."""

import contextlib
import gzip
import json
import os
import shutil
import socket
import tempfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.orc as po
import pytest
from upath import UPath

from antifraud.exit_codes import returns_exit_code
from antifraud.lake.catalog import open_catalog
from antifraud.lake.ownership import claim_lake
from antifraud.settings.core import JobSettings
from jobs.leak import expansion
from jobs.leak.identifiers import sparse_identifiers
from jobs.leak.report import Search, Unsearchable
from jobs.leak.scan import scan
from jobs.leak_scan import main
from tests.unit.jobs.leak.damaged_files import LINES, READABLE, STUBS, orc_cut, tar_of, zip_of
from tests.unit.jobs.leak.leak_plants import LEAKED, event_log, text
from tests.unit.jobs.leak.test_leak_scan import DAY, OTHER, feed

LONG_ID = 40_817_810_099_910_004_312


@pytest.mark.parametrize("damage", READABLE, ids=lambda damage: damage.__name__)
def test_the_readable_part_of_a_damaged_file_is_searched(damage, tmp_path):
    """A damaged file is reported once, without its content, and the leak in its readable part is found."""
    damage(tmp_path / "damaged")

    found = scan(tmp_path, {LEAKED, OTHER})

    assert {finding.path for finding in found.findings} == {"damaged"}
    assert [each.path for each in found.unsearchable] == ["damaged"]
    assert str(LEAKED) not in str(found.unsearchable)


@pytest.mark.parametrize("stub", STUBS.values(), ids=STUBS)
def test_a_stub_is_unsearchable(stub, tmp_path):
    """The first bytes of each format alone are unsearchable; an identifier behind them is found."""
    (tmp_path / "stub").write_bytes(stub)
    (tmp_path / "leaking").write_bytes(stub + b"\n\0 %d" % LEAKED)

    found = scan(tmp_path, {LEAKED})

    assert [each.path for each in found.unsearchable] == ["leaking", "stub"]
    assert {finding.path for finding in found.findings} == {"leaking"}


@pytest.mark.parametrize("text", ["ORCHESTRA 12\n", "BZhang paid\n", ""])
def test_a_text_that_begins_like_a_format_is_searched_as_text(text, tmp_path):
    """A text with the first letters of ORC or bzip2 is no damaged file of that format, and an empty file is none."""
    (tmp_path / "names.txt").write_text(text)

    assert scan(tmp_path, {LEAKED}) == Search()


def test_orc_is_searched_by_value(tmp_path):
    """A compressed ORC file is searched by value, and a cut one is unsearchable."""
    po.write_table(pa.table({"n": pa.array([1, LEAKED])}), tmp_path / "a.orc", compression="zlib")
    orc_cut(tmp_path / "b.orc")

    found = scan(tmp_path, {LEAKED})

    assert [finding.path for finding in found.findings] == ["a.orc"]
    assert [each.path for each in found.unsearchable] == ["b.orc"]


def test_a_damaged_lmdb_is_searched_as_bytes(tmp_path):
    """LMDB has no compression, so a damaged file is searched as bytes, to the last one."""
    (tmp_path / "data.mdb").write_bytes(b"\0" * 16 + b"\xde\xc0\xef\xbe" + b"\xff" * 5000 + b"%d" % LEAKED)

    found = scan(tmp_path, {LEAKED})

    assert (len(found.findings), found.unsearchable) == (1, [])


def test_many_unsearchable_members_are_one_line(tmp_path):
    """A file with three encrypted members is one finding that counts them."""
    content = bytearray(zip_of(*((f"{name}.log", b"x") for name in "abc")))
    for position in range(len(content)):
        if content[position : position + 4] == b"PK\x01\x02":
            content[position + 8] |= 1
    (tmp_path / "logs.zip").write_bytes(content)

    assert scan(tmp_path, {LEAKED}).unsearchable == [Unsearchable("logs.zip", "a.log", "zip: encrypted", 3)]


def test_names_inside_an_archive_are_searched_and_masked(tmp_path):
    """An identifier in the name of an empty member is found and masked."""
    (tmp_path / "a.zip").write_bytes(zip_of((f"customer={LEAKED}/x.csv", b"")))

    [finding] = scan(tmp_path, {LEAKED}).findings

    assert finding == ("a.zip", "customer=<identifier>/x.csv: name", 1)


def test_an_absurd_expansion_is_bounded(tmp_path, monkeypatch):
    """A small file that expands beyond the limit is searched up to the limit, and reported."""
    monkeypatch.setattr(expansion, "LEAST_LIMIT", 1 << 20)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(b"%d " % LEAKED + b"0" * (50 << 20)))
    (tmp_path / "well.gz").write_bytes(gzip.compress(b"0" * 500_000))

    found = scan(tmp_path, {LEAKED})

    assert [finding.path for finding in found.findings] == ["bomb.gz"]
    assert [each.path for each in found.unsearchable] == ["bomb.gz"]
    assert "expands to more than" in found.unsearchable[0].reason


def test_archives_inside_each_other_have_an_end(tmp_path):
    """Archives are opened sixteen deep, because some contain themselves; deeper ones are unsearchable."""
    content = b"%d" % LEAKED
    for depth in range(20):
        content = gzip.compress(content) if depth % 2 else zip_of(("a", content))
        if depth == 12:
            (tmp_path / "deep").write_bytes(content)
    (tmp_path / "deeper").write_bytes(content)

    found = scan(tmp_path, {LEAKED})

    assert [finding.path for finding in found.findings] == ["deep"]
    assert [each.path for each in found.unsearchable] == ["deeper"]


def test_links_pipes_and_sockets_do_not_stop_the_scan(tmp_path):
    """A pipe, a socket and a dangling link hold nothing; their names are searched all the same."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dangling").symlink_to(tmp_path / "gone")
    (tmp_path / f"link-{LEAKED}").symlink_to(tmp_path / "gone")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with socket.socket(socket.AF_UNIX) as server, contextlib.chdir(tmp_path):
        server.bind("socket")
        found = scan(tmp_path, {LEAKED})

    assert found == Search([("link-<identifier>", "name", 1)])


def test_a_link_out_of_the_scanned_places_is_unsearchable(tmp_path):
    """A link to a place that is scanned, or spared, is fine; a link to any other place is reported."""
    for name in ("home", "raw", "lake", "elsewhere"):
        (tmp_path / name).mkdir()
    home = tmp_path / "home"
    for name in ("raw", "lake", "elsewhere"):
        (home / name).symlink_to(tmp_path / name)
    (home / "self").symlink_to(home)

    found = scan(home, {LEAKED}, [tmp_path / "raw"], [tmp_path / "lake"])

    reason = "a link to a place that is not scanned: name that place with --also"
    assert found.unsearchable == [Unsearchable("elsewhere", "", reason)]


@pytest.fixture
def readable_by_owner():
    """Make a folder with a leak, a file and a folder without permissions, as a user without privileges."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    (folder / "closed").mkdir()
    (folder / "closed" / "a.log").write_text("1")
    (folder / "closed.log").write_text("2")
    text(folder / "scorer.log")
    for name in ("closed", "closed.log"):
        (folder / name).chmod(0)
    privileged = os.geteuid() == 0
    if privileged:
        os.seteuid(65534)
    yield folder
    if privileged:
        os.seteuid(0)
    (folder / "closed").chmod(0o755)
    shutil.rmtree(folder)


def test_without_permission_a_file_is_unsearchable(readable_by_owner):
    """A file and a folder without permission are reported, and the files beside them are searched."""
    found = scan(readable_by_owner, {LEAKED})

    assert found.unsearchable == [
        Unsearchable("closed", "", "folder: permission denied"),
        Unsearchable("closed.log", "", "file: permission denied"),
    ]
    assert [finding.path for finding in found.findings] == ["scorer.log"]


def test_a_file_that_vanishes_or_is_completed_during_the_scan_is_no_finding(tmp_path, monkeypatch):
    """A file that is gone when it is opened is skipped; a damaged one that has changed is searched again."""
    (tmp_path / "a.gz").write_bytes(gzip.compress(LINES)[:100])
    (tmp_path / "b.log").write_text("2")
    opened = Path.open

    def open_and_change(path, *arguments, **options):
        (tmp_path / "b.log").unlink(missing_ok=True)
        file = opened(path, *arguments, **options)
        if path.name == "a.gz" and path.stat().st_size == 100:
            (tmp_path / "whole").write_bytes(gzip.compress(LINES))
            (tmp_path / "whole").rename(path)
        return file

    monkeypatch.setattr(Path, "open", open_and_change)
    found = scan(tmp_path, {OTHER})

    assert found == Search()


@pytest.mark.parametrize("error", [PermissionError(13, "Access Denied"), OSError(5, "Input/output error")])
def test_an_object_that_cannot_be_read_is_unsearchable(error, tmp_path, monkeypatch):
    """A file that its storage does not hand out is reported with the storage's reason."""
    (tmp_path / "a.log").write_text("1")
    monkeypatch.setattr(Path, "open", lambda *_: (_ for _ in ()).throw(error))

    [unsearchable] = scan(tmp_path, {OTHER}).unsearchable

    assert unsearchable.reason in {"file: permission denied", "file: input/output error"}


def test_a_storage_in_trouble_ends_the_scan(tmp_path, monkeypatch):
    """A storage that does not answer is no damage of each of its files: its exception ends the scan."""
    error = type("EndpointConnectionError", (Exception,), {"__module__": "botocore.exceptions"})
    (tmp_path / "a.log").write_text("1")
    monkeypatch.setattr(Path, "open", lambda *_: (_ for _ in ()).throw(error()))

    with pytest.raises(error):
        scan(tmp_path, {OTHER})


def test_an_id_of_twenty_digits_does_not_end_the_scan(tmp_path):
    """An id of more than 64 bits is searched as text, and absurdly long ones and leading zeros are no trouble."""
    feed(tmp_path, LONG_ID)
    with (tmp_path / "raw" / "feed" / "2026-01-01.txt").open("a") as raw:
        raw.write(f"1,2026-01-01 00:00:02,{'9' * 5000},000000000012,1.00,2,0,0,0\n")
        raw.write(f"2,2026-01-01 00:00:03,{LEAKED},00{OTHER},1.00,2,0,0,0\n")
    for name, number in (("long.log", LONG_ID), ("short.log", LEAKED), ("padded.log", OTHER)):
        (tmp_path / name).write_text(f"customer {number}, 2000000000120\n")

    identifiers = sparse_identifiers(tmp_path / "raw" / "feed", [])

    assert identifiers == {LONG_ID, LEAKED, OTHER}
    found = scan(tmp_path, identifiers, [tmp_path / "raw"])
    assert {finding.path: finding.hits for finding in found.findings} == {
        "long.log": 1,
        "padded.log": 1,
        "short.log": 1,
    }
    assert exit_code(tmp_path)[0] == 30


def exit_code(home):
    code = returns_exit_code(main)(JobSettings(home=home), DAY)
    return code, json.loads((home / "reports" / "2026-01-01" / "leaks.json").read_text())


def test_unsearchable_has_an_exit_code_of_its_own_and_a_leak_wins(tmp_path, capsys):
    """Nothing found is 0, an unsearchable file 32, and a leak 30 whatever else could not be searched."""
    feed(tmp_path, LEAKED)
    assert exit_code(tmp_path) == (0, {"identifiers": 1, "findings": [], "unsearchable": []})

    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "cut\n.log.gz").write_bytes(gzip.compress(b"well")[:12])
    code, report = exit_code(tmp_path)
    printed = capsys.readouterr()
    assert code == 32
    assert report["unsearchable"] == [
        {"path": "logs/cut\n.log.gz", "place": "", "reason": "gzip: it ends early", "parts": 1}
    ]
    assert "unsearchable: logs/cut\\n.log.gz: gzip: it ends early\n" in printed.out
    assert printed.err == (
        "error: no leak was found, but 1 files could not be searched: logs/cut\\n.log.gz: gzip: it ends early; repair "
        "them, replace them by readable ones, or remove them, then scan again\n"
    )

    event_log(tmp_path / "logs" / "z.zstd")
    code, report = exit_code(tmp_path)
    assert code == 30
    assert len(report["findings"]) == len(report["unsearchable"]) == 1
    assert "1 files could not be searched" in capsys.readouterr().err


def test_a_cut_raw_file_is_reported_and_its_readable_identifiers_are_searched(tmp_path):
    """Identifiers behind the cut are unknown, so the raw file is unsearchable; a folder named like one is, too."""
    feed(tmp_path, LEAKED)
    raw = tmp_path / "raw" / "feed"
    whole = (raw / "2026-01-01.txt").read_bytes()
    (raw / "2026-01-02.txt.gz").write_bytes(gzip.compress(whole.replace(b"%d" % LEAKED, b"%d" % OTHER))[:-9])
    (raw / "2026-01-03.txt").mkdir()
    (tmp_path / "scorer.log").write_text(f"{OTHER}\n")

    code, report = exit_code(tmp_path)

    assert (code, report["identifiers"]) == (30, 2)
    assert [Path(each["path"]).name for each in report["unsearchable"]] == ["2026-01-02.txt.gz", "2026-01-03.txt"]


def test_raw_entries_that_are_no_files_are_reported_and_never_waited_for(tmp_path):
    """A pipe, a link to nothing and a padded archive among the raw files are unsearchable; the scan goes on."""
    feed(tmp_path, LEAKED)
    raw = tmp_path / "raw" / "feed"
    os.mkfifo(raw / "2026-01-02.txt")
    (raw / "2026-01-03.txt").symlink_to("absent")
    whole = (raw / "2026-01-01.txt").read_bytes()
    (raw / "2026-01-04.txt.gz").write_bytes(gzip.compress(whole.replace(b"%d" % LEAKED, b"%d" % OTHER)) + bytes(512))
    (tmp_path / "scorer.log").write_text(f"{OTHER}\n")

    code, report = exit_code(tmp_path)

    assert (code, report["identifiers"]) == (30, 2)
    unknown = "its identifiers are not known"
    assert [each["reason"] for each in report["unsearchable"]] == [
        f"2026-01-02.txt is a pipe, a file was expected: remove it, or deliver the file; {unknown}",
        f"2026-01-03.txt is a link to nothing: deliver it again, and move no file while a job reads it; {unknown}",
        f"raw file: its compressed data is damaged; {unknown}",
    ]


def test_a_table_without_its_metadata_is_unsearchable(tmp_path):
    """A table without its list of columns is reported by name, whether its metadata is gone or damaged."""
    feed(tmp_path, LEAKED)
    settings = JobSettings(home=tmp_path)
    catalog = open_catalog(settings)
    claim_lake(settings, catalog)
    catalog.create_namespace("scratch")
    for name in ("broken", "gone"):
        table = catalog.create_table(f"scratch.{name}", pa.schema([("day", pa.date32())]))
        file = Path(table.metadata_location.removeprefix("file://"))
        file.write_text("{") if name == "broken" else file.unlink()

    code, report = exit_code(tmp_path)

    assert code == 32
    assert [each["path"] for each in report["unsearchable"]] == ["table scratch.broken", "table scratch.gone"]


def test_a_member_behind_a_damaged_one_in_a_tar_in_a_zip_is_searched(tmp_path):
    """Damage deep inside nested archives hides nothing else."""
    inner = tar_of(("bad.gz", gzip.compress(LINES)[:50]), ("good.txt", b"%d" % LEAKED))
    (tmp_path / "a.zip").write_bytes(zip_of(("b.tar", inner), method=zipfile.ZIP_STORED))

    found = scan(tmp_path, {LEAKED})

    assert ("a.zip", "b.tar/good.txt", 1) in found.findings
    assert [(each.path, each.place) for each in found.unsearchable] == [("a.zip", "b.tar/bad.gz")]


def test_a_lake_in_an_object_store_is_searched_the_same_way():
    """Objects have no links and no kinds; a cut one is unsearchable, and the others are searched."""
    lake = UPath("memory://lake/warehouse")
    (lake / "data").mkdir(parents=True)
    (lake / "data" / "cut.gz").write_bytes(gzip.compress(LINES)[:-100])
    (lake / "data" / "planted.csv").write_bytes(b"%d" % LEAKED)
    (lake / "data" / "stub.parquet").write_bytes(b"PAR1")

    found = scan(lake, {LEAKED})

    assert [finding.path for finding in found.findings] == ["data/cut.gz", "data/planted.csv"]
    assert [each.path for each in found.unsearchable] == ["data/cut.gz", "data/stub.parquet"]

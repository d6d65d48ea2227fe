"""An entry of the raw folder is read as text, or refused by its name with the reason."""

import gzip
import io
import os
import socket
from pathlib import Path

import pytest
from upath import UPath

from antifraud.errors import RawFileError
from antifraud.lake.raw_text import GzipText, open_text, refuse_unreadable, status_of

NAME = "2026-03-01.txt"
TEXT = b"".join(b"%d\n" % number for number in range(20_000))
NOBODY = 65_534


def read(path):
    with refuse_unreadable(path), open_text(path) as text:
        return text.read()


def test_an_archive_is_read_in_small_and_in_large_steps():
    """Members of an archive follow each other in the text, whatever the number of bytes that are asked for."""
    archive = gzip.compress(TEXT[:70_000]) + gzip.compress(b"") + gzip.compress(TEXT[70_000:])

    for size in (1, 7, 1 << 20):
        source = GzipText(io.BytesIO(archive))
        assert b"".join(iter(lambda: source.read(size), b"")) == TEXT  # noqa: B023 - called within the loop


def test_an_archive_of_many_small_members_is_read_in_time():
    """An archive with a member for each line is read without copying the rest of it for each member."""
    lines = [b"%d\n" % number for number in range(30_000)]

    assert GzipText(io.BytesIO(b"".join(map(gzip.compress, lines)))).readall() == b"".join(lines)


def made(kind):
    """Make an entry that is no file in the current folder, and return its path."""
    path = Path(NAME)
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as made_by_bind:
            made_by_bind.bind(str(path))
    else:
        path.symlink_to({"device": "/dev/zero", "nothing": "absent", "circle": NAME}[kind])
    return path


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("folder", "2026-03-01.txt is a folder, a file was expected: remove it"),
        ("pipe", "2026-03-01.txt is a pipe, a file was expected: remove it"),
        ("socket", "2026-03-01.txt is a socket, a file was expected: remove it"),
        ("device", "2026-03-01.txt is a device, a file was expected: remove it"),
        ("nothing", "2026-03-01.txt is a link to nothing: deliver it again"),
        ("circle", "2026-03-01.txt cannot be read, too many levels of symbolic links: correct that"),
    ],
)
def test_an_entry_that_is_no_file_is_refused_and_never_opened(tmp_path, monkeypatch, kind, message):
    """An entry that is no file is refused by its kind; opening a pipe would wait for ever."""
    monkeypatch.chdir(tmp_path)  # because the address of a socket must be short
    path = made(kind)

    for refused in (status_of, read):
        with pytest.raises(RawFileError, match=message):
            refused(path)


def test_a_folder_of_objects_is_refused_like_a_folder():
    """A prefix with the name of a raw file is refused, and an object with it is read, as in S3."""
    folder = UPath("memory://raw/feed")
    (folder / NAME / "part-00000").write_bytes(TEXT)
    (folder / f"{NAME}.gz").write_bytes(gzip.compress(TEXT))

    for refused in (status_of, read):
        with pytest.raises(RawFileError, match=r"2026-03-01\.txt is a folder, a file was expected"):
            refused(folder / NAME)
    assert read(folder / f"{NAME}.gz") == TEXT
    with pytest.raises(RawFileError, match=r"2026-03-02\.txt is gone"):
        read(folder / "2026-03-02.txt")


def test_trouble_of_s3_passes():
    """A storage that refuses its account is no damaged file: the job tells it by another code."""
    said = PermissionError(13, "Access Denied")

    with pytest.raises(PermissionError) as raised, refuse_unreadable(UPath("memory://raw/feed") / NAME):
        raise said
    assert raised.value is said


def test_a_file_that_this_user_may_not_read_is_refused(tmp_path):
    """A file without permission is refused by name."""
    path = tmp_path / NAME
    path.write_bytes(TEXT)
    path.chmod(0)
    root = os.geteuid() == 0
    try:
        if root:
            os.seteuid(NOBODY)
        with pytest.raises(RawFileError, match=r"2026-03-01\.txt cannot be read, permission denied: correct that"):
            read(path)
    finally:
        if root:
            os.seteuid(0)


def test_a_file_that_is_gone_is_refused(tmp_path):
    """A file that disappears between listing and reading is refused by name."""
    with pytest.raises(RawFileError, match=r"2026-03-01\.txt is gone: deliver it again, and move no file while"):
        read(tmp_path / NAME)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(TEXT)[:-9], r"byte \d+ of the text: cut or damaged \(the archive ends early\)"),
        (gzip.compress(TEXT)[:-8] + bytes(8), r"byte \d+ of the text: cut or damaged \(incorrect data check\)"),
        (gzip.compress(TEXT) + bytes(512), "byte 108890 of the text: zeros follow the end of the archive"),
        (gzip.compress(TEXT) + b"end", "byte 108890 of the text: other bytes follow the end of the archive"),
        (b"PK\3\4zip", "byte 0: not a gzip file, but a zip archive: deliver it again"),
        (b"# tranaction_id", "byte 0: not a gzip file, but text that is not compressed: deliver it again"),
        (b"17,2026-03-01", "byte 0: not a gzip file: deliver it again"),
    ],
    ids=["cut", "damaged", "zeros", "garbage", "zip", "text", "unknown"],
)
def test_an_archive_that_spark_cannot_read_is_refused(tmp_path, content, message):
    """The error names file, place and reason, and never what the file holds."""
    path = tmp_path / f"{NAME}.gz"
    path.write_bytes(content)

    with pytest.raises(RawFileError, match=rf"2026-03-01\.txt\.gz, {message}"):
        read(path)


def test_an_empty_archive_is_an_empty_text(tmp_path):
    """An archive of no bytes has no text, as it has for Spark; ingest refuses an empty file."""
    (tmp_path / f"{NAME}.gz").touch()

    assert read(tmp_path / f"{NAME}.gz") == b""

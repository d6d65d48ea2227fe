"""A state is verified once a host, and again after any change of its file or its manifest."""

import json
import os
import shutil
import subprocess
import sys
import time

import pytest

from antifraud.errors import DataError
from antifraud.files import exclusive
from serving.worker import verification
from serving.worker.verification import Verifier
from tests.serving.processes import ROOT
from tests.serving.scene import CUSTOMER, DAY, NO_LABELS, SilentLog, export_state

PROGRAM = """
import sys
from pathlib import Path
from serving.logs import json_logger
from serving.worker.verification import Verifier
Verifier(Path(sys.argv[1]), json_logger("worker")).verify(Path(sys.argv[2]))
"""


@pytest.fixture
def state(tmp_path):
    """A state with one entity."""
    return export_state(tmp_path / "state", DAY - 1, {CUSTOMER: ({}, {}, NO_LABELS)})


@pytest.fixture
def verify(tmp_path, state):
    """Verify the state as a worker would; return how often its data was read."""

    def verify():
        log = SilentLog()
        Verifier(tmp_path / "markers", log).verify(state)
        return [event for _, event, _ in log.lines].count("state verified")

    return verify


def test_a_second_worker_trusts_the_marker(verify):
    """Only the first one reads the data."""
    assert [verify(), verify(), verify()] == [1, 0, 0]


def test_workers_that_start_together_read_the_data_once(tmp_path, state):
    """Eight processes ask at the same time; seven wait for the one that reads."""
    command = [sys.executable, "-c", PROGRAM, tmp_path / "markers", state]
    with exclusive(tmp_path / "markers"):
        workers = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(8)]
        time.sleep(2)

    lines = [line for worker in workers for line in worker.communicate(timeout=60)[0].splitlines()]

    assert [worker.returncode for worker in workers] == [0] * 8
    assert [json.loads(line)["event"] for line in lines] == ["state verified"]


def flip_a_byte_and_set_the_time_back(state):
    """Damage the data in place, with its size and time of modification as before."""
    path = state / "data.mdb"
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\1")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace_by_a_damaged_copy(state):
    """Put another file of the same size and time of modification into the place of the data."""
    path, copy = state / "data.mdb", state / "copy"
    copy.write_bytes(path.read_bytes()[:-1] + b"\1")
    os.utime(copy, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    copy.rename(path)


def cut(state):
    os.truncate(state / "data.mdb", 4_096)


def change_the_checksum(state):
    """Give the manifest the checksum of other data."""
    manifest = json.loads((state / "manifest.json").read_text())
    (state / "manifest.json").write_text(json.dumps({**manifest, "sha256": "0" * 64}))


@pytest.mark.parametrize(
    "damage", [flip_a_byte_and_set_the_time_back, replace_by_a_damaged_copy, cut, change_the_checksum]
)
def test_a_marker_is_no_excuse_for_a_damaged_state(verify, state, damage):
    """Each change makes the marker worthless, and the damage is found."""
    verify()

    damage(state)

    with pytest.raises(DataError, match="is not what its manifest says"):
        verify()


def test_a_state_that_lost_its_data_is_refused(verify, state):
    """A marker does not stand for a file."""
    verify()
    (state / "data.mdb").unlink()

    with pytest.raises(DataError, match=r"has no readable data\.mdb"):
        verify()


def test_another_boot_reads_the_data_again(verify, monkeypatch, tmp_path):
    """A disk may have damaged the file while the host was off; a system without boot ids counts as one boot."""
    assert [verify(), verify()] == [1, 0]
    monkeypatch.setattr(verification, "BOOT_ID", tmp_path / "none")
    assert [verify(), verify()] == [1, 0]


@pytest.mark.parametrize("text", [b"", b"\xff\xfe", b"2024-10-03"])
def test_a_damaged_marker_counts_for_nothing(verify, tmp_path, text):
    """The data is read again, and the marker is mended."""
    verify()
    (tmp_path / "markers" / "2024-10-03-00000001.verified").write_bytes(text)

    assert [verify(), verify()] == [1, 0]


def test_without_room_for_a_marker_every_worker_reads_the_data(verify, tmp_path):
    """A folder that cannot be made, as on a full disk, stops no worker."""
    (tmp_path / "markers").write_text("a file is in the way")

    assert [verify(), verify()] == [1, 1]


def test_markers_of_removed_states_go(verify, tmp_path, state):
    """The folder holds as many markers as there are states."""
    verify()
    shutil.rmtree(state)
    other = export_state(tmp_path / "state", DAY, {}, sequence=2)

    Verifier(tmp_path / "markers", SilentLog()).verify(other)

    assert [path.name for path in (tmp_path / "markers").glob("*.verified")] == ["2024-10-04-00000002.verified"]

"""The disk fills: workers survive, no committed decision turns into an error, and all recovers when there is room."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from bench.serving.processes import wait_for
from tests.blackbox.traffic import decide_all

DISK_BYTES = 24 << 20


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own, which tests fill."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(place)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("a small disk needs the right to mount a tmpfs: run as root")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill_disk(place):
    """Write a file until there is no room, not even what a process held for a moment; return it."""
    filler = place / "filler"
    wait_for(lambda: add_to(filler) == 0, "a full disk")
    return filler


def add_to(filler):
    """Add to a file until nothing fits any more; return the blocks that are free afterwards."""
    with filler.open("ab", buffering=0) as file:
        for size in (1 << 16, 1):
            try:
                while file.write(b"x" * size) == size:
                    pass
            except OSError:
                continue
    return os.statvfs(filler).f_bavail


def test_workers_start_and_live_on_a_full_disk(build, scorer_of, small_disk):
    """A worker that is replaced while the home's disk is full lives, and decides again when there is room."""
    settings = {"ANTIFRAUD_STORE_MAP_BYTES": str(DISK_BYTES // 2)}
    with scorer_of(build(at=small_disk, **settings), **settings) as scorer:
        decide_all(scorer, range(20))
        filler = fill_disk(small_disk)
        before = set(scorer.workers())
        os.kill(min(before), signal.SIGKILL)
        wait_for(lambda: len(scorer.workers()) == 2 and set(scorer.workers()) != before, "a new worker")
        time.sleep(3)
        replaced = set(scorer.workers())
        statuses = {answer.status for answer in decide_all(scorer, range(1_000, 1_100))}
        time.sleep(3)

        assert set(scorer.workers()) == replaced
        assert statuses <= {200, 503}
        filler.unlink()
        # Refused ones are sent again, until both workers have seen the room.
        wait_for(lambda: {each.status for each in decide_all(scorer, range(2_000, 2_040))} == {200}, "both workers", 15)
        assert set(scorer.workers()) == replaced


def test_a_log_that_cannot_be_written_fails_no_decision(build, scorer_of):
    """Standard output on a full device: decisions are answered as ever, and are there."""
    with scorer_of(build(), log=Path("/dev/full")) as scorer:
        answers = decide_all(scorer, range(40))

        assert {answer.status for answer in answers} == {200}
        assert {answer.replayed for answer in decide_all(scorer, range(40))} == {True}

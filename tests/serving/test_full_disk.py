"""The home's disk is full: no worker dies, and everything goes on by itself when there is room."""

import os
import signal
import subprocess

import httpx
import pytest

from tests.serving.conftest import furnish
from tests.serving.processes import GunicornScorer, wait_for
from tests.serving.scene import transaction

DISK_BYTES = 64 << 20
"""The store keeps a reserve of 32 MiB on it."""


@pytest.fixture
def small_home(tmp_path, two_releases):
    """A home on a disk of its own, which only root can mount."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", disk]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("only root can mount a small disk, and not in every container")
    try:
        yield furnish(disk, two_releases)
    finally:
        subprocess.run(["umount", disk], check=True)


def fill(path):
    """Add to a file until nothing fits any more."""
    with path.open("ab", buffering=0) as file:
        try:
            while file.write(bytes(4_096)):
                continue
        except OSError:
            return


def dropped(gunicorn):
    lines = httpx.get(f"{gunicorn.url}/metrics", timeout=10).text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("antifraud_log_lines_dropped_total"))


def decide_on_full_disk(gunicorn, transaction_id):
    """Fill the disk, again, because a process that tries to get its reserve holds room for a moment; then decide."""
    fill(gunicorn.home / "filler")
    return gunicorn.post("/v1/decisions", transaction(transaction_id=transaction_id)).status_code


def test_a_full_disk_kills_no_worker(small_home):
    """Health is answered, a killed worker is replaced once, and with room decisions and log lines come back."""
    gunicorn = GunicornScorer(small_home).start()
    try:
        assert gunicorn.post("/v1/decisions", transaction(transaction_id=1)).status_code == 200
        fill(small_home / "filler")
        victim, other = gunicorn.workers()
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda: len(set(gunicorn.workers()) - {victim}) == 2, "a new worker")
        successors = gunicorn.workers()
        # A decision is made and stored, or refused as a whole; it never fails because of a log line.
        statuses = {decide_on_full_disk(gunicorn, n) for n in range(2, 200)}
        assert statuses <= {200, 503}
        assert httpx.get(f"{gunicorn.url}/healthz", timeout=10).status_code == 200
        assert (gunicorn.workers(), other in successors) == (successors, True)
        assert dropped(gunicorn) > 0

        (small_home / "filler").unlink()
        wait_for(gunicorn.is_ready, "both workers to be ready")
        wait_for(
            lambda: gunicorn.post("/v1/decisions", transaction(transaction_id=100)).status_code == 200, "a decision"
        )
        assert '"route": "/v1/decisions", "status": 200' in (small_home / "scorer.log").read_text().splitlines()[-1]
    finally:
        gunicorn.stop()

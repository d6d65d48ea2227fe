"""A server counts as started when it is ready, not when it listens."""

import os
import sys
from pathlib import Path

import pytest

from antifraud.errors import SettingsError
from infra.cluster.processes import Server, wait_until


def start(log: Path, code: str) -> Server:
    return Server.start("helper", [sys.executable, "-c", code], log, dict(os.environ))


def test_it_is_asked_until_it_is_ready(tmp_path: Path) -> None:
    """A server is asked again after each negative answer, until the first positive one."""
    answers = iter([False, False, True])
    server = start(tmp_path / "log", "import time; time.sleep(60)")
    try:
        wait_until(server, lambda: next(answers), tmp_path / "log")
        assert next(answers, None) is None
        assert server.is_running()
    finally:
        server.stop()
    assert not server.is_running()


def test_one_that_ends_names_its_log(tmp_path: Path) -> None:
    """If the server ends before it is ready, the error names the log with its output."""
    log = tmp_path / "log"
    with pytest.raises(SettingsError, match=f"helper did not get ready: {log} says why"):
        wait_until(start(log, "raise SystemExit('no disk')"), lambda: False, log)
    assert log.read_text() == "no disk\n"

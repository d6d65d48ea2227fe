"""The metrics' folder: private, in memory, one for each run of a scorer, and gone afterwards."""

import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from antifraud.errors import SettingsError
from antifraud.settings.serving import ScorerSettings
from serving.worker import metrics_folder
from serving.worker.metrics_folder import choose_parent, make_folder
from tests.serving.processes import ROOT, wait_for

PROGRAM = """
import sys, time
from pathlib import Path
from serving.worker.metrics_folder import make_folder
print(make_folder(Path(sys.argv[1]), Path(sys.argv[2])), flush=True)
time.sleep(60)
"""


class WarningLog:
    """Keeps warnings as Gunicorn's logger would print them."""

    def __init__(self):
        self.lines = []

    def warning(self, text, *parts):
        """Keep one warning."""
        self.lines.append(text % parts)


def test_the_folder_is_in_memory(tmp_path):
    """Without a setting it is below /dev/shm, and nothing is said."""
    log = WarningLog()

    assert choose_parent(ScorerSettings(home=tmp_path), log) == Path("/dev", "shm")
    assert log.lines == []


def test_a_setting_names_another_folder(tmp_path):
    """The setting counts without a warning."""
    log = WarningLog()
    settings = ScorerSettings(home=tmp_path, metrics_dir=tmp_path / "metrics")

    assert (choose_parent(settings, log), log.lines) == (tmp_path / "metrics", [])


def test_a_setting_that_names_a_file_is_refused(tmp_path):
    """The message names the setting."""
    (tmp_path / "file").write_text("")
    settings = ScorerSettings(home=tmp_path, metrics_dir=tmp_path / "file")

    with pytest.raises(SettingsError, match="ANTIFRAUD_METRICS_DIR"):
        choose_parent(settings, WarningLog())


def test_without_memory_the_home_is_used_with_a_warning(tmp_path, monkeypatch):
    """The warning says what may happen and which setting helps."""
    monkeypatch.setattr(metrics_folder, "MEMORY", tmp_path / "none")
    log = WarningLog()

    assert choose_parent(ScorerSettings(home=tmp_path), log) == tmp_path / "run"
    assert len(log.lines) == 1
    assert "a full disk kills workers" in log.lines[0]
    assert "ANTIFRAUD_METRICS_DIR" in log.lines[0]


def test_the_folder_is_private(tmp_path):
    """Nobody else can read it, and its name cannot be guessed."""
    first, second = make_folder(tmp_path, tmp_path / "home"), make_folder(tmp_path, tmp_path / "home")

    assert first != second
    assert stat.S_IMODE(first.stat().st_mode) == 0o700


@pytest.fixture
def killed(tmp_path):
    """The folder of a scorer that was killed, and one of a scorer that lives."""
    runs = [
        subprocess.Popen([sys.executable, "-c", PROGRAM, tmp_path, home], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for home in (tmp_path / "home", tmp_path / "home", tmp_path / "other")
    ]
    folders = [run.stdout.readline().strip() for run in runs]
    runs[0].send_signal(signal.SIGKILL)
    runs[2].send_signal(signal.SIGKILL)
    wait_for(lambda: runs[0].poll() is not None and runs[2].poll() is not None, "the killed runs to end")
    yield folders
    runs[1].kill()
    for run in runs:
        run.wait()
        run.stdout.close()


def test_folders_of_killed_runs_of_the_same_home_are_removed(tmp_path, killed):
    """A living run of the same home and a run of another home keep theirs."""
    make_folder(tmp_path, tmp_path / "home")

    assert [Path(folder).exists() for folder in killed] == [False, True, True]


def test_a_link_is_never_followed(tmp_path):
    """Another user of the host may put a link into a folder that is open to all."""
    (tmp_path / "elsewhere").mkdir()
    mine = make_folder(tmp_path, tmp_path / "home")
    link = tmp_path / f"{mine.name[:-8]}link"
    link.symlink_to(tmp_path / "elsewhere")

    make_folder(tmp_path, tmp_path / "home")

    assert (tmp_path / "elsewhere").is_dir()
    assert link.is_symlink()

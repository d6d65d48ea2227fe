"""The business clock: wall time plus an offset, and a file that lets a replay step."""

import time

import pytest

from antifraud.clock import BusinessClock
from antifraud.errors import SettingsError
from antifraud.settings.core import JobSettings

YEAR = 365 * 86_400


def test_processes_that_share_a_file_step_together(tmp_path):
    """After one of them has stepped, all see the new time, and time goes on from there."""
    (tmp_path / "clock").write_text(f"{-YEAR}\n")
    mine, other = (BusinessClock(file=tmp_path / "clock") for _ in range(2))
    assert 0 <= mine.now() - (int(time.time()) - YEAR) <= 1

    mine.step_to(int(time.time()) - 5_000)

    assert 0 <= other.now() - (int(time.time()) - 5_000) <= 1


def test_time_never_goes_back(tmp_path):
    """A step to the past changes nothing."""
    (tmp_path / "clock").write_text("0\n")
    clock = BusinessClock(file=tmp_path / "clock")

    clock.step_to(int(time.time()) - YEAR)

    assert (tmp_path / "clock").read_text() == "0\n"


@pytest.mark.parametrize("content", [None, "", "noon", "1.5"])
def test_a_file_without_a_number_is_refused(tmp_path, content):
    """The error says what to write, in one line."""
    if content is not None:
        (tmp_path / "clock").write_text(content)
    with pytest.raises(SettingsError, match="has no whole number of seconds"):
        BusinessClock(file=tmp_path / "clock").now()


def test_a_clock_without_a_file_does_not_step():
    """The error names the setting."""
    with pytest.raises(SettingsError, match="set ANTIFRAUD_CLOCK_FILE"):
        BusinessClock().step_to(0)


def test_the_settings_name_offset_and_file(tmp_path):
    """Both are read from the environment; the file counts on top of the offset."""
    (tmp_path / "clock").write_text("40\n")
    variables = {"ANTIFRAUD_CLOCK_OFFSET_SECONDS": "-100", "ANTIFRAUD_CLOCK_FILE": str(tmp_path / "clock")}

    clock = JobSettings.from_environment(variables).clock

    assert clock == BusinessClock(-100, tmp_path / "clock")
    assert 0 <= clock.now() - (int(time.time()) - 60) <= 1

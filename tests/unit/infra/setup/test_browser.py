"""Set-up finds Chromium, installs it, or names it in the error."""

from pathlib import Path

import pytest

from antifraud.errors import SettingsError
from infra.setup.browser import find_chromium
from infra.setup.packages import ensure


def test_chromium_is_found_on_the_path(monkeypatch, tmp_path):
    """Chromium is found on the path, under Ubuntu's name, too."""
    program = tmp_path / "chromium-browser"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_chromium() == program


def test_a_missing_chromium_is_named_as_debian_does(monkeypatch, tmp_path):
    """If Chromium and apt-get are both missing, the error names Debian's package."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SettingsError, match="apt-get install chromium"):
        ensure(find_chromium, "chromium")


def test_what_is_there_is_not_installed(monkeypatch, tmp_path):
    """A program that is there already is not installed, so that apt-get is not needed."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ensure(lambda: Path("there"), "chromium") == Path("there")

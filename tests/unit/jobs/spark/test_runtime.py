"""A job starts with its settings, but gets the raw zone's account only if it reads raw files."""

from pathlib import Path

import pytest

import jobs
from antifraud.errors import SettingsError
from jobs.spark.runtime import base_parser, run_job

JOBS = Path(jobs.__file__).parent


@pytest.mark.parametrize("reads_raw", [False, True])
def test_only_who_reads_raw_files_gets_their_account(tmp_path, monkeypatch, reads_raw):
    """A job that does not read raw files gets no raw account, even if its environment names one."""
    seen = []

    def start(_name, settings):
        seen.append(settings)
        raise SettingsError("no session in this test")

    account = tmp_path / "raw.account"
    monkeypatch.setattr("jobs.spark.runtime.start_session", start)
    monkeypatch.setattr("sys.argv", ["job"])
    monkeypatch.setenv("ANTIFRAUD_HOME", str(tmp_path))
    monkeypatch.setenv("ANTIFRAUD_RAW_ACCOUNT", str(account))

    with pytest.raises(SystemExit) as ended:
        run_job("job", lambda *_: None, base_parser(""), reads_raw=reads_raw)

    assert ended.value.code == SettingsError.exit_code
    assert [settings.raw_account for settings in seen] == [account if reads_raw else None]


def test_training_is_not_among_them():
    """Only five jobs read raw files, and training is none of them."""
    found = {path.stem for path in JOBS.rglob("*.py") if "reads_raw=True" in path.read_text()}

    assert found == {"day", "ingest", "leak_scan", "rotate_keys", "stale"}

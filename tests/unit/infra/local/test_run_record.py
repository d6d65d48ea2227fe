"""A run keeps a record for the next run."""

import pytest

from antifraud.errors import SettingsError
from infra.local.record import RunRecord, only_run_of

WORLD = {"source": "preset small", "days": 100}


def test_results_and_ports_are_there_for_the_next_run(tmp_path):
    """The next run of the same world reads the ports and results that a run kept."""
    record = RunRecord.load(tmp_path, WORLD)
    record.ports = {"airflow": 8080}
    record.keep("guard", {"labels": 500})
    again = RunRecord.load(tmp_path, WORLD)
    assert (again.ports, again.results) == ({"airflow": 8080}, {"guard": {"labels": 500}})


def test_a_folder_that_holds_another_world_is_refused(tmp_path):
    """A folder with another world is refused, and the error says how to go on."""
    RunRecord.load(tmp_path, WORLD).save()
    with pytest.raises(SettingsError, match=r"run `make clean-state` or give another --home"):
        RunRecord.load(tmp_path, {**WORLD, "days": 50})


def test_two_runs_cannot_share_a_folder(tmp_path):
    """A second run in the same folder is refused while the first one lives, and accepted afterwards."""
    with only_run_of(tmp_path), pytest.raises(SettingsError, match="another run uses"), only_run_of(tmp_path):
        pass
    with only_run_of(tmp_path):
        assert (tmp_path / "run.lock").exists()

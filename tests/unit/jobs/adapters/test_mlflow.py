"""MLflow's aliases follow the release pointer, can be repaired later, and never name what does not exist."""

import datetime as dt

import pytest

from antifraud.artifacts.pointer import Pointer
from antifraud.errors import TrackingError
from antifraud.settings.core import JobSettings
from jobs.adapters.mlflow import MODEL, Registry
from jobs.judging.promote import promote
from jobs.promote import _parser, main
from tests.release_keys import put_keys
from tests.report_example import put_candidate

pytestmark = pytest.mark.filterwarnings("ignore")
OLD, NEW = "2026-04-09-aaaaaaaa", "2026-04-10-bbbbbbbb"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Make a home with two recorded candidates, of which the first is promoted; MLflow is a SQLite file."""
    folder = tmp_path_factory.mktemp("home")
    put_keys(folder)
    registry = Registry.connect(JobSettings(home=folder))
    for day, name in (("2026-04-09", OLD), ("2026-04-10", NEW)):
        candidate = put_candidate(folder, day, name, pointer_sequence=1)
        for _ in range(2):
            registry.record_candidate(name, candidate.path, {"seed": 1}, {"select_auc": 0.9})
    promote(JobSettings(home=folder), dt.date(2026, 4, 9))
    return folder


def aliases(home):
    return Registry.connect(JobSettings(home=home)).client.get_registered_model(MODEL).aliases


def test_a_rerun_brings_the_aliases_after_the_pointer(home, monkeypatch):
    """If MLflow is down during a promotion, the pointer moves but no alias does; a re-run moves the aliases."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    arguments = _parser().parse_args(["--as-of", "2026-04-10"])
    with pytest.raises(TrackingError, match="run this again"):
        main(JobSettings(home=home, mlflow_uri="http://127.0.0.1:9"), arguments)
    assert aliases(home) == {"candidate": 2}

    for _ in range(2):
        main(JobSettings(home=home), arguments)
        assert aliases(home) == {"candidate": 2, "champion": 2, "previous": 1, "anchor": 1}


def test_aliases_can_be_repaired_alone(home):
    """Aliases can be repaired without a promotion, for example after the pointer was moved by hand."""
    Registry.connect(JobSettings(home=home)).project(Pointer(OLD, None, None, 9))

    main(JobSettings(home=home), _parser().parse_args(["--aliases"]))

    assert aliases(home) == {"candidate": 2, "champion": 2, "previous": 1, "anchor": 1}


def test_an_alias_whose_release_is_gone_is_removed(home):
    """An alias that the pointer no longer gives a release is removed."""
    registry = Registry.connect(JobSettings(home=home))
    registry.project(Pointer(NEW, OLD, OLD, 2))

    registry.project(Pointer(NEW, None, NEW, 3))

    assert aliases(home) == {"candidate": 2, "champion": 2, "anchor": 2}


def test_a_champion_that_mlflow_does_not_know_is_an_error(home):
    """A champion that MLflow does not know is an error, because the registry would name another one, or none."""
    registry = Registry.connect(JobSettings(home=home))

    with pytest.raises(TrackingError, match=r"no version of 2026-04-11-cccccccc: run jobs/train\.py"):
        registry.project(Pointer("2026-04-11-cccccccc", NEW, OLD, 4))

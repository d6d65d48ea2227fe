"""The DAG `recover` in a real Airflow, against a scorer over HTTP that a real guard has suspended."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from antifraud.artifacts.judgement import judgement_folder, write_judgement
from antifraud.lake.schemas import FEATURES, RUNS
from infra.cluster.archive import ROOT
from infra.local.services import prepare_airflow
from tests.killing import environment_of
from tests.lake_tables import append, make_tables
from tests.serving.recovery_scene import ONSET, TODAY, judge, over_http, stand, trip_by_guard

pytestmark = [pytest.mark.prove, pytest.mark.timeout(900)]
JUDGE = "judge"
"""Marked as successful, because it takes Spark; the tests write its judgement."""


class Airflow:
    """An Airflow of its own with the DAGs `recover` and `retrain`, and nothing that starts a triggered run."""

    def __init__(self, home, settings):
        folder = home / "dags"
        folder.mkdir()
        for name in ("recover", "retrain"):
            shutil.copy(ROOT / "dags" / f"{name}.py", folder)
        ours = {
            "CORE__DAGS_FOLDER": folder,
            "CORE__LOAD_EXAMPLES": False,
            "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow' / 'airflow.db'}",
            "LOGGING__BASE_LOG_FOLDER": home / "logs" / "airflow",
        }
        inherited = {k: v for k, v in environment_of(settings).items() if not k.startswith("AIRFLOW_")}
        environ = inherited | {f"AIRFLOW__{name}": str(value) for name, value in ours.items()}
        environ |= {
            "AIRFLOW_HOME": str(home / "airflow"),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{inherited['PATH']}",
        }
        prepare_airflow(home, environ)
        self._log = (home / "logs" / "dag.log").open("w")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.dags.run_dag"], cwd=ROOT, env=environ, text=True, stderr=self._log,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def run(self, marked=""):
        """Run `recover`; return the state of the run, the tasks that were not skipped, and the triggered runs."""
        self._process.stdin.write(f"recover {marked}\n")
        self._process.stdin.flush()
        told = json.loads(self._process.stdout.readline())
        done = {name: state for name, state in told["tasks"].items() if state != "skipped"}
        return told["state"], done, told["triggered"]

    def stop(self):
        """End the process."""
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()
        self._log.close()


@pytest.fixture
def airflow(scorer, home):
    """An Airflow whose lake has features up to the scorer's yesterday."""
    with over_http(scorer, home) as settings:
        make_tables(settings, (RUNS,))
        run = (FEATURES.name, TODAY, "inputs", 1, 400, json.dumps({"version": FEATURES.version}), 1)
        append(settings, RUNS, [run])
        started = Airflow(home, settings)
        started.settings = settings
        try:
            yield started
        finally:
            started.stop()


def expected_run(switch):
    """The one run of `retrain` of a trip."""
    run_id = f"recover__{switch.trip.epoch}_{switch.trip.at}"
    return ["retrain", run_id, {"as_of": str(TODAY)}]


def test_evidence_rolls_back_and_trains_once(scorer, home, airflow):
    """Nothing is wrong; a trip with evidence; and again, five minutes later."""
    assert airflow.run() == ("success", {"look": "success"}, [])

    tripped = trip_by_guard(scorer, home)
    assert tripped.mode == "SUSPENDED"
    stand(home, "second")
    done = {"look": "success", "retrain": "success", "roll_back": "success"}
    assert airflow.run() == ("success", done, [expected_run(tripped)])
    after = scorer.store.switch()
    assert (after.mode, after.release, after.epoch) == ("ROLLED_BACK", "second", tripped.epoch + 1)

    assert airflow.run() == ("success", {"look": "success"}, [expected_run(tripped)])
    assert scorer.store.switch() == after


def test_without_evidence_it_judges_and_goes_on_after_a_failure(scorer, home, airflow):
    """The judge of the first run leaves nothing, so the run fails. The next one judges again, and trains nothing."""
    tripped = trip_by_guard(scorer, home)
    chosen = {"look": "success", "judging": "success", "judge": "success"}

    state, done, triggered = airflow.run(JUDGE)

    failed = {"publish_judgement": "failed", "roll_back": "upstream_failed"}
    assert (state, done) == ("failed", {**chosen, **failed, "retrain": "success"})
    assert triggered == [expected_run(tripped)]
    assert scorer.store.switch() == tripped

    write_judgement(judgement_folder(airflow.settings, TODAY, ONSET), judge("second"))
    state, done, triggered = airflow.run(JUDGE)

    assert (state, done) == ("success", {**chosen, "publish_judgement": "success", "roll_back": "success"})
    assert triggered == [expected_run(tripped)]
    after = scorer.store.switch()
    assert (after.mode, after.release, after.epoch) == ("ROLLED_BACK", "second", tripped.epoch + 1)


def test_a_lake_that_is_away_fails_the_look_and_the_next_run_goes_on(scorer, home, airflow):
    """Nothing is triggered or changed meanwhile."""
    tripped = trip_by_guard(scorer, home)
    stand(home, "second")
    catalog = airflow.settings.catalog_file
    catalog.rename(home / "away.db")

    state, done, triggered = airflow.run()

    assert (state, done["look"], triggered) == ("failed", "failed", [])
    assert scorer.store.switch() == tripped
    catalog.unlink(missing_ok=True)
    (home / "away.db").rename(catalog)
    state, _, triggered = airflow.run()
    assert (state, triggered) == ("success", [expected_run(tripped)])
    assert scorer.store.switch().release == "second"

"""Promotion: only a PASS, once, never an older night over a newer one; MLflow follows the pointer."""

import dataclasses
import datetime as dt
import json
import shutil

import pytest

from antifraud.errors import GateRefused, NotEnoughRows, ReleaseError
from antifraud.evaluator import load_evaluator
from antifraud.release import Pointer, read_pointer, verify_bundle
from jobs.model.rollback import judged_span
from jobs.model.tracking import MODEL, Registry
from jobs.model.windows import Windows, windows_as_of
from jobs.promote import promote
from tests.spark.model_lake import AS_OF


@pytest.fixture
def home(judged, tmp_path):
    """Settings of a copy that may be changed; the lake stays where it is."""
    _, settings, candidate, _ = judged
    shutil.copytree(candidate.path, tmp_path / "candidates" / str(AS_OF))
    return dataclasses.replace(settings, home=tmp_path), candidate


def edit(settings, **changes):
    path = settings.under_home("candidates", str(AS_OF), "report.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_pass_becomes_a_verified_bundle_that_serves(home):
    """The bundle verifies, carries threshold and verdict, scores its golden rows, and the pointer names it."""
    settings, candidate = home
    pointer = promote(settings, AS_OF)
    bundle = verify_bundle(settings.releases_dir / candidate.id)
    golden = json.loads((bundle.path / "golden.json").read_text())
    assert pointer == Pointer(candidate.id, None, candidate.id, 1)
    assert bundle.manifest["verdict"] == "PASS"
    assert bundle.manifest["threshold"] == json.loads((candidate.path / "report.json").read_text())["threshold"]
    assert load_evaluator(bundle).feature_count == len(golden["vectors"][0])
    assert f"# {candidate.id}" in (bundle.path / "model_card.md").read_text()
    assert "model.cbm" not in {path.name for path in bundle.path.iterdir()}


def test_twice_is_once(home):
    """A second promotion changes neither bundle nor pointer."""
    settings, candidate = home
    first = promote(settings, AS_OF)
    stamp = (settings.releases_dir / candidate.id / "manifest.json").stat().st_mtime_ns
    assert promote(settings, AS_OF) == first
    assert (settings.releases_dir / candidate.id / "manifest.json").stat().st_mtime_ns == stamp


@pytest.mark.parametrize("verdict", ["FAIL", "INFEASIBLE"])
def test_anything_but_a_pass_is_refused(home, verdict):
    """The message says the verdict and why; nothing is released."""
    settings, _ = home
    edit(settings, verdict=verdict, reasons=["The rate is too high.", "Do something."])
    with pytest.raises(GateRefused, match=rf"{verdict}, so it does not serve\. The rate is too high\. Do something\."):
        promote(settings, AS_OF)
    assert read_pointer(settings.releases_dir) is None


def test_a_candidate_without_a_report_is_refused(home):
    """Training alone is not enough: the message names the job that is missing."""
    settings, _ = home
    settings.under_home("candidates", str(AS_OF), "report.json").unlink()
    with pytest.raises(ReleaseError, match=r"run jobs/validate\.py"):
        promote(settings, AS_OF)


def test_an_older_night_never_replaces_a_newer_one(home):
    """A backfilled retraining of the day before is refused, and the pointer stays."""
    settings, _ = home
    pointer = promote(settings, AS_OF)
    earlier = AS_OF - dt.timedelta(days=1)
    shutil.copytree(settings.under_home("candidates", str(AS_OF)), settings.under_home("candidates", str(earlier)))
    with pytest.raises(GateRefused, match="is newer than 2026-03-14"):
        promote(settings, earlier)
    assert read_pointer(settings.releases_dir) == pointer


def test_a_release_is_judged_on_days_it_never_saw():
    """Of 28 days the ones up to the end of select are cut off; fewer than 14 are too few."""
    trained = windows_as_of(AS_OF, train_days=13, select_days=8, certify_days=14, label_delay_days=7)
    settings = dataclasses.replace(_defaults(), certify_days=28)
    assert trained.select.last == dt.date(2026, 2, 22)
    assert str(judged_span(trained, dt.date(2026, 3, 20), settings)) == "2026-02-23..2026-03-13"
    assert str(judged_span(trained, dt.date(2026, 5, 20), settings)) == "2026-04-16..2026-05-13"
    with pytest.raises(NotEnoughRows, match="13 matured days lie after 2026-02-22"):
        judged_span(trained, dt.date(2026, 3, 14), settings)


def _defaults():
    from antifraud.settings import JobSettings

    return JobSettings()


@pytest.mark.filterwarnings("ignore")
def test_mlflow_follows_the_pointer(home):
    """Aliases say what the pointer says, also after a repeat, and an alias whose release is gone is removed."""
    settings, candidate = home
    registry = Registry.connect(settings)
    for name in ("2026-03-14-aaaaaaaa", candidate.id, candidate.id):
        registry.record_candidate(name, candidate.path, {"seed": 1}, {"select_auc": 0.9})
    for _ in range(2):
        registry.project(Pointer(candidate.id, "2026-03-14-aaaaaaaa", "2026-03-14-aaaaaaaa", 2))
    assert registry.client.get_registered_model(MODEL).aliases == {
        "candidate": 2, "champion": 2, "previous": 1, "anchor": 1,
    }  # fmt: skip
    registry.project(Pointer(candidate.id, None, candidate.id, 3))
    assert registry.client.get_registered_model(MODEL).aliases == {"candidate": 2, "champion": 2, "anchor": 2}
    assert Windows.from_dict(candidate.info["windows"]).certify.last == AS_OF - dt.timedelta(days=7)

"""Promotion makes a verified release of a candidate that passed, and never replaces a newer night by an older one."""

import dataclasses
import datetime as dt
import json
import shutil

import pytest

from antifraud.artifacts.bundle import open_release
from antifraud.artifacts.pointer import Pointer, read_pointer
from antifraud.errors import GateRefused, NotEnoughRows, ReleaseError
from antifraud.model.evaluator import load_evaluator
from jobs.judging.promote import promote
from jobs.judging.rollback import judged_span
from jobs.rows.windows import windows_as_of
from tests.release_keys import put_keys
from tests.spark.model_lake import AS_OF


@pytest.fixture
def home(judged, tmp_path):
    """Return settings of a copy of the candidate that may be changed; the lake stays where it is."""
    _, settings, candidate, _ = judged
    put_keys(tmp_path)
    shutil.copytree(candidate.path, tmp_path / "candidates" / str(AS_OF))
    return dataclasses.replace(settings, home=tmp_path), candidate


def test_a_pass_becomes_a_verified_bundle_that_serves(home):
    """A promoted bundle verifies, holds every file with its threshold and verdict, and the pointer names it."""
    settings, candidate = home
    pointer = promote(settings, AS_OF)
    bundle = open_release(settings, candidate.id)
    golden = json.loads((bundle.path / "golden.json").read_text())
    assert pointer == Pointer(candidate.id, None, candidate.id, 1)
    assert bundle.manifest["verdict"] == "PASS"
    assert bundle.manifest["threshold"] == json.loads((candidate.path / "report.json").read_text())["threshold"]
    assert load_evaluator(bundle).feature_count == len(golden["vectors"][0])
    assert sorted(path.name for path in bundle.path.iterdir()) == [
        "calibration.json", "golden.json", "manifest.json", "manifest.sig", "model.onnx", "model_card.md",
        "report.html", "report.json", "tradeoff.svg", "trees.json",
    ]  # fmt: skip
    card = (bundle.path / "model_card.md").read_text()
    assert f"# {candidate.id}" in card
    assert "## Slices of the certify window" in card


def test_a_candidate_without_a_report_is_refused(home):
    """A candidate that was not validated is refused, and the message names the job that is missing."""
    settings, _ = home
    settings.under_home("candidates", str(AS_OF), "report.json").unlink()
    with pytest.raises(ReleaseError, match=r"run jobs/validate\.py"):
        promote(settings, AS_OF)


def test_an_older_night_never_replaces_a_newer_one(home):
    """A candidate of the day before is refused although it passed, and the pointer stays."""
    settings, _ = home
    pointer = promote(settings, AS_OF)
    earlier = AS_OF - dt.timedelta(days=1)
    shutil.copytree(settings.under_home("candidates", str(AS_OF)), settings.under_home("candidates", str(earlier)))
    with pytest.raises(GateRefused, match="is newer than 2026-03-14"):
        promote(settings, earlier)
    assert read_pointer(settings.releases_dir) == pointer


def test_a_release_is_judged_on_days_it_never_saw():
    """A release is judged on at most 28 matured days after its select window; fewer than 14 are refused."""
    trained = windows_as_of(AS_OF, train_days=13, select_days=8, certify_days=14, label_delay_days=7)
    settings = dataclasses.replace(_defaults(), certify_days=28)
    assert trained.select.last == dt.date(2026, 2, 22)
    assert str(judged_span(trained, dt.date(2026, 3, 20), settings)) == "2026-02-23..2026-03-13"
    assert str(judged_span(trained, dt.date(2026, 5, 20), settings)) == "2026-04-16..2026-05-13"
    with pytest.raises(NotEnoughRows, match="13 matured days lie after 2026-02-22"):
        judged_span(trained, dt.date(2026, 3, 14), settings)


def _defaults():
    from antifraud.settings.core import JobSettings

    return JobSettings()

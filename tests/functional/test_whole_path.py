"""From raw files to a live decision, a halt and a resume, through a real Airflow, Spark, MLflow and Gunicorn."""

import json
import stat

import pytest

from infra.local.supervisor import processes_of
from jobs.leak.identifiers import sparse_identifiers
from jobs.leak.scan import scan
from tests.functional.conftest import LONG_RUN_ONLY, run_path

pytestmark = pytest.mark.timeout(3_600)
SECRETS = ["raw/secrets/keyring.json", "secrets/client.token", "secrets/admin.token", "secrets/webhook.secret",
           "secrets/release.key"]  # fmt: skip


def test_every_row_and_every_defect_is_accounted_for(finished_run):
    """For each day of the history: rows in and quarantined by reason are what the simulator says it wrote."""
    truth = json.loads((finished_run.home / "raw" / "truth" / "manifest.json").read_text())["days"]
    found = finished_run.summary["lake"]["days"]
    assert len(found) == finished_run.world.days
    for day, counts in found.items():
        expected = {reason: count for reason, count in truth[day]["quarantined"].items() if count}
        assert {reason: count for reason, count in counts["quarantined"].items() if count} == expected
        assert (counts["rows_in"], counts["clean"]) == (truth[day]["rows"], truth[day]["clean"])
        assert counts["repaired_midnight"] == truth[day]["midnight_repaired"]


def test_the_verdict_is_pass_here_and_infeasible_at_full_volume(finished_run):
    """Both verdicts are in the summary and on the screen, and the release that serves is the candidate that passed."""
    verdict = finished_run.summary["verdict"]
    assert (verdict["verdict"], verdict["at_full_volume"]["verdict"]) == ("PASS", "INFEASIBLE")
    assert "PASS at " in finished_run.output
    assert "INFEASIBLE at 129,600,000 transactions a month" in finished_run.output
    assert finished_run.summary["release"] == verdict["candidate"]


def test_an_ordinary_day_is_decided_and_the_guard_stays_quiet(finished_run):
    """Every usable transaction of the first live day got a decision."""
    day = finished_run.summary["ordinary_day"]
    assert day["decided"] == day["labels"] > 1_000
    assert 0 < day["p50_ms"] <= day["p99_ms"]


def test_the_guard_halts_the_service_and_an_admin_resumes_it(finished_run):
    """After honest customers changed: suspended by the guard, refused, told by a signed webhook, decided again."""
    guard = finished_run.summary["guard"]
    assert guard["by"] == "guard"
    assert guard["labels_until_trip"] > 0
    assert guard["refused_while_suspended"] is True
    assert guard["webhook"]["signature_verified"] is True
    assert guard["decided_after_resume"] == 1


def test_no_raw_identifier_left_the_raw_zone_and_a_planted_one_is_found(finished_run):
    """The scan over everything the run wrote finds nothing; one id in a log is found, and told without the id."""
    identifiers = sparse_identifiers(finished_run.home / "raw" / "feed")
    assert len(identifiers) > 1_000
    assert finished_run.summary["leaks"] == {"identifiers": len(identifiers), "findings": []}
    raw_zone = [finished_run.home / "raw"]
    assert scan(finished_run.home, identifiers, raw_zone) == []
    planted = finished_run.home / "logs" / "planted.log"
    planted.write_text(f"customer {min(identifiers)} called\n")
    try:
        findings = scan(finished_run.home, identifiers, raw_zone)
    finally:
        planted.unlink()
    assert [finding.path for finding in findings] == ["logs/planted.log"]
    assert str(min(identifiers)) not in str(findings)


@pytest.mark.parametrize("name", SECRETS)
def test_secrets_are_private_and_never_printed(finished_run, name):
    """Each secret file is readable by its owner only; its content is in no line that the run printed."""
    path = finished_run.home / name
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    content = path.read_text().strip()
    secrets = json.loads(content)["keys"].values() if name.endswith(".json") else [content]
    assert not any(secret in finished_run.output for secret in secrets)


def test_no_process_is_left(finished_run):
    """Everything that the run started is gone, workers of the killed scheduler included."""
    assert processes_of(finished_run.home) == []


@LONG_RUN_ONLY
def test_a_second_run_goes_on_where_the_first_ended(finished_run):
    """Nothing is loaded, trained or decided again; the summary is the same but for times."""
    again = run_path(finished_run.home, finished_run.world)
    assert again.output.count("done in an earlier run") == 6
    same = ["lake", "verdict", "release", "ordinary_day", "guard"]
    assert {name: again.summary[name] for name in same} == {name: finished_run.summary[name] for name in same}
    assert again.summary["seconds"] < finished_run.summary["seconds"] / 2

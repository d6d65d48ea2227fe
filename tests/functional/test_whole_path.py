"""The whole path, from raw files to a live decision, a halt and a resume, with real services."""

import json
import stat
from pathlib import Path

import pytest

from infra.local.supervisor import processes_of
from jobs.leak.identifiers import sparse_identifiers
from jobs.leak.report import Search
from jobs.leak.scan import scan
from tests.functional.conftest import LONG_RUN_ONLY, SHORT_RUN_ONLY, run_path

pytestmark = pytest.mark.timeout(3_600)
SECRETS = ["raw/secrets/keyring.json", "secrets/client.token", "secrets/admin.token", "secrets/webhook-local.secret",
           "secrets/release.key"]  # fmt: skip


def test_every_row_and_every_defect_is_accounted_for(finished_run):
    """On every day, the rows that came in and the quarantined rows by reason are those the simulator wrote."""
    truth = json.loads((finished_run.home / "raw" / "truth" / "manifest.json").read_text())["days"]
    found = finished_run.summary["lake"]["days"]
    assert len(found) == finished_run.world.days
    for day, counts in found.items():
        expected = {reason: count for reason, count in truth[day]["quarantined"].items() if count}
        assert {reason: count for reason, count in counts["quarantined"].items() if count} == expected
        assert (counts["rows_in"], counts["clean"]) == (truth[day]["rows"], truth[day]["clean"])
        assert counts["repaired_midnight"] == truth[day]["midnight_repaired"]


def test_the_verdict_is_pass_here_and_infeasible_at_full_volume(finished_run):
    """Both verdicts are in the summary and on the screen, and the candidate that passed is the release that serves."""
    verdict = finished_run.summary["verdict"]
    assert (verdict["verdict"], verdict["at_full_volume"]["verdict"]) == ("PASS", "INFEASIBLE")
    assert "PASS at " in finished_run.output
    assert "INFEASIBLE at 129,600,000 transactions a month" in finished_run.output
    assert finished_run.summary["release"] == verdict["candidate"]


def test_an_ordinary_day_is_decided_and_the_guard_stays_quiet(finished_run):
    """More than a thousand transactions of the first live day got a decision, and each decision got a label."""
    day = finished_run.summary["ordinary_day"]
    assert day["decided"] == day["labels"] > 1_000
    assert 0 < day["p50_ms"] <= day["p99_ms"]


def test_the_guard_halts_the_service(finished_run):
    """When customers changed, the guard suspended the service, refused decisions, and a signed webhook told so."""
    guard = finished_run.summary["guard"]
    assert guard["by"] == "guard"
    assert guard["labels"] > 0
    assert guard["refused_while_suspended"] is True
    assert guard["webhook"] == {
        "type": "antifraud.switch.suspended",
        "id": guard["webhook"]["id"],
        "signature_verified": True,
    }


@SHORT_RUN_ONLY
def test_without_a_way_back_an_admin_resumes_the_service(finished_run):
    """The payment that was refused is decided then, and nothing else of the way back was played."""
    resume = finished_run.summary["resume"]
    assert (resume["by"], resume["decided"]) == ("admin", 1)
    assert finished_run.summary["recover"] is finished_run.summary["new_release"] is None


@LONG_RUN_ONLY
def test_the_standing_judgement_had_nothing_to_go_back_to(finished_run):
    """It judged the only release, in the night before the trip."""
    assert "None of 1 judged releases passes both tests." in finished_run.summary["guard"]["consequence"]


@LONG_RUN_ONLY
def test_the_first_training_after_the_trip_may_not_resume(finished_run):
    """The DAG `recover` judged the only release and started a training, which had no certify day after the onset."""
    found = finished_run.summary["recover"]
    assert list(found["why_none"]) == [finished_run.summary["release"]]
    assert found["first_training"]["certify_days_after_onset"] == 0
    assert found["first_training"]["promote"] != "success"


@LONG_RUN_ONLY
def test_a_training_on_changed_customers_resumes_the_service_without_a_person(finished_run):
    """The token of the recovery resumed it with a PASS, a verified webhook told so, and the new release decides."""
    guard, resume, new = (finished_run.summary[name] for name in ("guard", "resume", "new_release"))
    assert (resume["by"], resume["verdict"]) == ("judge", "PASS")
    assert resume["epoch"] > guard["epoch"] > 1
    assert resume["certify_days_after_onset"] >= 14
    assert resume["webhook"] == {
        "type": "antifraud.switch.resumed",
        "id": resume["webhook"]["id"],
        "signature_verified": True,
    }
    assert resume["release"] != finished_run.summary["release"]
    assert new["decided"] > 1_000
    assert new["false_positive_rate"] < guard["false_positive_rate"]


@LONG_RUN_ONLY
def test_the_way_back_has_a_picture(finished_run):
    """The summary names the picture, and its description tells of the resume."""
    picture = Path(finished_run.summary["timeline"])
    assert picture.is_relative_to(finished_run.home / "reports")
    assert f"{finished_run.summary['resume']['certify_days_after_onset']} such days" in picture.read_text()
    assert f"time line: {picture}" in finished_run.output


def test_no_raw_identifier_left_the_raw_zone_and_a_planted_one_is_found(finished_run):
    """The leak scan finds no identifier in what the run wrote.

    It finds one that is planted in a log, and does not repeat the identifier.
    """
    identifiers = sparse_identifiers(finished_run.home / "raw" / "feed", [])
    assert len(identifiers) > 1_000
    assert finished_run.summary["leaks"] == {
        "identifiers": len(identifiers),
        "findings": [],
        "unsearchable": [],
    }
    raw_zone = [finished_run.home / "raw"]
    assert scan(finished_run.home, identifiers, raw_zone) == Search()
    planted = finished_run.home / "logs" / "planted.log"
    planted.write_text(f"customer {min(identifiers)} called\n")
    try:
        findings = scan(finished_run.home, identifiers, raw_zone).findings
    finally:
        planted.unlink()
    assert [finding.path for finding in findings] == ["logs/planted.log"]
    assert str(min(identifiers)) not in str(findings)


@pytest.mark.parametrize("name", SECRETS)
def test_secrets_are_private_and_never_printed(finished_run, name):
    """Only its owner can read a secret file, and no line that the run printed holds its content."""
    path = finished_run.home / name
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    content = path.read_text().strip()
    secrets = json.loads(content)["keys"].values() if name.endswith(".json") else [content]
    assert not any(secret in finished_run.output for secret in secrets)


def test_no_process_is_left(finished_run):
    """Every process that the run started has ended, workers of the killed scheduler included."""
    assert processes_of(finished_run.home) == []


@LONG_RUN_ONLY
def test_a_second_run_goes_on_where_the_first_ended(finished_run):
    """A second run loads, trains and decides nothing again, and gives the same results in less than half the time."""
    again = run_path(finished_run.home, finished_run.world)
    assert again.output.count("done in an earlier run") == 16
    same = ["lake", "verdict", "release", "ordinary_day", "guard", "recover", "resume", "new_release"]
    assert {name: again.summary[name] for name in same} == {name: finished_run.summary[name] for name in same}
    assert again.summary["seconds"] < finished_run.summary["seconds"] / 2

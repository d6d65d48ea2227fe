"""The whole path, from raw files to a live decision, a halt and a resume, with real services."""

import json
import stat

import pytest

from infra.local.supervisor import processes_of
from jobs.leak.identifiers import sparse_identifiers
from jobs.leak.report import Search
from jobs.leak.scan import scan
from tests.functional.conftest import LONG_RUN_ONLY, run_path

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


def test_the_guard_halts_the_service_and_an_admin_resumes_it(finished_run):
    """When honest customers changed, the guard suspended the service and a signed webhook told so.

    Decisions were refused until an admin resumed the service.
    """
    guard = finished_run.summary["guard"]
    assert guard["by"] == "guard"
    assert guard["labels_until_trip"] > 0
    assert guard["refused_while_suspended"] is True
    assert guard["webhook"]["signature_verified"] is True
    assert guard["decided_after_resume"] == 1


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
    assert again.output.count("done in an earlier run") == 6
    same = ["lake", "verdict", "release", "ordinary_day", "guard"]
    assert {name: again.summary[name] for name in same} == {name: finished_run.summary[name] for name in same}
    assert again.summary["seconds"] < finished_run.summary["seconds"] / 2

"""Commands for policies: check, diff, activate and show; dry by default, with the replay's figures in sight."""

import datetime as dt
import hashlib

import pytest

from antifraud.artifacts.policies import open_active, report_path
from antifraud.commands.main import main
from antifraud.policy.replayed import Figures, PolicyReport, RuleFigures, encode_report
from antifraud.settings.core import Settings
from tests.release_keys import PUBLIC, put_keys

CAP = 'version = {}\nabout = "large payments"\namount = [{{id = "cap", above = {}, effect = "review"}}]\n'
WHY = ("--reason", "an attack with large amounts", "--no-dry-run")
QUIET = Figures(days=7, payments=1_000, flags=20, legitimate=900, legitimate_flags=18)


@pytest.fixture
def run(tmp_path, capsys):
    def run_command(*arguments):
        code = main(("policy", *map(str, arguments)), {"ANTIFRAUD_HOME": str(tmp_path), "LOGNAME": "alice"})
        said = capsys.readouterr()
        return code, said.out, said.err

    put_keys(tmp_path)
    return run_command


@pytest.fixture
def write(tmp_path):
    def write_policy(version, above=5_000_000, *, replayed=QUIET, hits=3):
        path = tmp_path / f"policy-{version}-{above}.toml"
        path.write_text(CAP.format(version, above))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if replayed:
            day = dt.date(2026, 4, 1)
            report = PolicyReport(
                version, digest, "r1", 50_000, day, day, day, QUIET, None, replayed, (RuleFigures("cap", hits),)
            )
            target = report_path(Settings(home=tmp_path), digest)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(encode_report(report))
        return path

    return write_policy


def version_in(home):
    active = open_active(home / "policies", PUBLIC)
    return active and active.policy.version


def test_a_file_is_checked(run, write):
    """The summary names the kinds of rules; a rule that every payment hits is a warning."""
    assert run("check", write(1)) == (
        0,
        "version 1 is a policy of 1 rules: large payments\n  AmountCap: 1\n  while the service is suspended: rules\n",
        "",
    )
    assert run("check", write(1, above=0))[1].endswith("warning: cap is hit by every payment\n")


def test_a_broken_file_is_an_expected_failure(run, tmp_path):
    """The exit code is that of policies, and the message names file and field."""
    path = tmp_path / "broken.toml"
    path.write_text("version = 1\nabout = 'x'\nshadow = 1\n")

    code, out, err = run("check", path)

    assert (code, out) == (44, "")
    assert err == (
        "error: broken.toml is not a policy: Object contains unknown field; docs/policy.md lists the fields\n"
    )
    assert run("check", tmp_path / "none.toml")[0] == 44


def test_a_dry_run_shows_difference_and_figures_and_activates_nothing(run, write, tmp_path):
    """The person sees what would change, and what the replay found."""
    code, out, err = run("activate", write(1), *WHY[:2])

    assert (code, err) == (0, "")
    assert out.splitlines()[:3] == [
        "no policy -> version 1",
        "  + cap: amount, above 5000000, review",
        "  ~ on_suspend: refuse -> rules",
    ]
    assert "this policy: 20 flags" in out
    assert out.splitlines()[-1] == "dry run, nothing was activated: add --no-dry-run --expect-change 0"
    assert version_in(tmp_path) is None


def test_an_activation_is_recorded_with_what_was_shown(run, write, tmp_path):
    """`show` tells who, why and with which rules."""
    code, out, _ = run("activate", write(1), *WHY)

    active = open_active(tmp_path / "policies", PUBLIC)
    assert (code, active.policy.version, active.activation.by, active.activation.forced) == (0, 1, "alice", False)
    assert any("this policy: 20 flags" in line for line in active.activation.shown)
    assert "version 1 holds (change 1)" in out
    shown = run("show")[1].splitlines()
    assert shown[:3] == [
        "version 1: large payments",
        "  cap: amount, above 5000000, review",
        "  on_suspend: refuse -> rules",
    ]
    assert shown[-1].split()[:2] == ["1", "1"]
    assert shown[-1].endswith("alice  -       an attack with large amounts")


def test_without_an_activation_show_says_so(run):
    """An empty folder is no error."""
    assert run("show") == (0, "no policy was ever activated: the release's threshold alone decides\n", "")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"replayed": None}, "it was not replayed"),
        ({"replayed": Figures(7, 1_000, 220, 0, 0, 900, 200)}, "22.22%"),
        ({"hits": 900}, "cap is hit by 90.0% of all payments"),
        ({"above": 0}, "cap is hit by every payment"),
    ],
    ids=["not replayed", "above the limit", "most payments", "every payment"],
)
def test_a_policy_with_objections_is_refused_unless_forced(run, write, tmp_path, options, expected):
    """The figures are shown either way; the record says that somebody has forced it."""
    path = write(1, **options)

    code, _, err = run("activate", path, *WHY)
    assert (code, version_in(tmp_path)) == (45, None)
    assert expected in err

    code, out, _ = run("activate", path, *WHY, "--force")
    assert (code, version_in(tmp_path)) == (0, 1)
    assert expected in out
    assert open_active(tmp_path / "policies", PUBLIC).activation.forced


def test_an_older_version_needs_force(run, write, tmp_path):
    """It may be an old file."""
    for version in (1, 2):
        run("activate", write(version), *WHY)

    code, _, err = run("activate", write(1), *WHY)
    assert (code, version_in(tmp_path)) == (45, 2)
    assert "older than the active version 2" in err
    assert run("activate", write(1), *WHY, "--force")[0] == 0
    assert version_in(tmp_path) == 1


def test_a_short_reason_or_another_change_is_refused(run, write, tmp_path):
    """Nobody else may have activated a policy since the dry run."""
    assert run("activate", write(1), "--reason", "because", "--no-dry-run")[0] == 44
    assert run("activate", write(1), *WHY, "--expect-change", "4")[0] == 45
    assert version_in(tmp_path) is None


def test_a_file_is_compared_with_the_active_policy(run, write):
    """A policy that decides alike has no line."""
    run("activate", write(1), *WHY)

    assert run("diff", write(2))[1] == "version 1 -> version 2: both decide alike\n"
    assert run("diff", write(2, above=9))[1] == (
        "version 1 -> version 2\n  ~ cap: amount, above 9, review (before: amount, above 5000000, review)\n"
    )

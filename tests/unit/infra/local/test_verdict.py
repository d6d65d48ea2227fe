"""The last screen of a run shows both verdicts, each with every declared limit."""

from dataclasses import replace

from antifraud.gate.limits import Limits
from infra.local.verdict import find_report, verdict_lines
from tests.report_example import report


def test_both_verdicts_are_shown_with_their_limits():
    """Both verdicts have measured value, bound and limit, but reasons and action only at the judged volume."""
    assert verdict_lines(report()) == [
        "PASS at 302,346 transactions a month",
        "  false-positive rate 4.32%, bound 4.50%, limit 5.00%",
        "  missed fraud a month 189,463 RUB, bound 269,411 RUB, limit 500,000 RUB",
        "  value recall 90.8%, the loss limit demands 75.7%",
        "  The rate is within its limit.",
        "  The loss is within its limit.",
        "  Promote.",
        "INFEASIBLE at 129,600,000 transactions a month",
        "  false-positive rate 4.32%, bound 4.50%, limit 5.00%",
        "  missed fraud a month 81,212,649 RUB, bound 107,049,019 RUB, limit 500,000 RUB",
        "  value recall 90.8%, the loss limit demands 75.7%",
    ]


def test_a_limit_of_alerts_is_shown_where_it_is_declared():
    """A declared limit of alerts is shown, without a bound because alerts are counted."""
    lines = verdict_lines(report(limits=replace(Limits(), alerts_a_day=2_000)))

    assert lines[3] == "  alerts a day 1,584, limit 2,000"


def test_without_a_readable_report_there_is_no_verdict():
    """One line says so; it does not claim that nothing was judged."""
    assert verdict_lines(None) == ["no verdict: there is no gate report of the last day that this version can read"]


def test_a_run_goes_on_in_the_home_of_an_earlier_version(tmp_path):
    """A report of an earlier version is reported as unreadable and ignored; one of this version is read."""
    file, said = tmp_path / "report.json", []
    reason = (
        f"the gate report {file} has no version, expected version 4: run jobs/validate.py for its day again, or read "
        "it with the code that wrote it"
    )
    file.write_text('{"verdict": "PASS"}')

    assert find_report(file, said.append) is None
    assert said == [f"   {reason}"]
    file.write_text(report().to_json())
    assert find_report(file, said.append) == report()
    assert len(said) == 1

"""The words of a report count the limits truly, and advise a promotion only where there will be one."""

from dataclasses import replace

import pytest

from antifraud.gate.findings import Verdict
from jobs.judging.report import summary
from jobs.reporting.words import action, full_reasons, meaning, reasons, stays, succession, without_promotion
from tests.report_example import CHAMPION, LIMITS, NO_LIMIT, PASS, REPLAY, report

WORSE = {"champion": CHAMPION, "promotable": False, "promotable_reason": "May be worse."}
THREE = replace(LIMITS, alerts_a_day=1_500)
LOSS = replace(PASS.loss, bound=60_000_000.0)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "Both limits are met, with the confidence that was asked for."),
        (
            {"limits": THREE, "alerts_a_day": 1_500},
            "All three limits are met, false-positive rate and missed fraud with the confidence that was asked for.",
        ),
        (WORSE, "Both limits are met, but the model that serves stays."),
        ({**WORSE, "limits": THREE}, "All three limits are met, but the model that serves stays."),
        (
            {"verdict": Verdict.FAIL, "fpr_bound": 0.06},
            "1 of 2 limits is broken: false-positive rate. It is not promoted.",
        ),
        (
            {"verdict": Verdict.FAIL, "fpr_bound": 0.06, "loss": LOSS, "limits": THREE, "champion": CHAMPION},
            "3 of 3 limits are broken: false-positive rate, missed fraud, alerts a day. The model that serves stays.",
        ),
        (
            {"verdict": Verdict.FAIL, **NO_LIMIT},
            "The loss limit says nothing at this volume. It is not promoted.",
        ),
        (
            {"verdict": Verdict.FAIL, **NO_LIMIT, "fpr_bound": 0.06, **REPLAY},
            "It would have broken 1 of 2 limits: false-positive rate. The loss limit says nothing at this volume.",
        ),
        (
            {"verdict": Verdict.INFEASIBLE, "loss": LOSS},
            "No model at hand meets the limits of rate and loss together at this volume. It is not promoted.",
        ),
        (
            {"limits": THREE, **REPLAY},
            (
                "All three limits would have been kept, false-positive rate and missed fraud with the confidence that "
                "was asked for."
            ),
        ),
    ],
)
def test_the_meaning_counts_the_limits(changes, said):
    """Two or three limits, broken ones by name, and only true statements about the champion."""
    assert meaning(report(**changes)) == said


def test_a_pass_that_stays_behind_is_told_to_keep_the_champion():
    """The gate's own advice, to promote, would be refused."""
    content = report(**WORSE)
    assert stays(content)
    assert action(content) == "Keep the champion 2026-04-09-aaaaaaaa."
    assert reasons(content)[-1] == "Keep the champion 2026-04-09-aaaaaaaa."
    assert succession(content) == ("The champion 2026-04-09-aaaaaaaa stays.", "May be worse.")
    assert not stays(report(**{**WORSE, "verdict": Verdict.FAIL}))


def test_where_nothing_serves_there_is_nothing_to_replace():
    """The first release of all; a report of before the comparison says nothing."""
    first = {"champion": None, "promotable": True, "promotable_reason": "There is no champion."}
    assert succession(report(**first)) == ("May be promoted.", "There is no champion.")
    assert succession(report(**{**first, "promotable": False})) == ("Is not promoted.", "There is no champion.")
    assert succession(report()) is None
    assert action(report()) == "Promote."


def test_a_pass_at_full_volume_has_no_action():
    """Whether it is promoted is decided at the judged volume."""
    full = replace(PASS, reasons=("The rate is within its limit.",))
    assert full_reasons(report(at_full_volume=full)) == ["The rate is within its limit."]
    assert full_reasons(report()) == ["The loss is above its limit.", "Bring the volume down."]


def test_a_replays_reasons_advise_no_promotion():
    """The action is that there is nothing to do, or what the gate would have advised; the reasons stay."""
    nothing = "Nothing to do: the limits would have been kept on these days."
    assert without_promotion(PASS) == replace(PASS, action=nothing)
    assert without_promotion(PASS).reasons == ("The rate is within its limit.", "The loss is within its limit.")
    failed = replace(PASS, verdict=Verdict.FAIL, reasons=("The loss is above its limit.",), action="Improve the model.")
    assert without_promotion(failed) == failed
    assert succession(report(**REPLAY, **WORSE)) is None


def test_the_terminal_says_the_same():
    """Both verdicts with reasons and action; a champion that stays is kept, and a replay promotes nothing."""
    lines = summary(report(**WORSE))
    assert lines == [
        "PASS at the judged volume",
        "  The rate is within its limit.",
        "  The loss is within its limit.",
        "  Keep the champion 2026-04-09-aaaaaaaa.",
        "INFEASIBLE at the full service's 50 transactions a second",
        "  The loss is above its limit.",
        "  Bring the volume down.",
        "does not replace what serves: May be worse.",
    ]
    replayed = summary(report(**REPLAY, action=without_promotion(PASS).action))
    assert "  Nothing to do: the limits would have been kept on these days." in replayed
    assert not any("Promote" in line or "serves" in line for line in replayed)

"""A report's words count the limits correctly, and advise a promotion only if there will be one."""

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
    """The verdict's meaning counts two or three limits, names the broken ones, and tells who serves."""
    assert meaning(report(**changes)) == said


def test_a_pass_that_stays_behind_is_told_to_keep_the_champion():
    """A PASS that may not replace the champion advises to keep it, because a promotion would be refused."""
    content = report(**WORSE)
    assert stays(content)
    assert action(content) == "Keep the champion 2026-04-09-aaaaaaaa."
    assert reasons(content)[-1] == "Keep the champion 2026-04-09-aaaaaaaa."
    assert succession(content) == ("The champion 2026-04-09-aaaaaaaa stays.", "May be worse.")
    assert not stays(report(**{**WORSE, "verdict": Verdict.FAIL}))


def test_where_nothing_serves_there_is_nothing_to_replace():
    """A first release replaces nothing, and a report without a comparison says nothing about it."""
    first = {"champion": None, "promotable": True, "promotable_reason": "There is no champion."}
    assert succession(report(**first)) == ("May be promoted.", "There is no champion.")
    assert succession(report(**{**first, "promotable": False})) == ("Is not promoted.", "There is no champion.")
    assert succession(report()) is None
    assert action(report()) == "Promote."


def test_a_pass_at_full_volume_has_no_action():
    """A PASS at full volume has no action, because the judged volume decides on promotion."""
    full = replace(PASS, reasons=("The rate is within its limit.",))
    assert full_reasons(report(at_full_volume=full)) == ["The rate is within its limit."]
    assert full_reasons(report()) == ["The loss is above its limit.", "Bring the volume down."]


def test_a_replays_reasons_advise_no_promotion():
    """A replay's action is never a promotion: after a PASS nothing is to do, and otherwise the gate's advice stays."""
    nothing = "Nothing to do: the limits would have been kept on these days."
    assert without_promotion(PASS) == replace(PASS, action=nothing)
    assert without_promotion(PASS).reasons == ("The rate is within its limit.", "The loss is within its limit.")
    failed = replace(PASS, verdict=Verdict.FAIL, reasons=("The loss is above its limit.",), action="Improve the model.")
    assert without_promotion(failed) == failed
    assert succession(report(**REPLAY, **WORSE)) is None


def test_the_terminal_says_the_same():
    """The terminal shows both verdicts with reasons and action, keeps a champion that stays, and promotes no replay."""
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

"""A window that contradicts an assumption warns by name on every first screen, and refuses where that is declared."""

from dataclasses import replace

import pytest

from antifraud.errors import SettingsError
from antifraud.gate.assumptions import Assumption, Promise
from antifraud.gate.findings import Verdict
from antifraud.gate.rules import action, verdict
from antifraud.settings.assumptions import AssumptionName, names_to_refuse
from antifraud.settings.core import JobSettings
from jobs.judging.limits import limits_of
from jobs.judging.report import summary
from jobs.reporting.card import model_card
from jobs.reporting.page import render
from jobs.reporting.words import meaning
from tests.report_example import INFO, LIMITS, report

CANDIDATE = {**INFO, "id": "2026-04-10-0123abcd"}

FAILED = Assumption(
    name=AssumptionName.RATE_TREND,
    promise=Promise.RATE,
    assumed="both halves of the window have one rate",
    measured=4.2,
    limit=3.5,
    words="The first half has 3.50%, the second 5.50%: 4.2 standard errors apart.",
)
SAID = (
    "The bound of the false-positive rate assumes that both halves of the window have one rate. "
    "The first half has 3.50%, the second 5.50%: 4.2 standard errors apart. (rate_trend)"
)
REFUSING = replace(LIMITS, refuse_if_failed=(AssumptionName.RATE_TREND,))


def test_a_failed_assumption_warns_on_the_page_the_terminal_and_the_card():
    """The warning stands on the page's first screen, below the verdict in the terminal, and in the card."""
    warned = report(assumptions=(FAILED,))

    assert verdict(warned) is Verdict.PASS
    assert SAID in render(warned).split("The whole trade-off")[0]
    assert summary(warned)[1] == f"  WARNING: {SAID}"
    assert f"- **Warning:** {SAID}" in model_card(CANDIDATE, warned)
    assert warned.to_dict()["warnings"] == [SAID]


def test_an_assumption_that_holds_is_in_the_card_only():
    """An assumption that a window does not contradict is in the card with its measurement, and warns nowhere."""
    calm = report(assumptions=(replace(FAILED, measured=0.3),))

    assert (calm.warnings, "Warnings" in render(calm)) == ([], False)
    assert "| both halves of the window have one rate |" in model_card(CANDIDATE, calm)
    assert "| not contradicted |" in model_card(CANDIDATE, calm)


def test_a_declared_assumption_forbids_a_pass():
    """An assumption that is declared as a reason to refuse turns a PASS into a FAIL, with its name and a way out."""
    refusing = report(assumptions=(FAILED,), limits=REFUSING)
    failed = replace(refusing, verdict=verdict(refusing))

    assert failed.verdict is Verdict.FAIL
    assert action(refusing) == (
        "Find out why this window contradicts the assumption rate_trend, and certify on days without the cause; or "
        "take its name out of ANTIFRAUD_REFUSE_IF_FAILED to be warned only."
    )
    assert meaning(failed) == (
        "The window contradicts what you declared as a reason to refuse: rate_trend. It is not promoted."
    )


def test_the_setting_names_known_assumptions_only(tmp_path):
    """The setting reaches the limits; an unknown name ends the process with exit code 10 and the known names."""
    settings = JobSettings(home=tmp_path, refuse_if_failed=" rate_trend")

    assert limits_of(settings).refuse_if_failed == (AssumptionName.RATE_TREND,)
    assert names_to_refuse("all") == tuple(AssumptionName)
    with pytest.raises(SettingsError, match="no assumption: expected all, or some of rate_trend, "):
        JobSettings(home=tmp_path, refuse_if_failed="rate_trend,weather")

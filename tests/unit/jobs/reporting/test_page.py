"""The page shows a report's verdict, limits, reasons and evidence, leaves out what is missing and escapes all text."""

import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import pytest

from antifraud.gate.findings import Verdict
from antifraud.gate.report import Champion, SliceRates, TradeoffRow
from jobs.reporting.page import render
from jobs.reporting.words import without_promotion
from tests.report_example import CHAMPION, LIMITS, PASS, REPLAY, report

VOID = {"meta", "br", "circle", "line", "rect", "polyline"}
ROW = TradeoffRow(
    threshold=52_982, fpr=0.0432, fpr_bound=0.045, false_positives_share=0.0421, precision=None, alerts_a_day=1_584.2,
    recall=0.784, value_recall=0.908, loss=18_946_300.0, loss_bound=60_000_000.0, beta=8.0,
)  # fmt: skip
SLICE = SliceRates(
    slice="customer", value="new: none in 30 days", legitimate=0, false_positives=0, frauds=1_234, caught=617,
    fraud_amount=123_456_700, caught_amount=61_728_350, fpr=None, recall=0.5, value_recall=0.5,
)  # fmt: skip


class Nesting(HTMLParser):
    """A parser that fails on a tag that is not closed where it should be."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, _attributes):
        """Remember the tag until it is closed."""
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        """Ignore a tag that is opened and closed at once, as in SVG."""

    def handle_endtag(self, tag):
        """Close the innermost tag."""
        assert self.open.pop() == tag


def text_of(page):
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page.split("</style>", 1)[1])))


@pytest.mark.parametrize("verdict", ["PASS", "FAIL", "INFEASIBLE"])
def test_the_first_screen_has_verdict_limits_bounds_and_reasons(verdict):
    """The first screen shows the verdict, both bounds with their limits, the reasons and the best action."""
    page = render(report(verdict=Verdict(verdict)))
    assert f'<header class="{verdict}">' in page
    said = text_of(page)
    for wanted in ("4.50 % at most, 99 % confidence", "limit 5.00 %", "measured 4.32 %", "269,411 at most, 99 %",
                   "limit 500,000", "measured 189,463", "The rate is within its limit.",
                   "Best single action Promote.", "1,584 alerts a day"):  # fmt: skip
        assert wanted in said
    assert page.count('class="limit"') == 2 + 2


def test_the_first_screen_says_how_the_threshold_came_about():
    """The first screen names frozen beta, target and lowest threshold; the table's betas are of its own days."""
    page = render(report(tradeoff=(ROW,), threshold_at_fpr_target=41_003))
    screen = text_of(page).split("The whole trade-off")[0]
    assert "β 8, frozen on select; target 4.50 % → lowest threshold 41,003 ppm" in screen
    assert "β on these days" in text_of(page)
    assert "this release's own, 8, was chosen on select and frozen." in text_of(page)


def test_the_first_screen_says_who_serves_next_and_why():
    """The first screen says above the trade-off who serves next and why."""
    content = report(tradeoff=(ROW,), champion=CHAMPION, promotable=True, promotable_reason="Not worse.")
    screen = text_of(render(content)).split("The whole trade-off")[0]
    assert "The loss is within its limit. May replace 2026-04-09-aaaaaaaa. Not worse." in screen
    assert "Best single action Promote." in screen


def test_a_third_limit_is_counted_and_marked():
    """A limit of alerts counts as a third limit, and the trade-off marks thresholds that break it."""
    limits = replace(LIMITS, alerts_a_day=1_500)
    page = render(
        report(verdict=Verdict.FAIL, limits=limits, tradeoff=(ROW,), promotable=False, promotable_reason="No.")
    )
    assert "1 of 3 limits is broken: alerts a day. It is not promoted." in text_of(page)
    assert '<td class="bad">1,584</td>' in page


def test_no_confidence_looks_like_certainty():
    """Percentages are not rounded up to certainty: 99.999 % and 97.5 % stay as they are."""
    loss = replace(PASS.loss, level=0.975)
    said = text_of(render(report(limits=replace(LIMITS, delta=0.00001), loss=loss, value_recall=0.99984)))
    assert "4.50 % at most, 99.999 % confidence" in said
    assert "269,411 at most, 97.5 % probability" in said
    assert "the same, at most with 97.5 % probability" in said
    assert "99.98 % of the fraud amount caught" in said
    assert "100 %" not in said


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        ("PASS", "Both limits would have been kept, with the confidence that was asked for."),
        ("FAIL", "It would have broken 1 of 2 limits: missed fraud."),
        ("INFEASIBLE", "No threshold of this release would have kept the limits of rate and loss together"),
    ],
)
def test_a_replay_promotes_nothing(verdict, said):
    """A replay's page says what would have been, and speaks neither of promotion nor of the serving model."""
    loss = replace(PASS.loss, bound=60_000_000.0 if verdict == "FAIL" else PASS.loss.bound)
    judged = replace(PASS, verdict=Verdict(verdict), loss=loss, reasons=("The rate is within its limit.",))
    judged = without_promotion(judged if verdict == "PASS" else replace(judged, action="Improve the model."))
    page = text_of(render(report(**judged.by_name() | REPLAY, tradeoff=(ROW,))))
    advice = "Nothing to do: the limits would have been kept on these days."
    assert said in page
    assert f"What the gate would advise {advice if verdict == 'PASS' else 'Improve the model.'}" in page
    assert "Threshold as it was asked; target 4.50 % → lowest threshold 52,982 ppm" in page
    assert "Replay of 2026-04-10-0123abcd" in page
    for wrong in ("Promote", "Best single action", "model that serves", "frozen", "certify"):
        assert wrong not in page


def test_a_gauge_turns_red_where_its_bound_is_over_the_limit():
    """Only the gauge of a broken limit is red, and its bar ends at the bound, inside the track."""
    page = render(report(loss=replace(PASS.loss, bound=100_000_000.0)))
    assert page.count('class="gauge over"') == 1
    assert 'class="bound" style="width: 87.0%"' in page


def test_both_volumes_are_told_with_their_verdicts():
    """The page shows PASS at the judged volume and INFEASIBLE at full volume, with its action."""
    said = text_of(render(report()))
    assert "At the judged volume PASS" in said
    assert "At the full service's volume INFEASIBLE" in said
    assert "129,600,000" in said
    assert "Bring the volume down." in said


def test_what_is_missing_is_left_out():
    """Without trade-off, champion, baselines and slices the page has no headings for them."""
    said = text_of(render(report()))
    for heading in ("The whole trade-off", "Against the champion", "Compared with simpler models", "Where it is good"):
        assert heading not in said


def test_the_trade_off_marks_the_choice_and_what_breaks_a_limit():
    """The trade-off marks the chosen row and each value that breaks a limit; a missing precision is a dash."""
    page = render(report(tradeoff=(ROW, replace(ROW, threshold=1_000, fpr_bound=0.06))))
    assert page.count('<tr class="chosen"><td>52,982</td>') == 1
    assert page.count('<td class="bad">6.00 %</td>') == 1
    assert page.count('<td class="bad">600,000</td>') == 2
    assert "52,982 4.32 % 4.50 % 4.21 % - 1,584 78.4 % 90.8 % 189,463 600,000 8" in text_of(page)


def test_a_pass_that_stays_behind_says_so():
    """A PASS that may be worse than the champion is not advised for promotion, and the page compares the two."""
    page = render(report(promotable=False, promotable_reason="May be worse.", champion=CHAMPION))
    said = text_of(page)
    assert "Both limits are met, but the model that serves stays" in said
    assert "Best single action Keep the champion 2026-04-09-aaaaaaaa. May be worse." in said
    assert "Promote." not in said
    assert "Is not promoted. May be worse." in said
    assert "2026-04-09-aaaaaaaa PASS today" in said
    assert "candidate minus champion, 9 paired days; negative is better" in said
    assert "false-positive rate 0.10 % 0.60 % 0.50 %" in said
    assert "missed fraud, RUB a month -12,000 3,000 50,000" in said
    assert '<td class="bad">0.60 %</td>' in page
    assert '<td class="good">3,000</td>' in page


def test_a_champion_that_could_not_be_compared_has_a_note_and_no_table():
    """A champion that could not be compared has a note instead of a table."""
    champion = Champion(release="2026-04-09-aaaaaaaa", note="It does not verify.")
    said = text_of(render(report(promotable=True, promotable_reason="A PASS is enough.", champion=champion)))
    assert "Against the champion 2026-04-09-aaaaaaaa May be promoted. A PASS is enough. It does not verify." in said
    assert "candidate minus champion" not in said


def test_baselines_stand_beside_the_model():
    """Baselines and the marked model are listed with their metrics; a missing metric is a dash."""
    catboost = {"auc": 0.9359, "average_precision": 0.6073}
    page = render(report(baselines={"catboost": catboost, "random_forest": {"auc": 0.92}}))
    assert "model auc average precision catboost 0.9359 0.6073 random forest 0.92 -" in text_of(page)
    assert '<tr class="chosen"><td>catboost</td>' in page
    assert "Fitted on" not in page


def test_baselines_say_how_many_rows_they_learnt_from():
    """The page says how many rows the baselines learnt from, because they see a sample only."""
    found = {"catboost": {"auc": 0.9359}, "random_forest": {"auc": 0.92}}
    said = text_of(render(report(baselines=found, baseline_rows=30_000, train_rows=123_753)))
    assert "Fitted on 30,000 of the 123,753 train rows that this model learnt from, judged on the same rows" in said


def test_the_page_lists_what_counts_as_out_of_reach():
    """At both volumes the page lists what counts as out of reach, next to what the loss limit demands."""
    said = text_of(render(report()))
    assert said.count("the loss limit demands 75.70 % more than this counts as out of reach of any model 95.00 %") == 2


def test_slices_are_grouped():
    """A slice is named once, with one line for each value; a rate without rows is a dash."""
    said = text_of(render(report(slices=(SLICE, replace(SLICE, value="seen in 30 days")))))
    assert said.count("customer new: none in 30 days 0 0 - 1,234 617 50.0 % 1,234,567 50.0 %") == 1
    assert "50.0 % seen in 30 days 0 0 -" in said


def test_the_page_is_one_well_formed_file():
    """The page loads nothing from elsewhere, closes every tag, and shows a report's text never as markup."""
    page = render(report(reasons=("<script>alert(1)</script>",), slices=(SLICE,), tradeoff=(ROW,)))
    nesting = Nesting()
    nesting.feed(page)
    assert nesting.open == []
    assert "<script" not in page
    assert not re.search(r"""(?:src|href)\s*=|url\(|@import""", page)

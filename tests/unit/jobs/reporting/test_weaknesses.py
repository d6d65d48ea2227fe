"""Known weaknesses come from the report, each with its figures, and nothing is claimed without them."""

from dataclasses import replace

import numpy as np
import pytest

from antifraud.gate.judge import Certify
from antifraud.gate.report import SliceRates
from antifraud.stats.episodes import Frauds
from antifraud.stats.score_tables import ScoreTable
from jobs.judging.certify_rows import ReducedWindows
from jobs.reporting.weaknesses import weaknesses
from tests.report_example import CHAMPION, NO_LIMIT, PASS, report

BOUND = (
    "Legitimate payments are not independent: by terminals the false-positive rate is at most 4.50 %. If all rows were "
    "independent, it would be at most 4.41 %."
)
FULL = (
    "At the full service's 129,600,000 transactions a month it is INFEASIBLE: missed fraud is at most 107,049,019 RUB "
    "a month there."
)


def row(value, **changes):
    """Return a slice of customers that is as good as the whole, with changes."""
    counts = {"legitimate": 4_512, "false_positives": 180, "frauds": 120, "caught": 114}
    amounts = {"fraud_amount": 1_234_500, "caught_amount": 1_172_775}
    rates = {"fpr": 0.04, "recall": 0.95, "value_recall": 0.95}
    return SliceRates(slice="customer", value=value, **{**counts, **amounts, **rates, **changes})


def test_a_report_without_more_tells_bound_and_full_volume():
    """A plain report has at most two weaknesses: dependent rows, and the verdict at full volume."""
    assert weaknesses(report()) == [BOUND, FULL]
    rows = {"fpr_binding": "rows", "at_full_volume": PASS}
    assert weaknesses(report(**rows)) == []


def test_the_worst_two_slices_are_named_with_their_figures():
    """The two worst slices are named for false alarms and for missed amount; slices with few rows do not count."""
    slices = [
        row("good"), row("noisy", fpr=0.09), row("noisier", fpr=0.123), row("third", fpr=0.05),
        row("few", legitimate=499, fpr=0.5), row("none", legitimate=0, fpr=None, frauds=0, value_recall=None),
        row("missed", value_recall=0.123), row("half", value_recall=0.5), row("rare", frauds=29, value_recall=0.0),
    ]  # fmt: skip
    assert weaknesses(report(slices=tuple(slices)))[:2] == [
        (
            'False alarms are most frequent for customer "noisier" (12.30 % of 4,512 legitimate payments) and customer '
            '"noisy" (9.00 % of 4,512 legitimate payments); overall the rate is 4.32 %.'
        ),
        (
            'The smallest share of the fraud amount is caught for customer "missed" (12.3 % of 12,345 RUB in 120 '
            'frauds) and customer "half" (50.0 % of 12,345 RUB in 120 frauds); overall it is 90.8 %.'
        ),
    ]


def test_rows_without_labels_and_the_label_delay_are_told():
    """The share of rows without labels and the loss from waiting for labels are weaknesses, if there are any."""
    counts = {"certify": {"fraud": 6_000, "legitimate": 276_563, "unknown": 2_854}}
    assert weaknesses(report(counts=counts, label_delay_days=7, label_delay_loss=9_600_000.0))[:2] == [
        (
            "1.00 % of the certify window's 285,417 payments (2,854) have no label. They count as volume but in no "
            "rate, so their fraud share is assumed to be that of the others."
        ),
        (
            "Labels arrive 7 days late: the first 7 days of compromised terminals account for 96,000 of the "
            "189,463 RUB of fraud missed a month."
        ),
    ]
    counts["certify"]["unknown"] = 0
    assert weaknesses(report(counts=counts, label_delay_days=7, label_delay_loss=None)) == [BOUND, FULL]


def test_where_all_kinds_bind_together_the_widest_is_named():
    """If all kinds of blocks bind together, their joint bound is given with the widest single one."""
    bounds = {**PASS.fpr_bounds, "all kinds together": 0.0455}
    said = weaknesses(report(fpr_bounds=bounds, fpr_binding="all kinds together"))[0]
    assert "by all kinds together the false-positive rate is at most 4.55 % (terminals alone: 4.50 %). If" in said
    assert "If all rows were independent, it would be at most 4.41 %." in said


@pytest.mark.parametrize(
    ("champion", "said"),
    [
        (None, "No release served when it was judged, so there was nothing to compare it with."),
        (
            replace(CHAMPION, verdict=None, comparison=None, note="It does not verify."),
            (
                "The champion 2026-04-09-aaaaaaaa was not judged on the same days nor compared with it day by "
                "day. It does not verify."
            ),
        ),
        (
            replace(CHAMPION, verdict=None, note="It saw some of the days."),
            "The champion 2026-04-09-aaaaaaaa was not judged on the same days. It saw some of the days.",
        ),
    ],
)
def test_a_champion_that_was_not_judged_is_told(champion, said):
    """A champion that is missing or was not judged is a weakness, with the reason; a compared one is not."""
    assert weaknesses(report(champion=champion, promotable=True)) == [BOUND, said, FULL]
    assert weaknesses(report(champion=CHAMPION, promotable=True)) == [BOUND, FULL]


def test_a_loss_limit_that_says_nothing_is_told():
    """A loss limit above the bound on all fraud is a weakness, because any model would meet it."""
    assert weaknesses(report(**NO_LIMIT))[1] == (
        "The loss limit says nothing at 302,346 transactions a month: all fraud together is at most 410,000 RUB, "
        "within the limit of 500,000 RUB."
    )


def test_the_evidence_counts_its_rows():
    """The evidence counts frauds, legitimate and unlabelled rows of the certify window."""
    table = ScoreTable.from_rows([0, 0, 1], [10, 20, 30], [False, False, True], [100, 100, 500])
    score, amount, customer, terminal, day = (np.array([value]) for value in (30, 500, 7, 8, 1))
    frauds = Frauds(score, amount, customer, terminal, 2, day)
    certify = Certify(table, frauds, unknown_a_day=np.array([3, 1]))
    assert ReducedWindows(table, certify, 0).counts == {"certify": {"fraud": 1, "legitimate": 2, "unknown": 4}}

"""The model card tells what training and gate wrote, and invents nothing."""

from dataclasses import replace

from antifraud.features.registry import REGISTRY
from jobs.reporting.card import model_card
from tests.report_example import CHAMPION, INFO, LIMITS, PASS, report
from tests.unit.jobs.reporting.test_page import ROW, SLICE


def test_the_card_has_every_section_in_order():
    """A full report gives a card with every section, in a fixed order."""
    info = {**INFO, "id": "2026-04-10-0123abcd", "baselines": {"random_forest": {"auc": 0.92}}}
    card = model_card(info, report(tradeoff=(ROW,), slices=(SLICE,)))
    headings = [line.lstrip("# ") for line in card.splitlines() if line.startswith("#")]
    assert headings == [
        "2026-04-10-0123abcd", "Data", "Model", "Limits", "Verdict: PASS", "Kill-switch", "Trade-off",
        "Baselines on the same rows",
        "Slices of the certify window", "Known weaknesses", "Features",
    ]  # fmt: skip


def test_the_card_names_its_data():
    """The card lists the windows in order of time, the snapshots, and the rows of each window by status."""
    card = model_card({**INFO, "id": "r"}, report())
    train, select, certify = (card.index(f"| {name} | 2026") for name in ("train", "select", "certify"))
    assert train < select < certify
    assert "Features at snapshot 7520528307 of the\nlake, labels at snapshot 4186002915, days" in card
    assert "Features at snapshot 7520528307 of" in card
    assert "| train | 5,893 | 277,479 | 12 |" in card
    assert "flagged above 52,982" in card


def test_the_card_counts_the_rows_that_the_verdict_rests_on():
    """The card's counts of certify rows come from the gate's report, below the counts of training."""
    counts = {"certify": {"fraud": 6_012, "legitimate": 276_563, "unknown": 34}}
    card = model_card({**INFO, "id": "r"}, report(counts=counts))
    assert "| select | 1,666 | 68,443 | 0 |\n| certify | 6,012 | 276,563 | 34 |\n" in card


def test_the_card_tells_what_it_was_judged_by():
    """The card lists target, confidence, limits and frozen beta; margins appear only with a comparison."""
    card = model_card({**INFO, "id": "r"}, report(limits=replace(LIMITS, alerts_a_day=2_000)))
    for row in (
        "| false-positive rate, target of a new threshold | 4.50 % |",
        "| lowest threshold that meets the target | 52,982 ppm |",
        "| confidence of the false-positive rate | 99 % (δ = 0.01) |",
        "| missed fraud, RUB a month, limit | 500,000 |",
        "| probability that the missed fraud stays within its bound | 99 % |",
        "| alerts a day, limit | 2,000 |",
        "| alerts a day | 1,584 | - | 2,000 |",
        "| β, chosen on select and frozen | 8 |",
        "| rows | 4.410 % |\n| days | 4.470 % |\n| terminals (counts) | 4.500 % |",
    ):
        assert row in card
    assert "worse than the champion" not in card
    assert "| alerts a day, limit | none |" in model_card({**INFO, "id": "r"}, report())


def test_the_card_has_the_comparison_with_the_champion():
    """The card says why the candidate may replace the champion, with the paired differences and margins."""
    said = {"champion": CHAMPION, "promotable": True, "promotable_reason": "Not worse on 9 days."}
    card = model_card({**INFO, "id": "r"}, report(**said))
    assert (
        "## Against the champion\n\nMay replace 2026-04-09-aaaaaaaa. Not worse on 9 days. "
        "Judged on the same days, the champion is PASS.\n" in card
    )
    assert "| false-positive rate | 0.10 % | 0.60 % | 0.50 % |" in card
    assert "| terminals | 0.600 % |\n| all kinds together | 0.600 % |" in card
    assert "| missed fraud, RUB a month | -12,000 | 3,000 | 50,000 |" in card
    assert "| worse than the champion by at most, missed fraud a month | 50,000 RUB |" in card
    assert "| worse than the champion by at most, false-positive rate | 0.50 % |" in card
    assert "| confidence of each of these two | 95 % |" in card


def test_the_cards_weaknesses_are_its_own():
    """Weaknesses of this release come first, and those of any model follow.

    Without weaknesses of its own, only the latter appear.
    """
    weaknesses = model_card({**INFO, "id": "r"}, report(slices=(SLICE,))).split("## Known weaknesses")[1]
    own, general = weaknesses.split("Any model of this kind:")
    assert 'customer "new: none in 30 days" (50.0 % of 1,234,567 RUB in 1,234 frauds)' in own
    assert "- Payments that were blocked keep no label of their own" in general
    nothing_found = model_card({**INFO, "id": "r"}, report(fpr_binding="rows", at_full_volume=PASS))
    assert "This release:" not in nothing_found
    assert "## Known weaknesses\n\nAny model of this kind:\n\n- Labels arrive days after" in nothing_found


def test_the_card_tells_limits_and_both_volumes():
    """The card shows measured value, bound and limit of each measure, and the verdict at full volume."""
    card = model_card({**INFO, "id": "r"}, report())
    assert "| false-positive rate | 4.32 % | 4.50 % | 5.00 % |" in card
    assert "| missed fraud, RUB a month | 189,463 | 269,411 | 500,000 |" in card
    assert "At 129,600,000 transactions a month, the full service's volume: **INFEASIBLE**." in card
    assert "](tradeoff.svg)" in card


def test_every_feature_is_explained():
    """The card explains each feature with meaning, unit, window and what null means, as the registry does."""
    card = model_card({**INFO, "id": "r"}, report())
    for feature in REGISTRY:
        assert f"| `{feature.name}` | {feature.entity}: {feature.meaning} | {feature.unit} |" in card
    assert "| `amount` | event: amount | RUB | - | never null |" in card
    assert "| seconds | 30 | no earlier transaction of the customer in the window |" in card


def test_what_is_not_there_has_no_section():
    """Without baselines, slices and trade-off the card has no sections for them."""
    card = model_card({**INFO, "id": "r"}, report())
    assert "Baselines" not in card
    assert "Slices" not in card
    assert "threshold, ppm" not in card


def test_the_trade_off_has_the_pages_columns():
    """The card's trade-off has the columns of the page, and a missing beta is a dash."""
    card = model_card({**INFO, "id": "r"}, report(tradeoff=(ROW, replace(ROW, threshold=999_000, beta=None))))
    assert "| FPR bound | false positives over all | precision |" in card
    assert "| loss bound, RUB | beta |" in card
    assert "| 52,982 | 4.32 % | 4.50 % | 4.21 % | - | 1,584 | 78.40 % | 90.80 % | 189,463 | 600,000 | 8 |" in card
    assert (
        "Beta is what the certify window would choose. This release's own, 8, was chosen on select and frozen." in card
    )
    assert "| 999,000 | 4.32 % | 4.50 % | 4.21 % | - | 1,584 | 78.40 % | 90.80 % | 189,463 | 600,000 | - |" in card


def test_the_card_says_what_the_baselines_learnt_from():
    """The card says how many rows the baselines learnt from, unless an earlier version did not record the number."""
    info = {**INFO, "id": "r", "baselines": {"random_forest": {"auc": 0.92}}}
    told = "Fitted on 30,000 of the 123,753 train rows that this model learnt from, judged on the same rows"
    assert told in model_card({**info, "baseline_rows": 30_000, "train_rows": 123_753}, report())
    assert "Fitted on" not in model_card(info, report())


def test_the_card_says_what_counts_as_out_of_reach():
    """The card says which demand counts as out of reach, which makes a verdict INFEASIBLE instead of FAIL."""
    card = model_card({**INFO, "id": "r"}, report())
    assert "more than 95.0 % of the fraud amount to be caught\ncounts as out of reach of any model." in card

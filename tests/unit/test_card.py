"""The model card tells what training and gate wrote, feature by feature, and invents nothing."""

from antifraud.features import REGISTRY
from jobs.model.card import model_card
from tests.report_example import INFO, report
from tests.unit.test_report_page import ROW, SLICE


def test_the_card_has_every_section_in_order():
    """Use, data, model, verdict, trade-off, baselines, slices, weaknesses, features."""
    info = {**INFO, "id": "2026-04-10-0123abcd", "baselines": {"random_forest": {"auc": 0.92}}}
    card = model_card(info, report(tradeoff=[ROW], slices=[SLICE]))
    headings = [line.lstrip("# ") for line in card.splitlines() if line.startswith("#")]
    assert headings == [
        "2026-04-10-0123abcd", "Data", "Model", "Verdict: PASS", "Trade-off", "Baselines on the same rows",
        "Slices of the certify window", "Known weaknesses", "Features",
    ]  # fmt: skip


def test_the_card_names_its_data():
    """Days of each window in time order, the snapshot, rows by window and what is known of them."""
    card = model_card({**INFO, "id": "r"}, report())
    train, select, certify = (card.index(f"| {name} | 2026") for name in ("train", "select", "certify"))
    assert train < select < certify
    assert "Features at snapshot 7520528307 of" in card
    assert "| train | 5,893 | 277,479 | 12 |" in card
    assert "flagged above 52,982" in card


def test_the_card_tells_limits_and_both_volumes():
    """Measured, bound and limit, and the verdict where all traffic would come."""
    card = model_card({**INFO, "id": "r"}, report())
    assert "| false-positive rate | 4.32 % | 4.50 % | 5.00 % |" in card
    assert "| missed fraud, RUB a month | 189,463 | 269,411 | 500,000 |" in card
    assert "At 129,600,000 transactions a month, the full service's volume: **INFEASIBLE**." in card
    assert "](tradeoff.svg)" in card


def test_every_feature_is_explained():
    """Name, meaning, unit, window and what null means, from the registry."""
    card = model_card({**INFO, "id": "r"}, report())
    for feature in REGISTRY:
        assert f"| `{feature.name}` | {feature.entity}: {feature.meaning} | {feature.unit} |" in card
    assert "| `amount` | event: amount | RUB | - | never null |" in card
    assert "| seconds | 30 | no earlier transaction of the customer in the window |" in card


def test_what_is_not_there_has_no_section():
    """No baselines, no slices, no trade-off table: no headings, and no numbers made up."""
    card = model_card({**INFO, "id": "r"}, report())
    assert "Baselines" not in card
    assert "Slices" not in card
    assert "threshold, ppm" not in card

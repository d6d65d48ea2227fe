"""The gate gives each verdict on a window made for it, with the right action and figures."""

from dataclasses import replace

import numpy as np
import pytest

from antifraud.errors import DataError, NoFraud
from antifraud.gate.findings import Alternative
from antifraud.gate.judge import Certify, Demand, Limits, Verdict, check_threshold, judge
from antifraud.gate.rules import action
from antifraud.stats.episodes import Frauds, label_delay_loss
from antifraud.stats.score_tables import ScoreTable
from antifraud.stats.threshold import LegitBlocks

DAYS, ROWS = 28, 60_000
BRIEF_TRANSACTIONS_A_MONTH = 50 * 86_400 * 30


def window(seed, separation, mean_amount=150_000):
    """Return a window with 2 % fraud whose scores lie `separation` standard deviations above the legitimate ones."""
    rng = np.random.default_rng(seed)
    fraud = rng.random(ROWS) < 0.02
    score = (1_000_000 / (1 + np.exp(4 - rng.normal(separation * fraud, 1)))).astype(int)
    amount = rng.exponential(mean_amount, ROWS).astype(int) + 1
    table = ScoreTable.from_rows(rng.integers(0, DAYS, ROWS), score, fraud, amount)
    count = int(fraud.sum())
    codes = rng.integers(0, 500, count), rng.integers(0, 500, count)
    return Certify(table, Frauds(score[fraud], amount[fraud], *codes, DAYS))


GOOD, POOR = 4.0, 1.5


@pytest.fixture(scope="module")
def good():
    """Return the window of a model that separates well: about 1.9 M RUB of fraud a month, most of it caught."""
    return window(1, GOOD)


def select(separation, **kwargs):
    return window(2, separation, **kwargs).table


def threshold_with_fpr(certify, share):
    """Return the threshold that flags `share` of the window's legitimate rows."""
    scores = np.sort(np.repeat(certify.table.score, certify.table.legit))
    return int(scores[int(scores.size * (1 - share)) - 1])


def test_a_good_model_passes_within_both_limits(good):
    """A good model passes: both bounds are within their limits, and the action is to promote it."""
    report = judge(select(GOOD), good, Limits())

    assert report.verdict is Verdict.PASS
    assert report.fpr <= report.fpr_bound <= 0.045
    assert report.loss.mean < report.loss.bound <= 50_000_000
    assert report.loss_limit_informative
    assert report.threshold >= report.threshold_at_fpr_target
    assert report.action == "Promote."


def test_a_poor_model_is_infeasible_because_of_the_loss(good):
    """A poor model is INFEASIBLE: no model at hand meets the loss limit, but a better one could, as the action says."""
    report = judge(select(POOR), window(1, POOR), Limits())

    assert report.verdict is Verdict.INFEASIBLE
    assert report.required_value_recall < report.limits.attainable_value_recall
    assert "above the limit of 500,000 RUB" in report.reasons[1]
    assert report.action.startswith("No model at hand meets both limits: loss bound")
    assert report.action.endswith(". Improve the model.")
    assert judge(select(GOOD), good, Limits()).loss.bound < report.loss.bound


def test_the_briefs_volume_is_infeasible_for_the_same_model(good):
    """At 50 transactions a second a good model is INFEASIBLE, because the limit demands nearly all of the value.

    The reasons name both volumes.
    """
    report = judge(select(GOOD), good, Limits(), demand=Demand(BRIEF_TRANSACTIONS_A_MONTH))

    assert report.verdict is Verdict.INFEASIBLE
    assert 0.9998 < report.required_value_recall < 0.9999
    assert report.judged_transactions_a_month == BRIEF_TRANSACTIONS_A_MONTH
    assert report.observed_transactions_a_month == pytest.approx(ROWS * 30 / DAYS)
    assert "Judged at 129,600,000 transactions a month; observed were 64,286." in report.reasons[2]
    assert report.action.startswith("No model at hand meets both limits: loss bound")
    demanded = "the loss limit demands 99.99%, and more than 95.0% counts as out of reach of any model."
    assert demanded in report.action


def test_what_another_model_at_hand_can_do_is_not_infeasible(good):
    """If an earlier release meets the loss limit, the verdict is FAIL, and the action is to take that release."""
    others = [Alternative("previous r1", 49_000_000.0), Alternative("champion r2", 60_000_000.0)]
    report = judge(select(GOOD), good, Limits(), demand=Demand(BRIEF_TRANSACTIONS_A_MONTH), alternatives=others)

    assert report.verdict is Verdict.FAIL
    assert report.action.startswith("Take previous r1 instead: loss bound")
    assert "the best of 3 models (previous r1) reaches 490,000 RUB" in report.action


def test_the_limit_says_nothing_where_fraud_is_worth_less():
    """If all fraud is worth less than the limit, the verdict is never PASS, and the report says why."""
    report = judge(select(GOOD, mean_amount=4_000), window(1, GOOD, mean_amount=4_000), Limits())

    assert report.verdict is Verdict.FAIL
    assert not report.loss_limit_informative
    assert any(reason.startswith("The loss limit says nothing here: all fraud") for reason in report.reasons)
    assert report.required_value_recall == 0.0


def test_a_threshold_with_six_percent_is_refused(good):
    """A threshold that flags 6 % fails with its figures, although its loss is within the limit."""
    report = check_threshold(good, threshold_with_fpr(good, 0.06), Limits())

    assert report.verdict is Verdict.FAIL
    assert report.beta is None
    assert report.fpr == pytest.approx(0.06, abs=1e-3)
    assert report.loss.bound < 50_000_000
    assert "is 6.0" in report.reasons[0]
    assert "above the limit of 5.00%" in report.reasons[0]
    assert report.action.startswith("Raise the threshold from")


def test_a_given_threshold_between_target_and_limit_passes(good):
    """A rate of 4.55 % is above the target, but passes because its bound is within the limit."""
    report = check_threshold(good, threshold_with_fpr(good, 0.0455), Limits())

    assert report.verdict is Verdict.PASS
    assert 0.045 < report.fpr < report.fpr_bound <= 0.05


def test_too_high_a_threshold_is_told_to_come_down(good):
    """A threshold that flags almost nothing fails, and the action is to lower it."""
    report = check_threshold(good, 900_000, Limits())

    assert report.verdict is Verdict.FAIL
    assert report.action.startswith("Lower the threshold from 900000 towards")


def test_a_limit_of_alerts_raises_the_threshold(good):
    """A limit of alerts raises the threshold to the lowest one with so few alerts, which still passes."""
    without, report = (judge(select(GOOD), good, Limits(alerts_a_day=most)) for most in (None, 60))

    assert (without.threshold_at_alerts_limit, without.verdict) == (None, Verdict.PASS)
    assert without.alerts_a_day > 60
    assert report.verdict is Verdict.PASS
    assert report.threshold == report.threshold_at_alerts_limit > without.threshold
    flagged = good.table.score > report.threshold
    assert report.alerts_a_day == pytest.approx((good.table.legit + good.table.fraud)[flagged].sum() / DAYS)
    assert report.alerts_a_day <= 60 < check_threshold(good, report.threshold - 1, Limits()).alerts_a_day


def test_too_few_alerts_for_the_loss_limit_fail(good):
    """Five alerts a day force a threshold that loses too much, so the action is to make room for more alerts."""
    report = judge(select(GOOD), good, Limits(alerts_a_day=5))

    assert report.verdict is Verdict.FAIL
    assert report.alerts_a_day <= 5
    assert report.action.startswith(
        f"Make room for more alerts than 5 a day, which keep the threshold at {report.threshold} ppm: loss bound"
    )


def test_more_alerts_than_the_team_reviews_fail(good):
    """A given threshold with too many alerts fails, and the action names the lowest one with few enough."""
    lowest = judge(select(GOOD), good, Limits(alerts_a_day=60)).threshold
    report = check_threshold(good, lowest - 1, Limits(alerts_a_day=60))

    assert report.verdict is Verdict.FAIL
    assert report.action.startswith(f"Raise the threshold from {lowest - 1} to {lowest} ppm and judge again: ")
    assert report.action.endswith(" alerts a day, 60 are allowed.")


def test_confidence_is_never_rounded_to_certainty(good):
    """A budget of 5 % a year leaves 0.0137 % for a night, which is shown as 99.99 % and not as 100 %."""
    report = judge(select(GOOD), good, Limits(delta=0.05 / 365))

    assert " with 99.99% confidence (" in report.reasons[0]
    assert " with 99% probability: " in report.reasons[1]


def test_figures_agree_with_counting(good):
    """False positives, recall, precision and cost equal counts from the table's rows."""
    report = judge(select(GOOD), good, Limits())
    flagged = good.table.score > report.threshold
    legit, fraud = int(good.table.legit[flagged].sum()), int(good.table.fraud[flagged].sum())

    assert report.false_positives == legit
    assert report.recall == pytest.approx(fraud / good.table.fraud.sum())
    assert report.precision == pytest.approx(fraud / (fraud + legit))
    assert report.value_recall == pytest.approx(
        good.frauds.amount[good.frauds.score > report.threshold].sum() / good.frauds.amount.sum()
    )
    assert report.alerts_a_day == pytest.approx((fraud + legit) / DAYS)
    assert report.false_alarm_cost_a_month == pytest.approx(legit * 30 / DAYS * 10_000)


def test_blocks_that_are_passed_are_checked(good):
    """Blocks of terminals add a bound of their own and a joint one, and the widest bound counts."""
    terminals = LegitBlocks("terminals", np.arange(good.table.legit.size) % 50, good.table.score, good.table.legit)
    report = judge(select(GOOD), replace(good, blocks=(terminals,)), Limits())

    assert set(report.fpr_bounds) == {"rows", "days", "weeks", "terminals", "all kinds together"}
    assert report.fpr_bound == max(report.fpr_bounds.values())


def test_a_declared_fraud_share_scales_the_loss(good):
    """Twice the declared fraud share gives twice the loss."""
    observed = good.table.fraud.sum() / good.table.transactions
    once, twice = (
        check_threshold(good, 300_000, Limits(), demand=Demand(fraud_share=float(observed * times))) for times in (1, 2)
    )

    assert twice.loss.mean == pytest.approx(2 * once.loss.mean)


def test_declared_quantities_show_and_widen_with_their_errors(good):
    """The error of a declared fraud share is a part of the loss bound of its own; an observed share has none."""
    observed, declared = (
        check_threshold(good, 300_000, Limits(), demand=Demand(fraud_share=share, share_relative_sd=0.2))
        for share in (None, 0.02)
    )

    assert (observed.fraud_share.declared, declared.fraud_share.declared) == (False, True)
    assert observed.loss.share == 0.0
    assert declared.loss.share == pytest.approx(declared.loss.mean * (np.exp(0.2 * 2.326) - 1), rel=0.1)
    assert observed.fraud_share.relative_sd == pytest.approx(1 / np.sqrt(good.table.fraud.sum()), rel=0.5)
    assert "the fraud share of 2.00% is declared, with a relative error of 20.0%" in declared.reasons[2]


def test_an_observed_volume_is_as_uncertain_as_its_days_differ(good):
    """An observed volume is as uncertain as its days differ, but at least as uncertain as assumed."""
    uneven = np.repeat(np.arange(DAYS), np.where(np.arange(DAYS) % 2, 150, 50))
    table = ScoreTable.from_rows(uneven, uneven % 2, np.arange(uneven.size) % 7 == 0, np.full(uneven.size, 100))
    count = int(table.fraud.sum())
    codes = np.arange(count)
    window_ = Certify(table, Frauds(codes, np.full(count, 100), codes, codes, DAYS))
    noise = np.where(np.arange(DAYS) % 2, 150, 50).std(ddof=1) / 100 * np.sqrt(1 / 30 + 1 / 28)

    assert Demand(relative_sd=0.04).transactions(good).relative_sd == 0.04
    assert Demand().transactions(window_).relative_sd == pytest.approx(noise)
    assert Demand(1_000, relative_sd=0.04).transactions(window_).relative_sd == 0.04


def episodes(score):
    """Return frauds at ten terminals compromised from day 9 on.

    Each loses 90,000 kopecks a day for 14 days, every time to a new customer.
    """
    day = np.tile(np.arange(9, 23), 10)
    terminal = np.repeat(np.arange(10), 14)
    return Frauds(score(day), np.full(140, 90_000), np.arange(140), terminal, DAYS, day)


def test_the_label_delay_costs_what_is_missed_in_the_first_days_of_an_episode():
    """The label delay costs what the first 7 days of each episode lose.

    Here these are 10 * 7 * 900 RUB in 21 days, and frauds that are missed later cost nothing.
    """
    everything, later = episodes(lambda day: 0 * day), episodes(lambda day: np.where(day < 16, 9, 0))

    assert label_delay_loss(everything, 5, 7, 0) == pytest.approx(10 * 7 * 90_000 * 30 / 21)
    assert label_delay_loss(later, 5, 7, 0) == 0.0
    assert label_delay_loss(replace(everything, day=None), 5, 7, 0) is None


def test_single_frauds_have_no_first_days():
    """Single frauds at terminals are no episodes, and neither are one customer's frauds at many terminals."""
    day, ones = np.arange(9, 23), np.ones(14, int)
    single = Frauds(0 * ones, 900 * ones, np.arange(14), np.arange(14), DAYS, day)

    assert label_delay_loss(single, 5, 7, 0) == 0.0
    assert label_delay_loss(replace(single, customer=ones, terminal=np.arange(14) // 2), 5, 7, 0) == 0.0


def found(loss, least, others=(), hidden=None):
    """Return a report that fails on its loss, with these figures."""
    report = judge(select(POOR), window(1, POOR), Limits())
    loss, least = (replace(report.loss, bound=value) for value in (loss, least))
    others = tuple(Alternative(name, bound) for name, bound in others)
    return replace(report, loss=loss, loss_at_fpr_target=least, alternatives=others, label_delay_loss=hidden)


OVER = "loss bound 612,300 RUB > 500,000 RUB; at the lowest threshold that the rate allows"
TWO_MORE = [("forest", 58_000_000), ("xgboost", 54_010_000)]
NONE = f"No model at hand meets both limits: {OVER}"
BEST_OF_3 = (
    f"{NONE} the best of 3 models (xgboost) reaches 540,100 RUB; the label delay of 7 days alone costs 30,000 RUB."
)
SOONER = f"{NONE} it still reaches 590,000 RUB; the label delay of 7 days alone costs 96,000 RUB."
CATCHES = "This one catches 40.0% of the amount there; the loss limit demands 60.0%"
CHAMPION = f"Take champion r1 instead: {OVER} the best of 2 models (champion r1) reaches 490,000 RUB."


@pytest.mark.parametrize(
    ("others", "hidden", "said"),
    [
        (TWO_MORE, 3_000_000, f"{BEST_OF_3} {CATCHES}. Improve the model."),
        ([], 9_600_000, f"{SOONER} Bring labels sooner than after 7 days."),
        ([("champion r1", 49_000_000)], None, CHAMPION),
    ],
)
def test_the_best_single_action_has_its_numbers(others, hidden, said):
    """The best action is one text with the bound, its limit, the best model at hand and the cost of the label delay."""
    judged = replace(
        found(61_230_000, 59_000_000, others, hidden), value_recall_at_fpr_target=0.4, required_value_recall=0.6
    )
    assert action(judged) == said


def test_windows_without_fraud_or_with_other_frauds_are_refused(good):
    """A select window without fraud, and frauds that do not fit the table, are refused."""
    no_fraud = ScoreTable.from_rows(np.arange(700) % 7, np.arange(700), np.zeros(700, bool), np.ones(700))
    with pytest.raises(NoFraud, match="found 700 and 0"):
        judge(no_fraud, good, Limits())
    with pytest.raises(DataError, match="validate again"):
        replace(good, frauds=good.frauds.missed(100_000))

"""The judged volume includes rows without a label, and alerts follow a declared fraud share."""

from dataclasses import asdict

import numpy as np
import pytest

from antifraud.errors import DataError
from antifraud.gate.judge import Certify, Demand, Limits, check_threshold, judge
from antifraud.gate.tradeoff import tradeoff
from antifraud.stats.episodes import Frauds
from antifraud.stats.loss import Volume, loss_bound
from antifraud.stats.score_tables import ScoreTable
from jobs.judging.report import points

DAYS, A_DAY = 28, 1_000
ROWS = DAYS * A_DAY
THRESHOLD = 600_000
UNKNOWN = np.full(DAYS, 250)
"""Rows without a label a day: a quarter of the labelled rows, so the observed volume is 1.25 times as large."""


def window(**more):
    """Return 28 days of 1,000 labelled rows with 560 frauds, most of them above the threshold."""
    rng = np.random.default_rng(7)
    fraud = np.arange(ROWS) % 50 == 0
    score = (1_000_000 / (1 + np.exp(2 - rng.normal(3.5 * fraud, 1)))).astype(int)
    amount = rng.exponential(100_000, ROWS).astype(int) + 1
    day = np.arange(ROWS) // A_DAY
    kept = np.flatnonzero(fraud)
    frauds = Frauds(score[kept], amount[kept], kept, kept // 150, DAYS, day[kept])
    return Certify(ScoreTable.from_rows(day, score, fraud, amount), frauds, **more)


def report(certify, demand=None):
    return check_threshold(certify, THRESHOLD, Limits(), demand=demand)


def flagged(certify):
    """Return the numbers of frauds and legitimate rows above the threshold."""
    above = certify.table.score > THRESHOLD
    return int(certify.table.fraud[above].sum()), int(certify.table.legit[above].sum())


def test_rows_without_a_label_are_volume():
    """Rows without a label raise volume, alerts, false alarms and loss, but change no rate."""
    certify = window()
    without, with_them = report(certify), report(window(unknown_a_day=UNKNOWN))
    caught, alarms = flagged(certify)

    assert with_them.observed_transactions_a_month == with_them.judged_transactions_a_month == 1_250 * 30
    assert with_them.alerts_a_day == pytest.approx(1.25 * (caught + alarms) / DAYS)
    assert with_them.false_alarms_a_month == pytest.approx(1.25 * alarms * 30 / DAYS)
    assert with_them.loss.mean == pytest.approx(1.25 * without.loss.mean)
    assert with_them.fraud_a_month.mean == pytest.approx(1.25 * certify.frauds.amount.sum() * 30 / DAYS)
    missed = certify.frauds.missed(THRESHOLD)
    assert with_them.loss == loss_bound(
        missed, known=certify.frauds, volume=Volume(1.25, without.transactions.relative_sd)
    )
    for name in ("fpr", "fpr_bounds", "recall", "value_recall", "precision", "false_positives_share", "fraud_share"):
        assert getattr(with_them, name) == getattr(without, name)


def test_the_reasons_say_how_many_have_no_label():
    """The reasons say how many rows have no label, which explains the volume."""
    assert report(window(unknown_a_day=UNKNOWN)).unknown == 7_000
    assert (
        "observed were 37,500 (7,000 of the window's without a label)."
        in (report(window(unknown_a_day=UNKNOWN)).reasons[2])
    )
    assert "observed were 30,000. " in report(window()).reasons[2]


def test_at_a_declared_volume_they_change_nothing():
    """At a declared volume rows without a label change nothing, because it counts all transactions."""
    demand = Demand(90_000, 0.03)
    without, with_them = report(window(), demand), report(window(unknown_a_day=UNKNOWN), demand)

    assert with_them.loss.mean == pytest.approx(without.loss.mean)
    assert with_them.alerts_a_day == pytest.approx(without.alerts_a_day)
    assert (without.observed_transactions_a_month, with_them.observed_transactions_a_month) == (30_000, 37_500)


def test_none_and_no_rows_without_a_label_are_the_same():
    """Counts of zero give exactly the judgement that no counts give."""
    certify, zeros = window(), window(unknown_a_day=np.zeros(DAYS, int))
    for demand in (Demand(), Demand(123_456), Demand(0, 0.03)):
        assert asdict(judge(certify.table, zeros, Limits(), demand=demand)) == asdict(
            judge(certify.table, certify, Limits(), demand=demand)
        )


def test_the_observed_volume_is_as_uncertain_as_all_rows_of_the_days():
    """The observed volume's error comes from all rows of a day, with and without a label."""
    uneven = np.where(np.arange(DAYS) % 2, 2_000, 0)
    seen = Demand().transactions(window(unknown_a_day=uneven)).relative_sd
    days = 1_000 + uneven

    assert seen == pytest.approx(days.std(ddof=1) / days.mean() * np.sqrt(1 / 30 + 1 / DAYS))
    assert Demand().transactions(window()).relative_sd == Demand().relative_sd


def test_one_count_a_day_is_expected():
    """Counts for more or fewer days than the window has are refused."""
    with pytest.raises(DataError, match="has 28 days, but 27 counts of rows without a label: validate again"):
        window(unknown_a_day=UNKNOWN[1:])


def test_alerts_follow_a_declared_fraud_share():
    """Alerts are the flagged share of frauds times 6 % plus that of legitimate rows times 94 % of a day's volume."""
    certify = window(unknown_a_day=UNKNOWN)
    caught, alarms = flagged(certify)
    of_frauds, of_legitimate = caught / 560, alarms / (ROWS - 560)
    found = report(certify, Demand(60_000, 0.06))

    assert found.alerts_a_day == pytest.approx(2_000 * (0.06 * of_frauds + 0.94 * of_legitimate))
    assert found.false_alarms_a_month == pytest.approx(60_000 * 0.94 * of_legitimate)
    assert found.false_alarm_cost_a_month == pytest.approx(found.false_alarms_a_month * 10_000)
    assert report(certify, Demand(0, 0.06)).alerts_a_day == pytest.approx(
        1_250 * (0.06 * of_frauds + 0.94 * of_legitimate)
    )


def test_a_limit_on_alerts_is_judged_at_the_declared_share():
    """One threshold keeps the limit on alerts at a small fraud share and breaks it at a hundred times that share."""
    limits, certify = Limits(fpr_limit=1.0, loss_limit_minor=10**12, alerts_a_day=80), window()
    few, many = (check_threshold(certify, THRESHOLD, limits, demand=Demand(30_000, share)) for share in (0.002, 0.2))

    assert few.alerts_a_day < 80 < many.alerts_a_day
    assert many.reasons[2].count(f"That means {many.alerts_a_day:,.0f} alerts a day.") == 1
    assert few.reasons[3] == "Alerts a day are within the limit of 80."
    assert many.reasons[3] == "Alerts a day are above the limit of 80."


@pytest.mark.parametrize("demand", [Demand(), Demand(90_000), Demand(90_000, 0.06)])
def test_table_and_chart_are_at_the_same_volume_as_the_report(demand):
    """The trade-off's row of the threshold has the report's alerts and loss, and the chart's curve agrees."""
    certify = window(unknown_a_day=UNKNOWN)
    found = report(certify, demand)
    row = next(row for row in tradeoff(certify, found, demand, seed=1) if row.threshold == THRESHOLD)
    shown = points(certify, Limits(fpr_limit=0.5), demand)
    losses = dict(zip(shown.threshold, shown.loss, strict=True))
    nearest = max(threshold for threshold in losses if threshold <= THRESHOLD)

    assert row.alerts_a_day == found.alerts_a_day
    assert row.loss == pytest.approx(found.loss.mean)
    missed = certify.frauds.amount[certify.frauds.score <= nearest].sum()
    share = 0.06 * 50 if demand.fraud_share else 1.0
    month = (demand.transactions_a_month or 37_500) / 1_000 / DAYS
    assert losses[nearest] == pytest.approx(missed / 100 * month * share)

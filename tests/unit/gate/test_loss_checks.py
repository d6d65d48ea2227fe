"""A window whose missed fraud grows, comes in waves or hangs on one episode warns by name; steady fraud does not."""

import numpy as np
import pytest

from antifraud.gate.judge import Certify, Limits, check_threshold
from antifraud.gate.loss_checks import check_loss
from antifraud.settings.assumptions import AssumptionName
from antifraud.stats.episodes import Frauds
from antifraud.stats.score_tables import ScoreTable

DAYS, THRESHOLD = 28, 5


def window(a_day, amount=1_000, largest=0):
    """Make a window with missed frauds on each day, the first of which is worth `largest`, and 100 legitimate rows."""
    day = np.repeat(np.arange(DAYS), a_day)
    own, worth = np.arange(day.size), np.full(day.size, amount)
    worth[0] += largest
    legit = np.repeat(np.arange(DAYS), 100)
    rows = np.append(day, legit), np.append(own * 0, np.tile(np.arange(100), DAYS))
    table = ScoreTable.from_rows(*rows, np.arange(rows[0].size) < day.size, np.append(worth, legit * 0))
    return Certify(table, Frauds(own * 0, worth, own, own, DAYS, day))


def failed(certify):
    return [each.name for each in check_loss(certify, THRESHOLD) if each.fails]


def test_steady_fraud_contradicts_nothing():
    """Five missed frauds a day of one amount contradict no assumption."""
    assert failed(window([5] * DAYS)) == []


def test_growth_warns_by_name():
    """Fraud that grows from 4 to 11 a day is named, with its growth a month."""
    weeks = np.repeat([4, 6, 8, 11], 7)
    growth = check_loss(window(weeks), THRESHOLD)[0]

    assert (growth.name, growth.fails) == (AssumptionName.LOSS_GROWTH, True)
    assert growth.words == (
        "Along a line through the weeks it changes by +136% a month; steady fraud shows as much in 0.0% of windows."
    )


def test_a_fall_is_a_wave_and_no_growth():
    """Fraud that falls from 11 to 4 a day contradicts even weeks alone."""
    assert failed(window(np.repeat([11, 8, 6, 4], 7))) == [AssumptionName.LOSS_WAVES]


def test_one_episode_that_decides_the_amount_warns_by_name():
    """An episode of 201,000 kopecks beside 139 of 1,000 has 59 % of the amount."""
    sizes = check_loss(window([5] * DAYS, largest=200_000), THRESHOLD)[2]

    assert (sizes.name, sizes.fails, sizes.measured) == (AssumptionName.LOSS_SIZES, True, pytest.approx(201 / 340))
    assert sizes.words == "The largest of 140 missed episodes has 59% of the amount."


def test_few_episodes_tell_nothing_about_sizes():
    """The largest of 28 episodes may have much of the amount by chance, so nothing is measured."""
    sizes = check_loss(window([1] * DAYS, largest=200_000), THRESHOLD)[2]

    assert (sizes.measured, sizes.fails) == (None, False)


def test_the_reasons_name_the_months_and_the_largest_episode():
    """The reasons say how far next month may differ, what the largest episode was, and what no bound knows."""
    said = check_threshold(window([5] * DAYS, largest=199_000), THRESHOLD, Limits(fpr_limit=0.99, fpr_target=0.97))

    (months,) = (reason for reason in said.reasons if reason.startswith("The loss bound lets months differ"))
    assert months.startswith("The loss bound lets months differ by 9% (standard deviation). ")
    assert "The largest known episode is worth 2,000 RUB; the bound allows for a missed one of " in months
    assert months.endswith("No bound knows a larger kind.")
    assert [each.name for each in said.assumptions if each.fails][-1] == AssumptionName.LOSS_SIZES

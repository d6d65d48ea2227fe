"""Amounts, volumes and levels that nothing can be computed from are refused in one line with their code."""

import numpy as np
import pytest

from antifraud.errors import AmountOverflow, NotANumber, SettingsError
from antifraud.gate.certify import Certify, Demand
from antifraud.gate.limits import Limits
from antifraud.stats.episodes import Frauds
from antifraud.stats.loss import Volume, loss_bound
from antifraud.stats.score_tables import ScoreTable, merge

HUGE = 1 << 62


def frauds(amount, days=28):
    own = np.arange(len(amount))
    return Frauds(own * 0, np.asarray(amount), own, own, days, own)


def test_a_sum_of_amounts_never_wraps():
    """Ten days of 10^18 and four frauds of 2^62 are refused with exit code 33, by rows, by merging and as evidence."""
    ten = [10**18] * 10
    one = ScoreTable.from_rows([0], [5], [True], [HUGE])
    table = ScoreTable.from_rows(np.arange(10), [5] * 10, [True] * 10, [0] * 10)

    for refused in (
        lambda: ScoreTable.from_rows(np.arange(10), [5] * 10, [True] * 10, ten),
        lambda: merge(one, one, one, one),
        lambda: Certify(table, frauds(ten, days=10)),
    ):
        with pytest.raises(AmountOverflow, match=r"10|4 amounts add up to more than 4611686018427387904") as found:
            refused()
        assert (found.value.exit_code, "\n" in str(found.value)) == (33, False)
    assert one.fraud_amount.sum() == HUGE


def test_an_amount_that_outgrows_its_integer_is_refused():
    """A fraud of 2^62 that stands for four has no place in 64 bits."""
    with pytest.raises(AmountOverflow, match=r"1 of 2 frauds stand for more than 4611686018427387904 minor units"):
        frauds([HUGE, 100]).divided(np.array([0.25, 0.25]))
    assert frauds([100]).divided(np.array([0.25])).amount.tolist() == [400]


@pytest.mark.parametrize("share", [0, 0.0, 1, 1.5, -0.1, float("nan")])
def test_a_fraud_share_that_is_none_is_refused(share):
    """A declared fraud share lies between 0 and 1."""
    with pytest.raises(SettingsError, match=r"the declared fraud share is .*, expected a share between 0 and 1"):
        Demand(fraud_share=share)


@pytest.mark.parametrize("volume", [-1, 10**13, float("nan"), float("inf")])
def test_a_volume_beyond_reason_is_refused(volume):
    """A declared volume is at most 10^12 transactions a month."""
    with pytest.raises(SettingsError, match=r"the declared volume is .*expected 0 .as observed. to 1,000,000,000,000"):
        Demand(transactions_a_month=volume)


@pytest.mark.parametrize("factor", [1e18, 0.0, -1.0, float("nan"), float("inf")])
def test_a_growth_beyond_reason_is_refused(factor):
    """A month has more than none and at most 10^9 times the window's fraud."""
    with pytest.raises(SettingsError, match=r"times the window's fraud, expected more than 0 and at most 1e.09 times"):
        Volume(factor=factor)


@pytest.mark.parametrize("name", ["relative_sd", "share_sd", "month_sd"])
@pytest.mark.parametrize("error", [-0.1, 3.0, float("nan")])
def test_an_error_beyond_reason_is_refused(name, error):
    """A relative error lies between 0 and 2."""
    with pytest.raises(SettingsError, match=f"the {name} of the judged volume is .*, expected 0 to 2 times"):
        Volume(**{name: error})


@pytest.mark.parametrize("level", [0.9999, 0.996, 0.0, 1.0, 1.5, float("nan")])
def test_a_level_that_few_draws_lie_beyond_is_refused(level):
    """A level of 0.9999 would rest on 0.4 of 4,000 draws; 20 are needed, which 0.995 leaves."""
    for refused in (lambda: loss_bound(frauds([100] * 28), level=level), lambda: Limits(loss_level=level)):
        with pytest.raises(SettingsError, match="of 4,000 draws beyond it, at least 20 are needed"):
            refused()
    assert Limits(loss_level=0.995).loss_level == 0.995


def test_the_largest_allowed_growth_has_a_bound():
    """A billion times the window's fraud gives a finite bound above its mean."""
    found = loss_bound(frauds([100] * 28), volume=Volume(factor=1e9))
    unsure = loss_bound(frauds([100] * 28), volume=Volume(1e9, relative_sd=2.0, share_sd=2.0, month_sd=2.0))

    assert found.mean < found.bound < 3 * found.mean
    assert 100 * found.mean < unsure.bound < float("inf")


def test_a_loss_limit_of_nothing_is_refused():
    """A loss limit is above 0."""
    with pytest.raises(SettingsError, match="the loss limit is 0, expected more than 0 minor units"):
        Limits(loss_limit_minor=0)


def test_negative_missed_fraud_has_no_bound():
    """A negative amount would hide the loss of another fraud."""
    with pytest.raises(NotANumber, match="1 of 2 missed frauds have a negative amount"):
        loss_bound(frauds([100, -50]))

"""A comparison on few days says how far these days are from independent ones."""

from dataclasses import replace

import pytest

from antifraud.gate.comparison_checks import check_comparison
from tests.report_example import COMPARISON


@pytest.mark.parametrize(
    ("days", "slow_variance", "fails"), [(9, 8.0, True), (9, 5.0, False), (28, 8.0, False), (27, 4.5, True)]
)
def test_few_paired_days_that_resemble_each_other_warn(days, slow_variance, fails):
    """Nine days warn from 6.1 times the variance of independent days; 28 days widen the bound enough by themselves."""
    (found,) = check_comparison(replace(COMPARISON, days=days, slow_variance=slow_variance))

    assert found.fails is fails
    assert f"of {days} paired days vary {slow_variance} times as much" in found.words
    assert found.warning.startswith("The comparison assumes that fewer than 28 paired days do not resemble")


def test_without_a_comparison_nothing_is_checked():
    """A first release is compared with nothing."""
    assert check_comparison(None) == []

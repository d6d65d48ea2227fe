"""Weights let labelled rows stand for all rows, and impossible propensities are refused."""

import numpy as np
import pytest

from antifraud.errors import DataError
from jobs.rows.weights import LOWEST_PROPENSITY, inverse_propensity, population_weight


def test_weighted_sums_are_unbiased():
    """Over 400 draws, the weighted total of the kept rows agrees with the total of all rows within four errors."""
    generator = np.random.default_rng(1)
    value, is_fraud = generator.exponential(size=500), np.arange(500) % 10 == 0
    propensity, share = np.where(value > 2, 0.2, 1.0), 0.25
    chance = propensity * np.where(is_fraud, 1.0, share)
    weight = population_weight(is_fraud, propensity, share)
    totals = [(value * weight)[generator.random(500) < chance].sum() for _ in range(400)]
    assert np.mean(totals) == pytest.approx(value.sum(), abs=4 * np.std(totals) / 20)


@pytest.mark.parametrize("odd", [0.0, -0.5, 1.5, np.nan, LOWEST_PROPENSITY / 2])
def test_what_is_no_chance_is_refused(odd):
    """A propensity that is zero, negative, above one, missing or too small is refused."""
    with pytest.raises(DataError, match=r"1 of 2 rows have a propensity such as .*, expected 0\.001 to 1") as refused:
        inverse_propensity(np.array([1.0, odd]))
    assert refused.value.exit_code == 20

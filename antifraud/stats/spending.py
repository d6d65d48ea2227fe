"""How the chance of a wrong release is spent over a year of nights.

Per release, the true rate of a certified threshold exceeds its target with probability `delta` at most. Over a year
two things hold, whatever the nights have in common (their windows overlap by all but one day):

- The *expected number* of nights on which a model that breaks the target passes is at most `delta` times the nights.
- The probability that such a model passes on *any* night is at most that number too (Bonferroni). For delta 0.01 and
  365 nights this says nothing. `bench/gate/year.py` measures the probability for a model exactly at the limit.

To keep the second one small, set a budget for the year: each night spends its part. The parts are equal, so a night
that was left out is lost, never saved up. Dependence between nights can only make the promise safer.
"""

from typing import Final

NIGHTS_A_YEAR: Final = 365


def nightly_delta(delta: float, a_year: float, nights: int = NIGHTS_A_YEAR) -> float:
    """Return the delta of one night: no more than its part of the year's budget.

    Args:
        delta: Probability of a wrong release on one night, without a budget.
        a_year: Budget of the year, the same probability over all its nights; 0 is no budget.
        nights: Nights that share the budget.

    >>> nightly_delta(0.01, 0.0), nightly_delta(0.01, 0.365)
    (0.01, 0.001)
    """
    return min(delta, a_year / nights) if a_year else delta

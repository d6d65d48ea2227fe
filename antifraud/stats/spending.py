"""How the chance of a wrong release is spent over a year of nights.

Per release, the true rate of a certified threshold exceeds its target with probability `delta` at most. Over a year
of nights, two things hold whatever the nights have in common (their windows overlap by all but one day):

- the *expected number* of nights on which a model that breaks the target passes is at most `delta` times the nights;
- the probability that it passes on *any* night is at most that number too (Bonferroni), which says nothing for
  delta 0.01 and 365 nights: a model that stands exactly at the limit, and is tried every night, will pass some night
  with a probability that `bench/gate/year.py` measures.

Whoever wants the second to be small sets a budget for the year, and each night spends its part. The parts are equal,
so a night that was left out is lost, never saved up; dependence can only make the promise safer.
"""

from typing import Final

NIGHTS_A_YEAR: Final = 365


def nightly_delta(delta: float, a_year: float, nights: int = NIGHTS_A_YEAR) -> float:
    """Delta of one night: `delta`, but no more than its part of the year's budget; no budget if `a_year` is 0.

    >>> nightly_delta(0.01, 0.0), nightly_delta(0.01, 0.365)
    (0.01, 0.001)
    """
    return min(delta, a_year / nights) if a_year else delta

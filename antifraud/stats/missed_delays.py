"""Correct missed fraud for labels still to come, by how late labels of *missed* fraud come.

Fraud that a model catches is learnt soon, because somebody looks at an alert. Missed fraud is learnt when a customer
complains. One curve for both would take missed fraud for known long before it is. So the curve is fitted to the frauds
that a threshold misses, at each threshold anew. Beyond the window's oldest day, which shows no longer delay, it follows
the curve of all frauds.

Two precautions:

- Days on which less than `LEAST_KNOWN` is known are left out, and the other days stand for them.
- If fewer than `LEAST_MISSED` frauds are missed, their own curve is mostly chance. At each age the smaller share of the
  two curves counts then. The oldest `LEAST_DAYS` days always stay, and a fraud stands for `1 / LEAST_KNOWN` at most.

An episode's labels may come together, so errors are those of independent episodes.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from antifraud.errors import NotEnoughRows
from antifraud.stats.episodes import Frauds, episode_of
from antifraud.stats.maturation import HORIZON_DAYS, LEAST_KNOWN, Maturation
from antifraud.stats.score_tables import Floats, Ints

LEAST_MISSED: Final = 30
"""Missed frauds that have a curve of their own."""
LEAST_DAYS: Final = 14
"""Days with enough known fraud that a month is predicted from, at least."""


@dataclass(frozen=True, slots=True, eq=False)
class Matured:
    """Missed frauds of the days of which enough is known; each stands for those whose labels are still to come.

    Attributes:
        frauds: The frauds of these days.
        volume: Volume of the whole window, for each transaction of these days and as many days.
        factor: Missed amount of the whole window over what is known of it now.
        days: Days that were corrected or left out.
        relative_sd: Relative error of the correction.
    """

    frauds: Frauds
    volume: float = 1.0
    factor: float = 1.0
    days: int = 0
    relative_sd: float = 0.0


def mature(missed: Frauds, everyone: Maturation, age: Ints, transactions: Floats) -> Matured:
    """Return missed frauds corrected for labels still to come.

    Args:
        missed: Frauds of a window that a threshold misses, with their days.
        everyone: Curve of all frauds, caught ones included.
        age: Age of each day of the window, oldest first, shape ``(days,)``.
        transactions: Transactions of each day, for the weight of the days left out, shape ``(days,)``.

    Raises:
        NotEnoughRows: On fewer than `LEAST_DAYS` days enough is known.
    """
    as_of = int(age[0]) + (missed.require_day().min() if missed.first_day is None else missed.first_day)
    fraud_age = as_of - missed.require_day()
    found = curve_of_missed(missed, fraud_age, everyone)
    usable, youngest = found.at(age) >= LEAST_KNOWN, int(np.argmax(found.known >= LEAST_KNOWN))
    if missed.amount.size < LEAST_MISSED:
        usable[:LEAST_DAYS] = True
    if usable.sum() < min(LEAST_DAYS, age.size):
        raise NotEnoughRows(
            f"{int(usable.sum())} of the window's {age.size} days know {LEAST_KNOWN:.0%} of the fraud that is missed, "
            f"{LEAST_DAYS} are needed: end the window {youngest} days ago or earlier, or certify on more days"
        )
    kept = fraud_age >= age[usable].min()
    frauds = replace(missed.take(kept), days=int(usable.sum()))
    before = float(missed.amount.sum(dtype=np.float64))
    if not (frauds.amount.size and before):
        return Matured(frauds)
    expected = frauds.divided(np.maximum(found.at(fraud_age[kept]), LEAST_KNOWN))
    volume = float(usable.mean() * transactions.sum() / transactions[usable].sum())
    worth = expected.amount.astype(np.float64)
    error = float((worth * found.error_at(fraud_age[kept])).sum() / worth.sum()) if worth.any() else 0.0
    corrected = np.unique(fraud_age[found.at(fraud_age) < 1]).size + int((~usable).sum())
    return Matured(expected, volume, worth.sum() * volume / usable.mean() / before, corrected, error)


def curve_of_missed(missed: Frauds, age: Ints, everyone: Maturation) -> Maturation:
    """Return the maturation curve of missed frauds, of these ages (days); `everyone` where their delays are unknown."""
    if missed.delay is None or not (shown := _shown(age, missed.delay)).any():
        return everyone
    own = Maturation.fit(age, missed.delay, np.ones_like(age))
    ages = np.arange(max(own.known.size, everyone.known.size))
    oldest = own.known.size - 1
    known = own.at(ages) * everyone.at(np.maximum(ages, oldest))
    error = np.hypot(
        _clustered_error(episode_of(missed)[shown], age[shown], missed.delay[shown], ages.size),
        everyone.error_at(np.maximum(ages, oldest)),
    )
    if missed.delay.size >= LEAST_MISSED:
        return Maturation(known, error)
    later = known < everyone.at(ages)
    return Maturation(np.where(later, known, everyone.at(ages)), np.where(later, error, everyone.error_at(ages)))


def _shown(age: Ints, delay: Ints) -> NDArray[np.bool_]:
    """Return which delays a curve can be fitted to, as `Maturation.fit` does."""
    return (delay >= 0) & (delay <= age) & (age <= HORIZON_DAYS)


def _clustered_error(episode: NDArray[np.intp], age: Ints, delay: Ints, ages: int) -> Floats:
    """Return the standard error of the share known at each of so many ages, divided by it.

    The unit is the episode: its influence on the logarithm of the share is summed over its frauds. Episodes of one
    fraud give Greenwood's formula.
    """
    numbers = np.unique(episode, return_inverse=True)[1]
    influence, error = np.zeros(int(numbers.max()) + 1), np.zeros(ages)
    for after in range(int(age.max()), 0, -1):
        at_risk = (age >= after) & (delay <= after)
        exact = at_risk & (delay == after)
        hazard = exact.sum() / at_risk.sum() if at_risk.any() else 0.0
        if 0 < hazard < 1:
            surprise = (exact - hazard * at_risk) / ((1 - hazard) * at_risk.sum())
            influence += np.bincount(numbers, surprise, influence.size)
        error[after - 1] = np.sqrt((influence**2).sum())
    return error

"""The assumptions of the false-positive rate's bound that a window is checked for.

Steady worlds set the limits: all checks together fire in at most 5 % of their windows, although days and terminals
differ (`bench.gate.dependent`).
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from scipy import stats

from antifraud.gate.assumptions import Assumption, Promise
from antifraud.gate.certify import Certify
from antifraud.settings.assumptions import AssumptionName
from antifraud.stats.score_tables import Ints, ScoreTable
from antifraud.stats.steadiness import halves, memory, rise, standing_out
from antifraud.stats.threshold import GROUPS, MIN_BLOCKS, LegitBlocks, flagged_by_block

CHANCE: Final = 0.01
"""Probability that a steady window seems to rise, or that independent days seem to be dependent."""
IMPLAUSIBLE: Final = 4.0
"""A block stands out if chance gives any block such a rate once in 10,000 windows."""
OUTLYING_DAYS: Final = 0.1
"""A tenth of the days, or fewer, may be of another kind than the rest."""
EPOCH: Final = np.datetime64(0, "D")


def check_rate(certify: Certify, threshold: int) -> Iterator[Assumption]:
    """Yield the assumptions of the false-positive rate's bound at a threshold, as the window shows them."""
    days = LegitBlocks.of_days(certify.table)
    flagged, rows = flagged_by_block(days, threshold)
    yield _no_rise(flagged, rows)
    yield _no_outlying_day(certify, threshold)
    yield from (_no_outlying_block(kind, threshold) for kind in certify.blocks if kind.name == "terminals")
    yield _enough_groups(certify)
    if LegitBlocks.of_weeks(certify.table) is None:
        yield _no_memory(flagged, rows)


def _no_rise(flagged: Ints, rows: Ints) -> Assumption:
    (first, second), errors = halves(flagged, rows), rise(flagged, rows)
    return Assumption(
        name=AssumptionName.RATE_TREND,
        promise=Promise.RATE,
        assumed="the rate does not rise over the window",
        measured=errors,
        limit=float(stats.t.isf(CHANCE, rows.size - 2)),
        words=(
            f"The first half of the window has {first:.2%}, the second {second:.2%}; the slope is {errors:.1f} "
            "standard errors above 0."
        ),
    )


def _no_outlying_day(certify: Certify, threshold: int) -> Assumption:
    """Look at the window's days, and at those of the history apart: rates may have moved in between."""
    tables = [certify.table, *([certify.history.table] if certify.history else [])]
    found = [_outlying_day(table, threshold) for table in tables]
    worst, days = max(found, key=lambda each: each.surprise), sum(each.days for each in found)
    return Assumption(
        name=AssumptionName.RATE_DAY,
        promise=Promise.RATE,
        assumed=f"days are alike, and kinds of day that {days} days may not show are not worse",
        measured=worst.surprise,
        limit=IMPLAUSIBLE,
        words=(
            f"{_looked_at([each.days for each in found])} the rate stands out most on {worst.day}: {worst.rate:.2%} "
            f"beside {worst.others:.2%}. A kind of day rarer than one in {_rarest_seen(days):.0f} may not have shown."
        ),
    )


class _OutlyingDay(NamedTuple):
    """The day that stands out most of so many `days`: its surprise, its rate, and that of the others."""

    surprise: float
    day: np.datetime64
    rate: float
    others: float
    days: int


def _outlying_day(table: ScoreTable, threshold: int) -> _OutlyingDay:
    flagged, rows = flagged_by_block(LegitBlocks.of_days(table), threshold)
    place, surprise = standing_out(flagged, rows, OUTLYING_DAYS)
    day = EPOCH + int(np.unique(table.day[table.legit > 0])[place])
    return _OutlyingDay(surprise, day, float(flagged[place] / rows[place]), _others(flagged, rows, place), rows.size)


def _looked_at(days: list[int]) -> str:
    """Return the beginning of a sentence about the days of a window and, if there are any, of its history.

    >>> _looked_at([63]), _looked_at([63, 180])
    ('In 63 days', 'In 63 days and 180 before training')
    """
    return " and ".join([f"In {days[0]} days", *(f"{count} before training" for count in days[1:])])


def _no_outlying_block(kind: LegitBlocks, threshold: int) -> Assumption:
    flagged, rows = flagged_by_block(kind, threshold)
    place, surprise = standing_out(flagged, rows)
    return Assumption(
        name=AssumptionName.RATE_TERMINAL,
        promise=Promise.RATE,
        assumed="the flags are not concentrated on single terminals",
        measured=surprise,
        limit=IMPLAUSIBLE,
        # The terminal is not named: tokens must not be in a report.
        words=(
            f"The terminal that stands out most has {flagged[place] / rows[place]:.2%} of {rows[place]:,} rows "
            f"flagged. The others together have {_others(flagged, rows, place):.2%}."
        ),
    )


def _enough_groups(certify: Certify) -> Assumption:
    groups = next((kind.totals.size for kind in certify.blocks if kind.name == GROUPS), 0)
    return Assumption(
        name=AssumptionName.RATE_GROUP,
        promise=Promise.RATE,
        assumed="terminals of one chain or region do not move together, unless there are enough of these to bound by",
        measured=MIN_BLOCKS / groups if groups else None,
        limit=1.0,
        words=(
            f"The rows name {groups} chains or regions; a bound by them needs {MIN_BLOCKS}."
            if groups
            else "No row names the chain or region of its terminal."
        ),
    )


def _no_memory(flagged: Ints, rows: Ints) -> Assumption:
    errors = memory(flagged, rows)
    return Assumption(
        name=AssumptionName.RATE_MEMORY,
        promise=Promise.RATE,
        assumed="days are independent, because the window is too short for weeks as blocks",
        measured=errors,
        limit=float(stats.norm.isf(CHANCE)),
        words=f"The correlation of a day's rate with the next day's is {errors:.1f} standard errors above 0.",
    )


def _others(flagged: Ints, rows: Ints, place: int) -> float:
    return float((flagged.sum() - flagged[place]) / (rows.sum() - rows[place]))


def _rarest_seen(days: int) -> float:
    """Return n of the kind of day that comes once in n days and shows in this many with 99 % probability.

    >>> round(_rarest_seen(56), 1)
    12.7
    """
    return float(1 / (1 - CHANCE ** (1 / days)))

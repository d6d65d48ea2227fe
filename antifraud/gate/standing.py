"""The two tests of the standing judgement: the gate's limits on weeks of days, and on the days since an onset.

Both rest on the statistics of the gate and of the guard. A release that passes may serve after a trip of the guard.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from antifraud.clock import Span, date_of, day_number
from antifraud.figures import rub, share_text
from antifraud.gate.blocked import BandDay, Hidden, find_hidden
from antifraud.gate.certify import Certify, Demand
from antifraud.gate.findings import Judgement, Verdict
from antifraud.gate.limits import Limits
from antifraud.killswitch.detectors.noise import Noise
from antifraud.killswitch.detectors.rate import Cohort
from antifraud.killswitch.judgement import Outcome, Standing
from antifraud.stats.bounds import row_bound
from antifraud.stats.score_tables import MONTH_DAYS
from antifraud.stats.threshold import MIN_WEEKS, WEEK, LegitBlocks, flagged_by_block

LONG_DAYS: Final = 14
"""Fewest matured days of the long test."""
ONSET_DELTA: Final = 0.05
"""Probability that the true rate is above the bound of the onset test."""
ONSET_ROWS: Final = 5_000
"""Fewest legitimate rows of the onset test."""
RECENT_DAYS: Final = WEEK
"""Fewest days of the test without an onset: each weekday counts."""


class Evidence(NamedTuple):
    """The evidence about one release: rows that it has scored, what was blocked, and how it is judged.

    `certify` takes a blocked payment without a label that the release flags, too, for legitimate.
    """

    certify: Certify
    blocked: Sequence[BandDay]
    threshold: int
    noise: Noise
    demand: Demand


def judge_long(evidence: Evidence, found: Judgement, span: Span) -> Outcome:
    """Return the outcome of the long test; `found` is the gate's judgement of the same days."""
    limits = found.limits
    hidden = _hidden_of(evidence, span)
    missed = found.loss.bound + hidden.amount * _month_factor(evidence, span)
    verdict = Standing.PASS if found.verdict is Verdict.PASS else Standing.FAIL
    if missed > limits.loss_limit_minor:
        verdict = Standing.FAIL
    if verdict is Standing.PASS and hidden.unknown:
        verdict = Standing.NOT_JUDGEABLE
    said = _say(span, found.fpr_bound, limits.fpr_limit, f"at most {rub(missed)}", limits)
    return Outcome(
        verdict=verdict,
        sentence=" ".join([said, *_say_hidden(hidden), *([found.action] if found.verdict is not Verdict.PASS else [])]),
        warning=_warn_of_days(span),
        first=span.first,
        last=span.last,
        days=len(span.days),
        rows=found.legitimate,
        fpr_bound=found.fpr_bound,
        missed_minor=missed,
    )


def _warn_of_days(span: Span) -> str:
    days = len(span.days)
    if days >= MIN_WEEKS * WEEK:
        return ""
    return f"The bound takes days as blocks, because {days} days are fewer than {MIN_WEEKS} weeks."


def judge_onset(evidence: Evidence, limits: Limits, span: Span) -> Outcome:
    """Return the outcome of the onset test on the days of `span`, which the evidence covers."""
    cohort = merge_cohorts(_cohorts(evidence, limits, span))
    if cohort is None or cohort.rows < ONSET_ROWS:
        return _too_few(span, cohort.rows if cohort else 0)
    bound = bound_rate(cohort)
    hidden, factor = _hidden_of(evidence, span), _month_factor(evidence, span)
    missed = (_missed_amount(evidence, span) + hidden.amount) * factor
    verdict = Standing.PASS
    if bound > cohort.limit or missed > limits.loss_limit_minor:
        verdict = Standing.FAIL
    elif hidden.unknown:
        verdict = Standing.NOT_JUDGEABLE
    said = _say(span, bound, cohort.limit, f"about {rub(missed)}", limits)
    return Outcome(
        verdict=verdict,
        sentence=" ".join([said, f"The inflation is {cohort.inflation:.1f}.", *_say_hidden(hidden)]),
        first=span.first,
        last=span.last,
        days=len(span.days),
        rows=cohort.rows,
        fpr_bound=bound,
        missed_minor=missed,
    )


def merge_cohorts(cohorts: Sequence[Cohort]) -> Cohort | None:
    """Return days as one cohort; None without a row. Limit and inflation are means weighted by rows.

    Days are independent in the guard's noise, so their variances add up.

    >>> merge_cohorts([Cohort(100, 5, 0.04, 2.0), Cohort(300, 9, 0.06, 4.0)])
    Cohort(rows=400, flagged=14, limit=0.055, inflation=3.5, share=1.0)
    """
    rows = np.array([cohort.rows for cohort in cohorts], np.float64)
    if not rows.sum():
        return None
    columns = [[cohort.limit for cohort in cohorts], [cohort.inflation for cohort in cohorts]]
    limit, inflation = (float(np.average(column, weights=rows)) for column in columns)
    return Cohort(int(rows.sum()), sum(cohort.flagged for cohort in cohorts), round(limit, 9), inflation)


def bound_rate(cohort: Cohort) -> float:
    """Return the upper bound of a rate of rows that vary more than independent ones.

    So many rows say as much as ``1 / inflation`` times as many independent ones.

    >>> [round(bound_rate(Cohort(10_000, 400, 0.05, inflation)), 4) for inflation in (1, 9)]
    [0.0434, 0.0511]
    """
    return row_bound(cohort.flagged / cohort.inflation, cohort.rows / cohort.inflation, ONSET_DELTA)


def choose_days(certify: Certify, span: Span, onset: int | None) -> Span | None:
    """Return the days of the onset test within `span`: those since an onset (days since 1970), or the newest ones.

    The newest are `RECENT_DAYS` days, or more where these have fewer than `ONSET_ROWS` legitimate rows. None if all
    days of the span lie before the onset.
    """
    last = day_number(span.last)
    if onset is not None:
        return Span(max(date_of(onset), span.first), span.last) if onset <= last else None
    table = certify.table
    counted = dict(zip(np.unique(table.day).tolist(), table.by_day(table.legit).tolist(), strict=True))
    first, rows = last + 1, 0
    while first > day_number(span.first) and (last - first + 1 < RECENT_DAYS or rows < ONSET_ROWS):
        first -= 1
        rows += counted.get(first, 0)
    return Span(date_of(first), span.last)


def without_onset(onset: int, span: Span) -> Outcome:
    """Return the outcome where no day since the onset has matured."""
    said = f"No day since the estimated onset on {date_of(onset)} has matured labels yet: they end with {span.last}."
    return Outcome(verdict=Standing.NOT_JUDGEABLE, sentence=said)


def _too_few(span: Span, rows: int) -> Outcome:
    return Outcome(
        verdict=Standing.NOT_JUDGEABLE,
        sentence=(
            f"{span.first} to {span.last} have {rows:,} legitimate transactions with a label, {ONSET_ROWS:,} are "
            "needed: wait for more days."
        ),
        first=span.first,
        last=span.last,
        days=len(span.days),
        rows=rows,
    )


def _cohorts(evidence: Evidence, limits: Limits, span: Span) -> list[Cohort]:
    table = evidence.certify.table.where_days(day_number(span.first), day_number(span.last))
    days = np.unique(table.day[table.legit > 0]).tolist()
    flagged, rows = flagged_by_block(LegitBlocks.of_days(table), evidence.threshold)
    counts = zip(days, rows.tolist(), flagged.tolist(), strict=True)
    return [evidence.noise.cohort(*count, limits.fpr_limit) for count in counts]


def _hidden_of(evidence: Evidence, span: Span) -> Hidden:
    return find_hidden(evidence.blocked, day_number(span.first), day_number(span.last))


def _missed_amount(evidence: Evidence, span: Span) -> float:
    """Return the fraud that is missed on some days, corrected for labels still to come, minor units."""
    part = certify_on(evidence.certify, span)
    if not part.frauds.amount.size:
        return 0.0
    missed = part.missed(evidence.threshold)
    return float(missed.frauds.amount.sum(dtype=np.float64)) * missed.volume * len(span.days) / missed.frauds.days


def _month_factor(evidence: Evidence, span: Span) -> float:
    """Return the fraud of a month at the judged volume for each fraud of the days."""
    return evidence.demand.volume(evidence.certify).factor * MONTH_DAYS / len(span.days)


def certify_on(certify: Certify, span: Span) -> Certify:
    """Return the evidence of some days of a window alone, without blocks other than days."""
    first, last = day_number(span.first), day_number(span.last)
    days = certify.frauds.require_day()
    start = first - certify.first_day
    unknown = certify.unknown_a_day
    return replace(
        certify,
        table=certify.table.where_days(first, last),
        frauds=replace(certify.frauds.take((days >= first) & (days <= last)), days=len(span.days)),
        blocks=(),
        unknown_a_day=None if unknown is None else unknown[start : start + len(span.days)],
        quiet_days=[day for day in certify.quiet_days if first <= day <= last],
        history=None,
    )


def _say(span: Span, bound: float, limit: float, missed: str, limits: Limits) -> str:
    return (
        f"{span.first} to {span.last}: the false-positive rate is at most {share_text(bound, 2)} (limit "
        f"{share_text(limit, 2)}), missed fraud {missed} a month (limit {rub(limits.loss_limit_minor)})."
    )


def _say_hidden(hidden: Hidden) -> list[str]:
    if not hidden.rows:
        return []
    said = f"It would have passed {hidden.rows:,} blocked payments without a label."
    if hidden.unknown:
        said += (
            f" {hidden.unknown:,} of them lie in score bands without any labelled flagged payment: a control share "
            "would tell how much fraud they are."
        )
    return [said]

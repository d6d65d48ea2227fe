"""The report of a policy's replay: figures of the policy, of the model alone and of the active policy."""

from collections.abc import Iterable, Sequence

from pyspark.sql import SparkSession

from antifraud.artifacts.policies import ActivePolicy, Draft
from antifraud.errors import MissingDay
from antifraud.policy.replayed import Figures, PolicyReport, RuleFigures
from antifraud.policy.rules import Policy
from antifraud.settings.core import JobSettings
from jobs.judging.policy_rows import WHOLE, Tally, tally_rows
from jobs.judging.replaying import Question, newest_day
from jobs.rows.inputs import Inputs


def replay_policy(
    spark: SparkSession, settings: JobSettings, asked: Question, draft: Draft, active: ActivePolicy | None
) -> PolicyReport:
    """Decide the days of the question again by the model alone, the active policy and the draft.

    Raises:
        MissingDay: A day has no features, or the labels of the last day are not known yet.
        DataError: A label came by chance, as those of a control share do.
    """
    if asked.as_of > (newest := newest_day(settings)):
        raise MissingDay(
            f"the lake ends on {newest}, so it lacks what is known on {asked.as_of}: give an earlier --as-of"
        )
    inputs = Inputs.of(settings, {"certify": asked.span}, asked.as_of)
    ways = [None, draft.content, *([active.draft.content] if active else [])]
    tallies, days = tally_rows(spark, inputs, asked.bundle, ways), len(asked.span.days)
    model, new, *now = (figures_of([each for each in tallies if each.way == way], days) for way in range(len(ways)))
    return PolicyReport(
        version=draft.policy.version,
        sha256=draft.sha256,
        release=asked.bundle.release,
        threshold=asked.threshold,
        first=asked.span.first,
        last=asked.span.last,
        as_of=asked.as_of,
        model=model,
        active=now[0] if now else None,
        policy=new,
        rules=rule_figures(draft.policy, [each for each in tallies if each.way == 1]),
    )


def figures_of(tallies: Sequence[Tally], days: int) -> Figures:
    """Return the figures of one way to decide.

    >>> rows = [Tally(0, WHOLE, "flag", False, "fraud", 2, 900), Tally(0, WHOLE, "approve", True, "fraud", 1, 100)]
    >>> found = figures_of(rows, days=1)
    >>> found.payments, found.flags, found.fraud_flags, found.missed, found.let_through
    (3, 2, 2, 100, 1)
    """
    whole = [each for each in tallies if each.rule == WHOLE]
    frauds, legitimate = ([each for each in whole if each.status == status] for status in ("fraud", "legitimate"))
    return Figures(
        days=days,
        payments=_payments(whole),
        flags=_payments(whole, "flag"),
        reviews=_payments(whole, "review"),
        let_through=_payments(each for each in whole if each.let_through),
        legitimate=_payments(legitimate),
        legitimate_flags=_payments(legitimate, "flag"),
        fraud=_payments(frauds),
        fraud_flags=_payments(frauds, "flag"),
        missed=sum(each.amount for each in frauds if each.said == "approve"),
        reviewed=sum(each.amount for each in frauds if each.said == "review"),
    )


def _payments(tallies: Iterable[Tally], said: str | None = None) -> int:
    return sum(each.payments for each in tallies if said in {None, each.said})


def rule_figures(policy: Policy, tallies: Sequence[Tally]) -> tuple[RuleFigures, ...]:
    """Return the figures of each rule, in the order of the policy."""
    found = []
    for place, rule in enumerate(policy.rules):
        hits = [each for each in tallies if each.rule == place]
        known = (_payments(each for each in hits if each.status == status) for status in ("legitimate", "fraud"))
        found.append(RuleFigures(rule.id, _payments(hits), *known))
    return tuple(found)

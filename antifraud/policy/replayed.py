"""The figures of a policy on past days, as lines for people, and the reasons against activating it."""

import datetime as dt
from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import Struct

from antifraud.errors import SchemaError
from antifraud.figures import rub, share_text
from antifraud.policy.rules import Policy, find_hit_by_all

MOST_HIT: Final = 0.5
"""Largest share of payments that a rule may hit: above it, the rule says nothing about any of them."""
NONE: Final = "-"


class Figures(Struct, frozen=True):
    """The figures of one way to decide, over `days` days; amounts are in minor units.

    Attributes:
        days: Days that were replayed.
        payments: Payments on these days.
        flags: Payments that clients would have been told to block.
        reviews: Payments that a person would have looked at.
        let_through: Would-be flags of the control share.
        legitimate: Payments known to be legitimate.
        legitimate_flags: Flags among them.
        fraud: Payments known to be frauds.
        fraud_flags: Flags among them.
        missed: Amount of the frauds that were approved.
        reviewed: Amount of the frauds that were reviewed; the missed amount counts on every review to find them.
    """

    days: int
    payments: int = 0
    flags: int = 0
    reviews: int = 0
    let_through: int = 0
    legitimate: int = 0
    legitimate_flags: int = 0
    fraud: int = 0
    fraud_flags: int = 0
    missed: int = 0
    reviewed: int = 0

    @property
    def fpr(self) -> float:
        """Share of the legitimate payments that is flagged; 0 if there are none."""
        return self.legitimate_flags / self.legitimate if self.legitimate else 0.0

    @property
    def precision(self) -> float | None:
        """Share of frauds among the flags with a label; None without any."""
        known = self.fraud_flags + self.legitimate_flags
        return self.fraud_flags / known if known else None

    @property
    def alerts_a_day(self) -> float:
        """Flags and reviews of a day."""
        return (self.flags + self.reviews) / self.days


class RuleFigures(Struct, frozen=True):
    """The payments that hit one rule, and the legitimate ones and frauds among those with a label."""

    id: str
    hits: int = 0
    legitimate: int = 0
    fraud: int = 0


class PolicyReport(Struct, frozen=True, forbid_unknown_fields=True):
    """The report of a replay: of which content (`sha256`), with which release, on which days, as of which day."""

    version: int
    sha256: str
    release: str
    threshold: int
    first: dt.date
    last: dt.date
    as_of: dt.date
    model: Figures
    active: Figures | None
    policy: Figures
    rules: tuple[RuleFigures, ...]


_decode: Final = msgspec.json.Decoder(PolicyReport).decode


def encode_report(report: PolicyReport) -> str:
    """Return a report as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode()


def decode_report(text: bytes) -> PolicyReport:
    """Return a report that `encode_report` wrote.

    Raises:
        SchemaError: The text is something else.
    """
    try:
        return _decode(text)
    except msgspec.DecodeError as error:
        raise SchemaError(f"the report of the policy's replay is not readable ({error}): replay it again") from None


def describe_report(report: PolicyReport) -> list[str]:
    """Return the lines that a person reads first: each way to decide, then each rule that was hit."""
    head = (
        f"policy version {report.version} on {report.first} to {report.last}, with release {report.release} at "
        f"threshold {report.threshold:,}, labels as of {report.as_of}:"
    )
    ways = {"model alone": report.model, "active policy": report.active, "this policy": report.policy}
    lines = [f"  {name}: {_describe(figures)}" for name, figures in ways.items() if figures]
    unhit = sum(not rule.hits for rule in report.rules)
    hit = [f"  {rule.id}: {_describe_rule(rule, report.policy.payments)}" for rule in report.rules if rule.hits]
    return [
        head,
        *lines,
        *hit,
        f"  never hit: {unhit} of {len(report.rules)} rules",
    ]


def _describe(figures: Figures) -> str:
    precision = NONE if figures.precision is None else share_text(figures.precision)
    return (
        f"{figures.flags:,} flags, {figures.reviews:,} reviews, {figures.let_through:,} let through; "
        f"{figures.alerts_a_day:,.0f} alerts a day; flags {figures.fpr:.2%} of legitimate payments, precision "
        f"{precision}; misses {rub(figures.missed)} of fraud, {rub(figures.reviewed)} more if reviews find none"
    )


def _describe_rule(rule: RuleFigures, payments: int) -> str:
    return (
        f"hit by {rule.hits:,} payments ({rule.hits / payments:.2%}), {rule.fraud:,} of them frauds, "
        f"{rule.legitimate:,} legitimate"
    )


def find_objections(policy: Policy, report: PolicyReport | None, fpr_limit: float) -> Iterator[str]:
    """Yield the reasons not to activate a policy; `report` is that of its replay, or None if there was none."""
    yield from (f"{rule} is hit by every payment" for rule in find_hit_by_all(policy))
    if report is None:
        yield "it was not replayed: run `python -m jobs.policy_replay` on past days first"
        return
    if report.policy.fpr > fpr_limit:
        yield f"it flags {report.policy.fpr:.2%} of legitimate payments, at most {fpr_limit:.2%} are expected"
    for rule in report.rules:
        if rule.hits > MOST_HIT * report.policy.payments:
            yield f"{rule.id} is hit by {rule.hits / report.policy.payments:.1%} of all payments"

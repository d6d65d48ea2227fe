"""Whether the labels of served days identify what a release would do: blocked payments hide their own labels.

A payment that was flagged is blocked, and nobody learns whether it was fraud. So a window with flagged payments tells
the rate only if something else does: a control share that was let through at random, or labels of the flagged ones.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from antifraud.clock import Span
from antifraud.errors import NotIdentified
from antifraud.figures import share_text
from antifraud.stats.weighted import HeavyRows

LEAST_ROWS: Final = 30
"""Fewer labelled rows say nothing about the flagged payments that they stand for."""
LEAST_SHARE: Final = 0.5
"""Labelled rows that stand for a smaller part of the flagged payments are no random share of them."""
MOST_CHANCELESS: Final = 0.005
"""Share of all payments that may be flagged without a chance to pass, such as those above the control share's amount.

If all of them were legitimate, and flagged again, the rate would be higher by so much: as much as there is room between
the target and the limit, by default.
"""


class LabelSource(StrEnum):
    """The labels that tell about the flagged payments of a day."""

    ALL = "all"
    """Every blocked payment has a label that was certain to come."""
    SAMPLE = "sample"
    """Clients have labelled a random sample of the blocked payments."""
    CONTROL = "control"
    """Payments that the control share let through stand for the blocked ones."""


@dataclass(frozen=True, slots=True)
class FlaggedDay:
    """Flagged payments of a served day, without the ones that rules alone block and never let through.

    Attributes:
        day: UTC day of the payments.
        decided: All payments that were decided, flagged or not.
        blocked: Payments that were blocked.
        certain: Blocked payments with a label that was certain to come.
        sampled: Blocked payments with a label of a random sample.
        sampled_for: Blocked payments that these stand for.
        chanceless: Blocked payments that had no chance to be let through.
        passed: Payments that the control share let through.
        labelled: Those among them with a label.
        labelled_for: Flagged payments that these stand for.
    """

    day: dt.date
    decided: int = 0
    blocked: int = 0
    certain: int = 0
    sampled: int = 0
    sampled_for: float = 0.0
    chanceless: int = 0
    passed: int = 0
    labelled: int = 0
    labelled_for: float = 0.0

    @property
    def source(self) -> LabelSource:
        """The labels that count on this day.

        >>> FlaggedDay(dt.date(2026, 3, 1), blocked=9, certain=9, passed=1, labelled=1).source.value
        'all'
        >>> FlaggedDay(dt.date(2026, 3, 1), blocked=9, certain=8, passed=1, labelled=1).source.value
        'control'
        """
        if self.certain == self.blocked:
            return LabelSource.ALL
        return LabelSource.SAMPLE if self.sampled else LabelSource.CONTROL


def require_identified(window: str, span: Span, days: Sequence[FlaggedDay]) -> None:
    """Refuse a window in which the labels depend on our own flag, and nothing repairs that.

    Raises:
        NotIdentified: Too little is known of the flagged payments; the message says what would tell.
    """
    inside = [each for each in days if span.first <= each.day <= span.last]
    control = [each for each in inside if each.source is LabelSource.CONTROL]
    sample = [each for each in inside if each.source is LabelSource.SAMPLE]
    chanceless, decided = (sum(getattr(each, name) for each in control) for name in ("chanceless", "decided"))
    if chanceless > MOST_CHANCELESS * decided:
        hidden = (
            f"{chanceless} of {sum(each.blocked for each in control)} blocked payments had no chance to pass, expected "
            f"at most {share_text(MOST_CHANCELESS)} of all {decided} payments"
        )
        raise _refusal(window, hidden, "raise the amount up to which it lets payments through")
    flagged = sum(each.blocked + each.passed for each in control)
    _require_enough(window, "payments of the control share", control, "labelled", flagged)
    _require_enough(window, "labels of a sample", sample, "sampled", sum(each.blocked for each in sample))


def _require_enough(window: str, of: str, days: Sequence[FlaggedDay], name: str, flagged: int) -> None:
    """Refuse too few labelled rows, or ones that stand for too small a part of the flagged payments."""
    if not flagged:
        return
    rows = sum(getattr(each, name) for each in days)
    stand_for = sum(getattr(each, f"{name}_for") for each in days)
    if rows < LEAST_ROWS or stand_for < LEAST_SHARE * flagged:
        found = (
            f"{rows} {of} have a label and stand for {share_text(min(1.0, stand_for / flagged))} of {flagged} flagged "
            f"payments, expected {LEAST_ROWS} and {LEAST_SHARE:.0%}"
        )
        raise _refusal(window, found, "raise it, or wait for more of its labels")


def _refusal(window: str, found: str, control: str) -> NotIdentified:
    return NotIdentified(
        f"not identified: on served days of the {window} window {found}; let a control share of the flags through "
        f"({control}), post labels for all flagged payments, or choose days that were not served"
    )


def describe_weights(heavy: HeavyRows) -> str:
    """Return in a sentence how many payments stand for others."""
    return (
        f"{heavy.rows:,} legitimate payments whose label came by chance stand for {int(heavy.copies.sum()):,} flagged "
        "ones on the certify days."
    )

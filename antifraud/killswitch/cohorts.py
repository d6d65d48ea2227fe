"""The decisions of one closed day by one release, and what their labels say about the false-positive rate.

The rate is that of the legitimate decisions, but labels come for some decisions only, and reviewers label mostly what
was flagged. So two bounds hold the rate between them, and both count *every* decision:

| bound | flagged without a label | passed without a label | used for |
| --- | --- | --- | --- |
| lower | fraud | legitimate | a trip: nothing is suspended on what nobody has said |
| upper | legitimate | fraud | a release that is to serve again: nothing is acquitted by silence |

A label that came by chance stands for ``1 / propensity`` decisions (Horvitz & Thompson 1952).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

LEAST_KNOWN: Final = 0.25
"""If a smaller share of the frauds is known, a correction would be mostly guessing (`antifraud.stats.maturation`)."""


class Rows(NamedTuple):
    """Legitimate rows, and the flagged ones among them."""

    rows: int
    flagged: int


@dataclass(frozen=True, slots=True)
class CohortCounts:
    """The decisions of one day by one release.

    Attributes:
        day: Number of the day.
        release: The release; empty for the sum of several.
        decided: Decisions.
        flagged: How many of them were above the threshold.
        legit_flagged: Flagged decisions that legitimate labels stand for.
        legit_passed: Passed decisions that legitimate labels stand for.
        fraud_flagged: Flagged decisions that fraud labels stand for.
        fraud_passed: Passed decisions that fraud labels stand for.
        squares: Sum of the squares of what each legitimate label of a flagged decision stands for.

    >>> counts = CohortCounts(0, "a", decided=1_000, flagged=60, legit_flagged=20, fraud_flagged=10)
    >>> counts.lower, counts.upper
    (Rows(rows=960, flagged=20), Rows(rows=50, flagged=50))
    """

    day: int
    release: str
    decided: int = 0
    flagged: int = 0
    legit_flagged: float = 0.0
    legit_passed: float = 0.0
    fraud_flagged: float = 0.0
    fraud_passed: float = 0.0
    squares: float = 0.0

    @property
    def passed(self) -> int:
        """Decisions that were not above the threshold."""
        return self.decided - self.flagged

    @property
    def lower(self) -> Rows:
        """The rows of the lower bound: what has no label does not count against the release."""
        flagged = int(self.legit_flagged * _share_within(self.flagged, self.legit_flagged + self.fraud_flagged))
        return Rows(flagged + self.passed - int(min(self.fraud_passed, self.passed)), flagged)

    @property
    def upper(self) -> Rows:
        """The rows of the upper bound: what has no label counts against the release."""
        frauds = self.fraud_flagged * _share_within(self.flagged, self.legit_flagged + self.fraud_flagged)
        legit = self.legit_passed * _share_within(self.passed, self.legit_passed + self.fraud_passed)
        flagged = self.flagged - int(frauds)
        return Rows(flagged + int(legit), flagged)

    @property
    def weight(self) -> float:
        """Decisions that a legitimate label of a flagged decision stands for, in the mean weighted by itself."""
        return max(1.0, self.squares / self.legit_flagged) if self.legit_flagged else 1.0

    def after_maturing(self, known: float) -> "CohortCounts":
        """Return the counts as if all frauds were known, of which the share `known` is.

        A fraud that is learnt late was an honest flag until then.

        >>> CohortCounts(0, "a", 1_000, 60, legit_flagged=30, fraud_flagged=20).after_maturing(0.8).legit_flagged
        25.0
        """
        hidden = self.fraud_flagged * (1 / max(known, LEAST_KNOWN) - 1)
        moved = min(self.legit_flagged, hidden)
        if not moved:
            return self
        kept = self.legit_flagged - moved
        return replace(
            self,
            legit_flagged=kept,
            fraud_flagged=self.fraud_flagged + moved,
            squares=self.squares * kept / self.legit_flagged,
        )


def add_up(day: int, cohorts: Iterable[CohortCounts]) -> CohortCounts:
    """Return the sum of cohorts, as that of one day."""
    total = CohortCounts(day, "")
    for each in cohorts:
        total = CohortCounts(
            day,
            "",
            total.decided + each.decided,
            total.flagged + each.flagged,
            total.legit_flagged + each.legit_flagged,
            total.legit_passed + each.legit_passed,
            total.fraud_flagged + each.fraud_flagged,
            total.fraud_passed + each.fraud_passed,
            total.squares + each.squares,
        )
    return total


def _share_within(decided: int, labelled: float) -> float:
    """Return by how much labels are scaled down that stand for more decisions than there are."""
    return decided / labelled if labelled > decided else 1.0

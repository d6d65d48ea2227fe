"""Whether labels identify the false-positive rate: the share of decisions that they stand for.

Flagged and passed decisions are told apart, because reviewers label what was flagged, and blocked payments often get
no label at all. Below `LEAST` of either, the two bounds of the rate lie too far apart to acquit a release.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Self

from antifraud.figures import share_text
from antifraud.killswitch.cohorts import CohortCounts, Rows, add_up

LEAST: Final = 0.8
UNIDENTIFIED: Final = "evidence_unidentified"
"""The word of the status for evidence with too few labels."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """The labelled share of the flagged and of the passed decisions of some closed days; None: there are none.

    `lower` and `upper` are the rows of both bounds of the rate.
    """

    flagged: float | None
    passed: float | None
    lower: Rows
    upper: Rows

    @classmethod
    def of(cls, cohorts: Iterable[CohortCounts]) -> Self:
        """Return the coverage of cohorts together.

        >>> coverage = Coverage.of([CohortCounts(0, "a", 1_000, 50, legit_flagged=45.0, legit_passed=95.0)])
        >>> coverage.flagged, coverage.passed, coverage.is_identified
        (0.9, 0.1, False)
        """
        total = add_up(0, cohorts)
        return cls(
            _share(total.legit_flagged + total.fraud_flagged, total.flagged),
            _share(total.legit_passed + total.fraud_passed, total.passed),
            total.lower,
            total.upper,
        )

    @property
    def is_identified(self) -> bool:
        """Whether enough of both kinds have a label."""
        return all(share is None or share >= LEAST for share in (self.flagged, self.passed))

    @property
    def advice(self) -> str:
        """The remedy for missing labels; empty if there are enough."""
        if self.is_identified:
            return ""
        if self.flagged is not None and self.flagged < LEAST:
            return (
                f"labels stand for {share_text(self.flagged)} of the flagged decisions, {LEAST:.0%} are needed: let a "
                "control share of them through at random, and post its labels with their propensity"
            )
        return (
            f"labels stand for {share_text(self.passed or 0.0)} of the passed decisions, {LEAST:.0%} are needed: post "
            "legitimate labels, too, or those of a random sample with their propensity"
        )

    def describe(self) -> dict[str, Any]:
        """Return the coverage as ``GET /v1/status`` shows it, with both bounds of the rate."""
        return {
            "flagged": self.flagged,
            "passed": self.passed,
            "least": LEAST,
            "rate_lower": _share(self.lower.flagged, self.lower.rows),
            "rate_upper": _share(self.upper.flagged, self.upper.rows),
            "finding": "" if self.is_identified else UNIDENTIFIED,
            "advice": self.advice,
        }


def _share(part: float, whole: int) -> float | None:
    return min(1.0, part / whole) if whole else None

"""Assumptions that the gate's promises rest on, as a window measured them, and the words for one that fails.

A new assumption is a name in `antifraud.settings.assumptions.AssumptionName`, and a function that returns an
`Assumption`. Rules, page, model card and terminal go through `Findings.assumptions`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from antifraud.settings.assumptions import AssumptionName

if TYPE_CHECKING:
    from antifraud.gate.findings import Findings


class Promise(StrEnum):
    """A promise of the gate."""

    RATE = "false-positive rate"
    LOSS = "missed fraud"
    COMPARISON = "not worse than the champion"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """One assumption of a promise. It fails where `measured` is above `limit`."""

    name: AssumptionName
    promise: Promise
    assumed: str
    """Clause that the promise takes for granted: "both halves of the window have one rate"."""
    measured: float | None
    """A measure of the distance from it; None where this window cannot show it."""
    limit: float
    words: str
    """This window's measurement, in a sentence with its numbers."""

    @property
    def fails(self) -> bool:
        """Whether the window contradicts the assumption."""
        return self.measured is not None and self.measured > self.limit

    @property
    def warning(self) -> str:
        """The sentence that a failure adds to the first screen.

        >>> Assumption(
        ...     name=AssumptionName.RATE_TREND,
        ...     promise=Promise.RATE,
        ...     assumed="both halves of the window have one rate",
        ...     measured=4.0,
        ...     limit=3.0,
        ...     words="The first half has 3.0%, the second 5.0%.",
        ... ).warning
        'The bound of the false-positive rate assumes that both halves of the window have one rate. The first half has \
3.0%, the second 5.0%. (rate_trend)'
        """
        subject = "The comparison" if self.promise is Promise.COMPARISON else f"The bound of the {self.promise}"
        return f"{subject} assumes that {self.assumed}. {self.words} ({self.name})"


def failed(assumptions: Sequence[Assumption]) -> list[Assumption]:
    """Return the assumptions that a window contradicts."""
    return [each for each in assumptions if each.fails]


def refused(found: "Findings") -> list[Assumption]:
    """Return the failed assumptions that forbid a PASS, because the business declared so."""
    return [each for each in failed(found.assumptions) if each.name in found.limits.refuse_if_failed]

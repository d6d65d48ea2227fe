"""The evidence as people see it: in ``GET /v1/status``, and as warnings of what must not trip."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from antifraud.killswitch.cohorts import CohortCounts
from antifraud.killswitch.eras import Eras
from antifraud.killswitch.subjects import SERVICE, Subject, budget_of, explain

LATE_SHARE: Final = 0.01
"""Labels that come after their day has closed warn if they are a larger share of all labels."""


def describe_subject(era: int, name: str, subject: Subject, limit: float) -> dict[str, Any]:
    """Return the evidence about a subject as it is stored, and as the status shows it."""
    budget, rate = budget_of(name), subject.rate
    return {
        "subject": "service" if name == SERVICE else "release",
        "release": None if name == SERVICE else name,
        "epoch": era,
        "fpr": rate.rate,
        "legit": rate.rows,
        "flagged": rate.flagged,
        "days": rate.days,
        "limit": limit,
        "budget": budget,
        "tripped": subject.is_broken(budget),
        **subject.to_dict(),
    }


def find_warnings(
    evidence: Mapping[tuple[int, str], Mapping[str, Any]],
    eras: Eras,
    serving: str | None,
    closed: Iterable[tuple[CohortCounts, CohortCounts]],
) -> list[str]:
    """Return what a person should know although nothing trips.

    Args:
        evidence: What `describe_subject` has said, by era and subject.
        eras: The eras of evidence.
        serving: The release that serves.
        closed: The counts of closed days, as they were when the day closed, and as they are now.
    """
    warnings = [
        f"{explain(name, Subject.from_dict(said), said['limit'])}; {_why_harmless(name, eras, serving)}"
        for (era, name), said in evidence.items()
        if said["tripped"] and (era != eras.present or name not in (serving, SERVICE))
    ]
    late, labels = _count_late(closed)
    if late > LATE_SHARE * labels:
        warnings.append(
            f"{late:.0f} of {labels:.0f} labels of closed days came or changed after the close: they count for "
            "coverage and loss, and no longer for the rate; send labels within the label delay"
        )
    return warnings


def _why_harmless(name: str, eras: Eras, serving: str | None) -> str:
    if name not in (serving, SERVICE):
        return "it no longer serves, so this suspends nothing"
    return f"these decisions were made before the trip of epoch {eras.present}, so this suspends nothing"


def _count_late(closed: Iterable[tuple[CohortCounts, CohortCounts]]) -> tuple[float, float]:
    """Return how much labels have changed since the close, and how many there are."""
    late = labels = 0.0
    for timely, latest in closed:
        before, now = _cells(timely), _cells(latest)
        late += sum(max(0.0, after - earlier) for earlier, after in zip(before, now, strict=True))
        labels += sum(now)
    return late, labels


def _cells(counts: CohortCounts) -> tuple[float, ...]:
    return counts.legit_flagged, counts.legit_passed, counts.fraud_flagged, counts.fraud_passed

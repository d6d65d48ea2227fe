"""The evidence about the rate of a subject as people see it in ``GET /v1/status``."""

from typing import Any

from antifraud.killswitch.subjects import SERVICE, Subject, budget_of


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

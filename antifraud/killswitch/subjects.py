"""The subjects of the evidence: each release, and the service as a whole.

Every closed day updates both once (`antifraud.killswitch.detectors.rate`). The budget of 5 % of the years is fixed:

| subject | budget | why it is there |
| --- | --- | --- |
| the service | 2.5 % | releases that change every night are each too short to be found |
| all releases together | 1.5 % | one that serves long is judged by its own days |
| loss | 1 % | missed fraud of all releases together (`antifraud.killswitch.losses`) |

Releases share one horizon: on each day they divide the opening weight by their shares of the decisions. However many
there are, the expected sum of their wealth after a year is therefore at most 1.

**A trip** is one of the service, of the loss, or of the release that serves. A release that serves no more only warns.
Its days also count for the service, so they could suspend a good successor. `antifraud.killswitch.acquittal` says when
the service's evidence starts anew instead.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

from antifraud.figures import share_text
from antifraud.killswitch.cohorts import CohortCounts, add_up
from antifraud.killswitch.detectors.noise import HIGHEST_FACTOR, Noise
from antifraud.killswitch.detectors.rate import Cohort, RateEvidence, update
from antifraud.killswitch.losses import LOSS, Loss
from antifraud.killswitch.promises import Promise

SERVICE: Final = ""
"""The subject of all releases together; no release has this name."""
SERVICE_BUDGET, RELEASE_BUDGET = 0.025, 0.015


class Recent(NamedTuple):
    """The rows of one closed day, and the flagged ones among them."""

    day: int
    rows: int
    flagged: int


RECENT_DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class Subject:
    """The evidence about one subject in one era.

    Attributes:
        rate: The detector's memory.
        recent: The last closed days that were counted, oldest first.
        cleared_on: The day on which successors began whose acquittal let the service's evidence start anew; None if
            none did.
        inflation: How much more the flagged rows of the last closed day may vary than independent ones, by the
            manifests of its releases; None before the first. The promise rests on it.
    """

    rate: RateEvidence = field(default_factory=RateEvidence)
    recent: tuple[Recent, ...] = ()
    cleared_on: int | None = None
    inflation: float | None = None

    def is_broken(self, budget: float) -> bool:
        """Return whether the evidence says that the limit is broken."""
        return self.rate.is_tripped(budget)

    def clear(self, began: int) -> "Subject":
        """Return the subject with evidence that starts anew, because of successors that `began` on a day."""
        return replace(self, rate=RateEvidence(), cleared_on=began)

    def to_dict(self) -> dict[str, Any]:
        """Return the subject as values that JSON can hold."""
        return {
            "detector": self.rate.to_dict(),
            "recent": [list(day) for day in self.recent],
            "cleared_on": self.cleared_on,
            "inflation": self.inflation,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Subject":
        """Read a subject back from the values of `to_dict`."""
        recent = tuple(Recent(*day) for day in values["recent"])
        return cls(RateEvidence.from_dict(values["detector"]), recent, values["cleared_on"], values["inflation"])


def budget_of(subject: str) -> float:
    """Return the part of the years that a subject may trip falsely."""
    return SERVICE_BUDGET if subject == SERVICE else RELEASE_BUDGET


def require_watchable(limit: float) -> None:
    """Refuse a limit that the detectors cannot watch.

    Raises:
        ValueError: On some weekday, no alternative would lie above the limit.
    """
    update(RateEvidence(), Cohort(0, 0, limit * HIGHEST_FACTOR))


def close_day(
    before: Mapping[str, Subject],
    cohorts: Sequence[CohortCounts],
    promises: Mapping[str, Promise],
    limit: float,
    *,
    decided: int | None = None,
) -> dict[str, Subject]:
    """Return the subjects that one closed day of one era changes.

    Args:
        before: The subjects so far, by release, and `SERVICE`.
        cohorts: The day's decisions, one entry for each release.
        promises: What is known about each of these releases.
        limit: The limit of the false-positive rate.
        decided: The day's decisions in all eras, if there are others than these.
    """
    total = decided or sum(cohort.decided for cohort in cohorts)
    mature = [cohort.after_maturing(promises[cohort.release].known) for cohort in cohorts]
    after = {
        each.release: _count(
            before.get(each.release, Subject()), each, promises[each.release].noise, limit, each.decided / total
        )
        for each in mature
        if each.decided
    }
    if after:
        noise = Noise.merged([(promises[each.release].noise, each.decided) for each in mature])
        service = add_up(mature[0].day, mature)
        after[SERVICE] = _count(before.get(SERVICE, Subject()), service, noise, limit, service.decided / total)
    return after


def _count(before: Subject, cohort: CohortCounts, noise: Noise, limit: float, share: float) -> Subject:
    rows, flagged = cohort.lower
    closed = noise.cohort(cohort.day, rows, flagged, limit, share)
    # If `weight` decisions share one label by chance, an inflation of `weight` makes independent rows a fair bet: by
    # concavity, ``((1 - p) / (1 - limit)) ** (1 / weight)`` loses at least what a labelled row gains on average.
    closed = replace(closed, inflation=closed.inflation + cohort.weight - 1)
    recent = (*before.recent, Recent(cohort.day, rows, flagged))[-RECENT_DAYS:]
    return replace(before, rate=update(before.rate, closed), recent=recent, inflation=closed.inflation)


def find_trip(subjects: Mapping[str, Subject], serving: str | None, loss: Loss | None = None) -> str | None:
    """Return the subject that trips: the release that serves, the service, or `LOSS`; None if no limit is broken."""
    for subject in (serving, SERVICE):
        if subject is not None and subject in subjects and subjects[subject].is_broken(budget_of(subject)):
            return subject
    return LOSS if loss is not None and loss.is_broken else None


def explain(name: str, subject: Subject, limit: float) -> str:
    """Return why a subject is broken, in a sentence with the numbers."""
    rows, flagged = (sum(counts) for counts in zip(*((day.rows, day.flagged) for day in subject.recent), strict=True))
    who = f"release {name}" if name != SERVICE else "the service"
    recent, always = share_text(flagged / max(rows, 1)), share_text(subject.rate.rate or 0.0)
    return (
        f"false-positive rate of {who} is above {limit:.1%}: {flagged} of the last {rows} matured legitimate "
        f"transactions were flagged ({recent}; {always} of all {subject.rate.rows})"
    )

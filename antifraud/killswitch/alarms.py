"""The warnings of the evidence: what a person should know although nothing trips.

They are kept in the switch, as those of the technical signals are. An alarm says how high its level is now (`begins`),
and up to which level an earlier alarm stays (`stays`). The second limit is easier to break, so a value near the limit
does not flicker.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from antifraud.figures import share_text
from antifraud.killswitch.cohorts import CohortCounts
from antifraud.killswitch.coverage import LEAST, Coverage
from antifraud.killswitch.detectors import level
from antifraud.killswitch.detectors.missed_rate import TERMINAL_DAYS
from antifraud.killswitch.eras import Eras
from antifraud.killswitch.losses import LOSS, Loss, explain_loss
from antifraud.killswitch.machine import GUARD, Level, Note, Switch, warn
from antifraud.killswitch.subjects import SERVICE, Subject, explain


class AlarmName(StrEnum):
    """Name of an alarm, as warnings and metrics spell it."""

    UNIDENTIFIED = "evidence_unidentified"
    """Labels stand for too few decisions to tell the rate."""
    RETIRED_RELEASE = "retired_release"
    """A release that serves no more has broken the limit."""
    OLDER_COHORTS = "older_cohorts"
    """Decisions from before a trip break a limit."""
    LATE_LABELS = "late_labels"
    """Many labels have come or changed after their day had closed."""
    LOSS_BUDGET = "loss_budget"
    """The missed fraud of 30 days is near its budget, or above it."""
    BURN_RATE = "burn_rate"
    """Missed fraud uses the budget up too fast."""
    FLAGGED_SHARE = "flagged_share"
    """More decisions are flagged than rate and fraud explain."""
    TERMINAL_BETS = "terminal_bets"
    """Many terminals are flagged above the limit."""


ORDER: Final = list(Level)
LEVELS: Final = {level.Level.NONE: Level.NONE, level.Level.WARNING: Level.WARN, level.Level.PAGE: Level.PAGE}
"""Levels of the switch by those of the detectors."""
LATE_SHARE: Final = 0.01
"""Labels that come after their day has closed warn if they are a larger share of all labels."""
EASIER: Final = 0.9
"""The limit of an alarm that lasts, over that of one that begins."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """The state of one warning: both levels, a sentence, and the number behind it if there is one."""

    name: AlarmName
    begins: Level
    stays: Level
    words: str
    value: float | None = None

    def settle(self, before: Level) -> Level:
        """Return its level, after it had the level `before`.

        >>> alarm = Alarm(AlarmName.BURN_RATE, begins=Level.NONE, stays=Level.WARN, words="")
        >>> [alarm.settle(before).value for before in Level]
        ['none', 'warn', 'warn']
        """
        return max(self.begins, min(before, self.stays, key=ORDER.index), key=ORDER.index)


def replace_warnings(switch: Switch, owned: Collection[str], raised: Mapping[str, Level], note: Note) -> Switch | None:
    """Return the switch with `raised` instead of the warnings of the names `owned`; None if they are the same."""
    others = {name: each for name, each in switch.warnings.items() if name not in owned}
    return warn(switch, {**others, **raised}, note)


def raise_alarms(switch: Switch, alarms: Sequence[Alarm], now: int) -> Switch | None:
    """Return the switch with these alarms as its warnings of the evidence; None if nothing has changed."""
    before = {each.name: switch.warnings.get(each.name, Level.NONE) for each in alarms}
    settled = {each: each.settle(before[each.name]) for each in alarms}
    raised = {alarm: to for alarm, to in settled.items() if to is not Level.NONE}
    news = "; ".join(alarm.words for alarm, to in raised.items() if to is not before[alarm.name])
    evidence = {alarm.name.value: alarm.value for alarm in raised}
    note = Note(news or "a warning of the evidence has ended", GUARD, now, evidence)
    return replace_warnings(switch, set(AlarmName), {alarm.name.value: to for alarm, to in raised.items()}, note)


def describe_alarms(alarms: Iterable[Alarm], warnings: Mapping[str, Level]) -> dict[str, Any]:
    """Return the alarms as ``GET /v1/status`` shows them; `warnings` are those of the switch."""
    return {
        each.name.value: {
            "level": warnings.get(each.name, Level.NONE).value,
            "value": each.value,
            "words": each.words,
        }
        for each in alarms
    }


def steady(name: AlarmName, words: Sequence[str], fresh: Sequence[str] | None = None) -> Alarm:
    """Return the alarm of evidence that changes only when a day closes, so that it cannot flicker.

    It begins with a `fresh` reason, and stays as long as there is any; by default all are fresh.
    """
    stays, begins = (Level.WARN if each else Level.NONE for each in (words, words if fresh is None else fresh))
    return Alarm(name, begins, stays, "; ".join(words), float(len(words)))


def watch_harmless(
    evidence: Mapping[tuple[int, str], Mapping[str, Any]], eras: Eras, serving: str | None, answered: int = -1
) -> list[Alarm]:
    """Return the alarms about broken limits that trip nothing.

    Args:
        evidence: What `describe_subject` and `describe_loss` have said, by era and subject.
        eras: The eras of evidence.
        serving: The release that serves.
        answered: The last day that had closed when the present era began: the trip has told of it already.
    """
    present = (serving, SERVICE, LOSS)
    gone = "it no longer serves, so this suspends nothing"
    before = f"these decisions were made before the trip of epoch {eras.present}, so this suspends nothing"
    retired, older = _Reasons(), _Reasons()
    for (era, name), said in evidence.items():
        is_fresh = era == eras.present or _closed_on(name, said) > answered
        if not said.get("tripped"):
            continue
        if name not in present:
            retired.add(f"{_explain(name, said)}; {gone}", is_fresh=is_fresh)
        elif era != eras.present:
            older.add(f"{_explain(name, said)}; {before}", is_fresh=is_fresh)
    return [
        steady(AlarmName.RETIRED_RELEASE, retired.words, retired.fresh),
        steady(AlarmName.OLDER_COHORTS, older.words, older.fresh),
    ]


class _Reasons:
    """The reasons of an alarm, and those among them that nobody was told before."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.fresh: list[str] = []

    def add(self, words: str, *, is_fresh: bool) -> None:
        self.words.append(words)
        self.fresh += [words] if is_fresh else []


def _closed_on(name: str, said: Mapping[str, Any]) -> int:
    """Return the last day with whose closing the evidence has changed."""
    day: int = said["recent"][-1][0]
    return day + TERMINAL_DAYS if name == LOSS else day


def _explain(name: str, said: Mapping[str, Any]) -> str:
    return explain_loss(Loss.from_dict(said)) if name == LOSS else explain(name, Subject.from_dict(said), said["limit"])


def watch_coverage(coverage: Coverage) -> Alarm:
    """Return the alarm about too few labels."""
    shares = [share for share in (coverage.flagged, coverage.passed) if share is not None]
    least = min(shares, default=1.0)
    begins, stays = (Level.WARN if least < limit else Level.NONE for limit in (LEAST, 1 - (1 - LEAST) * EASIER))
    return Alarm(AlarmName.UNIDENTIFIED, begins, stays, coverage.advice, least)


def watch_late_labels(closed: Iterable[tuple[CohortCounts, CohortCounts]]) -> Alarm:
    """Return the alarm about corrections; `closed` are counts as they were when the day closed, and as they are now."""
    late, labels = _count_late(closed)
    share = late / labels if labels else 0.0
    begins, stays = (Level.WARN if share > limit else Level.NONE for limit in (LATE_SHARE, LATE_SHARE * EASIER))
    words = (
        f"{late:.0f} of {labels:.0f} labels of closed days came or changed after the close ({share_text(share)}): they "
        "count for coverage and loss, and no longer for the rate; send labels within the label delay"
    )
    return Alarm(AlarmName.LATE_LABELS, begins, stays, words, share)


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

"""The consequence of a trip: which release serves from then on, or that none does.

The machine (`antifraud.killswitch.machine.trip`) says what a trip means for the evidence. This module says what
becomes of the service, by the standing judgement:

| the service is | what serves from then on |
| --- | --- |
| SERVING | the newest release that passes both tests; what serves already, if the trip is about its predecessors |
| ROLLED_BACK | the newest one that passes and does not serve already |
| OBSERVE, SUSPENDED | nothing changes |

Only releases that every worker has loaded come into question, and none that has tripped. A day since the onset must
have been judged. If there is none, or the judgement is too old or damaged, the service is suspended.
"""

import dataclasses
import datetime as dt
from dataclasses import dataclass
from typing import Any

from antifraud.killswitch.alarms import AlarmName
from antifraud.killswitch.judgement import Choice, Judgement, choose
from antifraud.killswitch.machine import Level, Mode, Note, Switch, warn
from antifraud.killswitch.trips import Trip


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Everything that decides about the consequence of a trip, besides the switch.

    Attributes:
        serving: The release that serves.
        onset: Day on which the trouble began (YYYY-MM-DD).
        is_about_earlier: Whether other releases than `serving` made most decisions since the onset.
        judgement: The standing judgement; None if there is none to use.
        trouble: Why there is none.
        loaded: Releases that can serve at once.
        recovers: Whether the service comes back by itself; otherwise a trip suspends, and a person decides.
    """

    serving: str | None
    onset: str
    is_about_earlier: bool = False
    judgement: Judgement | None = None
    trouble: str = ""
    loaded: frozenset[str] = frozenset()
    recovers: bool = True


def answer_trip(before: Switch, tripped: Switch, situation: Situation) -> Switch:
    """Return the switch after a trip and its consequence.

    Args:
        before: The switch before the trip, which serves or is rolled back.
        tripped: The suspended switch that `machine.trip` returned.
        situation: What the guard knows.
    """
    choice = choose_way_back(before, situation, tripped.at)
    evidence = {**tripped.evidence, **_describe(choice, situation)}
    reason = f"{tripped.reason}; {choice.reason}" if choice.release else tripped.reason
    if choice.stays:
        # The alarm of the closed eras keeps this warning for as long as their evidence breaks a limit.
        told = Note(reason, tripped.by, tripped.at, evidence)
        warned = warn(before, {**before.warnings, AlarmName.OLDER_COHORTS: Level.WARN}, told)
        return warned or dataclasses.replace(before, epoch=tripped.epoch, warned=told)
    return dataclasses.replace(
        tripped,
        mode=Mode.ROLLED_BACK if choice.release else Mode.SUSPENDED,
        release=choice.release,
        reason=reason,
        evidence=evidence,
        trip=Trip(tripped.epoch, tripped.at, situation.onset) if situation.recovers else None,
    )


def choose_way_back(switch: Switch, situation: Situation, now: int) -> Choice:
    """Return which release serves after a trip at business time `now`."""
    judgement = situation.judgement
    if not situation.recovers:
        return Choice(None, stays=False, reason="A trip suspends the service by its settings.")
    if judgement is None:
        return Choice(None, stays=False, reason=situation.trouble)
    may_stay = situation.is_about_earlier and switch.mode is Mode.SERVING
    able = situation.loaded | ({situation.serving} if may_stay else frozenset())
    barred = {each.release for each in judgement.releases if each.release not in able} | {*switch.tripped}
    if situation.serving and not may_stay:
        barred.add(situation.serving)
    return choose(judgement, now, dt.date.fromisoformat(situation.onset), situation.serving, barred)


def _describe(choice: Choice, situation: Situation) -> dict[str, Any]:
    """Return what the audit trail and subscribers are told about a choice."""
    told = {"onset": situation.onset, "consequence": choice.reason}
    if situation.judgement is not None:
        told["judgement"] = situation.judgement.sha256
    return told | ({"release": choice.release} if choice.release else {})

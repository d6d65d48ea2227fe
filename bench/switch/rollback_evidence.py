"""How often a trip finds a release that could be judged, and how long it takes until one serves.

    make bench-switch-evidence
    python -m bench.switch.rollback_evidence --trips 20

Ladder, clean-up, both tests, the consequence of a trip and the choice of the recovery are the functions of production.
Assumed are the pace of a night and of a judgement, the share of nights that promote, and of nights that fail.
"""

import argparse
import datetime as dt
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from antifraud.clock import DAY_SECONDS, HOUR_SECONDS, date_of
from antifraud.killswitch.consequence import Situation, answer_trip
from antifraud.killswitch.judgement import Judgement, Standing
from antifraud.killswitch.machine import Mode, Switch, trip
from antifraud.killswitch.recovery import choose_for_recovery, find_resume_day
from antifraud.killswitch.trips import estimate_onset
from bench.record import record
from bench.switch.guard import LIMIT
from bench.switch.judging import BASE, SETTINGS, Nights, date_of_day
from bench.switch.troubles import KINDS, NIGHT_FAILS, PROMOTED, Trouble, name_of
from serving.guard.known import CLOSING_SECONDS

COMMAND: Final = "make bench-switch-evidence"
TRIPS: Final = 200
NIGHT_SECONDS: Final = 2 * HOUR_SECONDS
"""From midnight until the lake has the day before, and its standing judgement is there."""
JUDGING_SECONDS: Final = 15 * 60
"""From the night's end until the recovery has judged the new day: five minutes until it looks, and ten to judge."""


@dataclass(frozen=True)
class Found:
    """The end of a trouble.

    Attributes:
        kind: Its kind.
        at_trip: Whether the standing judgement at the trip had a verdict on another release than what serves, with a
            day since the onset.
        ending: Mode after the trip: ROLLED_BACK, SUSPENDED, or SERVING if what serves passes, too.
        seconds: Time from the trip to ROLLED_BACK; None if a candidate of `retrain` has to end the suspension.
        is_right: Whether the release that serves then keeps the limit on the days after the onset; None without one.
    """

    kind: str
    at_trip: bool
    ending: Mode
    seconds: int | None = None
    is_right: bool | None = None


def follow(trouble: Trouble) -> Found | None:
    """Follow a trouble to its end; None if nothing trips."""
    tripped_by = trouble.find_trip()
    if tripped_by is None:
        return None
    cohort_day, closed = tripped_by
    day = cohort_day + SETTINGS.label_delay_days + 1
    now = (BASE + day) * DAY_SECONDS + CLOSING_SECONDS
    nights, serving = Nights(trouble), name_of(trouble.serving(day))
    # The night has judged yesterday, as `NIGHT_SECONDS` are over.
    judged_day = next(each for each in range(day - 1, -1, -1) if each not in trouble.failed_nights)
    standing = nights.judge(judged_day)
    onset = estimate_onset(closed, LIMIT)
    before = Switch(mode=Mode.SERVING, epoch=1, reason="it began", by="boss", at=0)
    suspended = trip(before, release=serving, reason="it has tripped", at=now, evidence={})
    if suspended is None:
        raise RuntimeError(f"the trip of seed {trouble.seed} changes nothing")
    situation = Situation(
        serving=serving,
        onset=str(date_of(BASE + onset)),
        is_about_earlier=True,
        judgement=standing,
        loaded=frozenset(each.release for each in standing.releases if each.passes),
    )
    after = answer_trip(before, suspended, situation)
    can_judge = standing.is_fresh(now) and has_verdict(standing, serving, date_of(BASE + onset))
    found = Found(trouble.kind, can_judge, after.mode)
    if after.mode is Mode.SERVING:
        return _served(found, trouble, serving, 0)
    if after.mode is Mode.ROLLED_BACK and after.release:
        return _served(found, trouble, after.release, 0)
    return _recovered(found, trouble, nights, after, onset)


def has_verdict(judgement: Judgement, serving: str, onset: dt.date) -> bool:
    """Return whether both tests of a release other than what serves have an outcome, with a day since the onset."""
    return any(
        each.release != serving
        and each.reaches(onset)
        and each.onset is not None
        and Standing.NOT_JUDGEABLE not in {each.long.verdict, each.onset.verdict}
        for each in judgement.releases
    )


def _served(found: Found, trouble: Trouble, release: str, seconds: int) -> Found:
    trained = int(release.removeprefix("r"))
    is_right = not trouble.is_hit(trained)
    return Found(found.kind, found.at_trip, found.ending, seconds, is_right)


def _recovered(found: Found, trouble: Trouble, nights: Nights, switch: Switch, onset: int) -> Found:
    """Let the recovery judge each new day until a release passes, or a candidate could resume the service."""
    if switch.trip is None:
        raise RuntimeError("the trip is not one to recover from")
    last = (find_resume_day(switch.trip, SETTINGS.label_delay_days) - date_of_day(0)).days
    for as_of in range((switch.at // DAY_SECONDS) - BASE - 1, last):
        if as_of in trouble.failed_nights:
            continue
        now = (BASE + as_of + 1) * DAY_SECONDS + NIGHT_SECONDS + JUDGING_SECONDS
        judgement = nights.judge(as_of, onset)
        choice = choose_for_recovery(switch.trip, judgement, "", now, switch.tripped)
        if choice.release:
            return _served(found, trouble, choice.release, now - switch.at)
    return found


def follow_all(trips: int) -> Iterator[Found]:
    """Yield the ends of so many trips."""
    seed = found = 0
    while found < trips:
        end = follow(Trouble(seed))
        seed += 1
        if end is not None:
            found += 1
            yield end


def main(trips: int) -> None:
    """Follow the trips, print them by kind, and record the whole."""
    ends = list(follow_all(trips))
    for kind in KINDS:
        print(f"{kind:8s}", _say([each for each in ends if each.kind == kind]), flush=True)
    if trips < TRIPS:
        return
    by_kind = " ".join(f"{kind.title()}: {_say([each for each in ends if each.kind == kind])}." for kind in KINDS)
    share = float(np.mean([each.at_trip for each in ends]))
    about = (
        f"{len(ends)} trips, {PROMOTED:.0%} of nights promote, {NIGHT_FAILS:.0%} of nights make no judgement. {by_kind}"
    )
    record("switch.rollback_had_evidence", share, "1", COMMAND, about)
    hours = np.array([each.seconds for each in ends if each.seconds is not None]) / HOUR_SECONDS
    words = f"of {hours.size} trips that end with an earlier release; {np.mean(hours == 0):.0%} at once"
    record("switch.rollback_hours_p90", float(np.quantile(hours, 0.9)), "h", COMMAND, words, (0.0, float(hours.max())))


def _say(ends: list[Found]) -> str:
    endings = Counter(str(each.ending) for each in ends)
    hours = [each.seconds / HOUR_SECONDS for each in ends if each.seconds is not None]
    wrong = sum(each.is_right is False for each in ends)
    evidence = sum(each.at_trip for each in ends)
    median = f"median {np.median(hours):.1f} h" if hours else "never"
    return (
        f"{evidence} of {len(ends)} had evidence. Rolled back at once: {endings['ROLLED_BACK']}, in all: {len(hours)} "
        f"({median}), to a release that is hit, too: {wrong}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trips", type=int, default=TRIPS)
    main(parser.parse_args().trips)

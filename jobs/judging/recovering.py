"""The recovery from a trip: roll a suspended service back to a release that is good today, and resume after a PASS."""

from antifraud.artifacts.judgement import read_judgement
from antifraud.client.errors import Refused
from antifraud.client.switch import SwitchSeen, connect_as_judge, read_switch
from antifraud.clock import Span
from antifraud.killswitch.judgement import Judgement
from antifraud.killswitch.recovery import CERTIFY_DAYS, choose_for_recovery, days_after, may_resume
from antifraud.settings.core import JobSettings

CHANGED, UNUSABLE = 409, 422
"""Answers of the scorer: somebody has changed the switch or the judgement meanwhile; the release does not load."""


def recover(settings: JobSettings) -> str:
    """Roll a service that a trip has suspended back to the newest release that is good today; return what was done.

    Whatever has changed meanwhile is no failure: the next run looks anew.

    Raises:
        SettingsError: Address or token of the scorer is missing.
        ClientError: The scorer does not answer.
    """
    switch = read_switch(settings, connect_as_judge)
    if switch is None or switch.trip is None or switch.mode != "SUSPENDED":
        return "no trip holds the service any more: nothing was changed"
    judgement, _, trouble = read_judgement(settings.releases_dir)
    barred = {*switch.tripped}
    # Each round bars one more release.
    while True:
        choice = choose_for_recovery(switch.trip, judgement, trouble, settings.clock.now(), barred)
        if choice.release is None or judgement is None:
            return f"nothing may serve yet: {choice.reason}"
        try:
            return _roll_back(settings, switch, choice.release, choice.reason, judgement)
        except Refused as error:
            if error.status == CHANGED:
                return f"somebody was faster ({error}): nothing was changed, and the next run looks anew"
            if error.status != UNUSABLE:
                raise
            print(f"the scorer cannot load {choice.release} ({error}): it is passed over")
            barred.add(choice.release)


def _roll_back(settings: JobSettings, switch: SwitchSeen, release: str, reason: str, judgement: Judgement) -> str:
    with connect_as_judge(settings) as client:
        after = client.roll_back(release, reason, switch.epoch or 0, report=judgement.sha256)
    return f"{release} serves: the service is {after['mode']} since change {after['epoch']} of its switch"


def explain_resume(switch: SwitchSeen | None, certify: Span) -> str:
    """Return why a PASS resumes the service by itself after a trip; empty if it does not.

    A trip that a person has taken over is over: the switch does not have it any more.
    """
    if switch is None or switch.trip is None or not may_resume(switch.trip, certify):
        return ""
    days, onset = days_after(switch.trip, certify), switch.trip.onset
    return f"a candidate passes, with {days} certify days after the onset on {onset}"


def explain_wait(switch: SwitchSeen) -> str:
    """Return when a PASS resumes a held service by itself, as the end of a sentence; empty if it never does."""
    if switch.trip is None:
        return ""
    return f". After {CERTIFY_DAYS} certify days after the onset on {switch.trip.onset}, a PASS resumes by itself"

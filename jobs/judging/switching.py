"""Promotion and roll-back obey the scorer's switch, and change it.

While the service is suspended or rolled back, the pointer stays, unless a candidate that passes shall end that. So a
pointer and a switch never say two things about what serves.
"""

from antifraud.artifacts.pointer import Pointer, find_champion, put_back
from antifraud.client.switch import SwitchSeen, connect_as_admin, connect_as_judge, read_switch
from antifraud.errors import GateRefused, SettingsError
from antifraud.settings.core import JobSettings
from jobs.judging.recovering import explain_wait


def require_movable(switch: SwitchSeen | None, *, is_first: bool, resume: str) -> None:
    """Refuse to move the pointer while the service is held, unless the promotion shall resume it.

    The first release of all may be promoted while the service waits for it.

    Raises:
        GateRefused: The service is held.
    """
    if switch is None or not switch.is_held or resume or is_first:
        return
    raise GateRefused(
        f"the service is {switch.mode} by {switch.by} ({switch.reason}), so the pointer stays: resume it first, or let "
        f"this promotion resume it with --resume and a reason (DAG retrain: resume){explain_wait(switch)}"
    )


def require_in_time(settings: JobSettings, *, before: Pointer, after: Pointer) -> None:
    """Put the pointer back if the service was suspended or rolled back before the promotion had moved it.

    The scorer ignores such a pointer (`antifraud/killswitch/champion.py`), so a kill before this step lets
    no wrong release serve. It only leaves a file that names another release than the switch.

    Raises:
        GateRefused: The promotion came too late.
        ClientError: The scorer does not tell its switch. The pointer stays moved; run the promotion again.
    """
    switch = read_switch(settings)
    if switch is None or find_champion(after, switch) == after.release:
        return
    put_back(settings.releases_dir, before, expected_sequence=after.sequence)
    raise GateRefused(
        f"the service is {switch.mode} since change {switch.began} of its switch, by {switch.by} ({switch.reason}). "
        f"The promotion of {after.release} began before that, so the pointer is back: run the promotion again"
    )


def require_switch(settings: JobSettings) -> SwitchSeen:
    """Return the switch of the scorer that uses these releases.

    Raises:
        SettingsError: No scorer is known.
        ClientError: The scorer does not tell it.
    """
    if (switch := read_switch(settings)) is None:
        raise SettingsError("a roll-back changes the scorer's switch: set ANTIFRAUD_SCORER_URL")
    return switch


def resume_service(settings: JobSettings, switch: SwitchSeen, report: str, reason: str, by_itself: str = "") -> None:
    """Resume with what the pointer names now; `report` is the SHA-256 of the report by which it passes.

    Without the `reason` of a person, the recovery from a trip resumes, with its own token and the reason `by_itself`.

    Raises:
        ClientError: The scorer refuses, or did not answer. The pointer stays moved; run the promotion again.
    """
    with connect_as_admin(settings) if reason else connect_as_judge(settings) as client:
        after = client.resume(reason or by_itself, switch.epoch or 0, report=report)
    print(f"the service is {after['mode']} since change {after['epoch']} of its switch")


def roll_back_service(settings: JobSettings, switch: SwitchSeen, release: str, reason: str, report: str) -> None:
    """Let the scorer serve an earlier release that passes; the pointer stays.

    Raises:
        ClientError: The scorer refuses, or did not answer.
    """
    with connect_as_admin(settings) as client:
        after = client.roll_back(release, reason, switch.epoch or 0, report=report)
    print(f"{release} serves: the service is {after['mode']} since change {after['epoch']} of its switch")

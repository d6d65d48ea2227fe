"""The scorer's switch, as a promotion and a roll-back see it: over HTTP, with the token of an admin.

While the service is suspended or rolled back, the pointer stays, unless a candidate that passes shall end that. So a
pointer and a switch never say two things about what serves.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from antifraud.artifacts.bundle import REGISTRATION
from antifraud.client import ScorerClient
from antifraud.errors import GateRefused, SettingsError
from antifraud.settings.core import JobSettings

HELD: Final = frozenset({"SUSPENDED", "ROLLED_BACK"})
"""Modes in which the pointer stays."""


@dataclass(frozen=True, slots=True)
class SwitchSeen:
    """The switch as the scorer told it."""

    mode: str
    epoch: int
    by: str
    reason: str
    release: str | None = None
    """The release that serves while ROLLED_BACK."""

    @property
    def is_held(self) -> bool:
        """Whether the pointer must stay."""
        return self.mode in HELD


def _is_known(settings: JobSettings) -> bool:
    """Return whether a scorer uses these releases.

    Raises:
        SettingsError: One does, and its address is not set.
    """
    if not settings.scorer_url and (settings.releases_dir / REGISTRATION).exists():
        raise SettingsError(
            "a scorer uses these releases, and its switch says whether the pointer may move: set ANTIFRAUD_SCORER_URL"
        )
    return bool(settings.scorer_url)


def _admin(settings: JobSettings) -> ScorerClient:
    """Return a client with the token of an admin.

    Raises:
        SettingsError: The token cannot be read.
    """
    path = settings.scorer_token_path
    try:
        token = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{path} cannot be read ({type(error).__name__}): put the token of an admin there"
        ) from None
    return ScorerClient(str(settings.scorer_url), token)


def read_switch(settings: JobSettings) -> SwitchSeen | None:
    """Return the switch; None if no scorer uses these releases.

    Raises:
        SettingsError: Address or token is missing.
        ClientError: The scorer does not tell it.
    """
    if not _is_known(settings):
        return None
    with _admin(settings) as client:
        return _seen(client.status()["switch"])


def _seen(switch: Mapping[str, Any]) -> SwitchSeen:
    # The epoch is null while the service has no store; nobody can change the switch then.
    return SwitchSeen(switch["mode"], switch["epoch"] or 0, switch["by"], switch["reason"], switch.get("release"))


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
        "this promotion resume it with --resume and a reason (DAG retrain: resume)"
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


def resume_service(settings: JobSettings, switch: SwitchSeen, reason: str, report: str) -> None:
    """Resume with what the pointer names now; `report` is the SHA-256 of the report by which it passes.

    Raises:
        ClientError: The scorer refuses, or did not answer. The pointer stays moved; run the promotion again.
    """
    with _admin(settings) as client:
        after = client.resume(reason, switch.epoch, report=report)
    print(f"the service is {after['mode']} since change {after['epoch']} of its switch")


def roll_back_service(settings: JobSettings, switch: SwitchSeen, release: str, reason: str, report: str) -> None:
    """Let the scorer serve an earlier release that passes; the pointer stays.

    Raises:
        ClientError: The scorer refuses, or did not answer.
    """
    with _admin(settings) as client:
        after = client.roll_back(release, reason, switch.epoch, report=report)
    print(f"{release} serves: the service is {after['mode']} since change {after['epoch']} of its switch")

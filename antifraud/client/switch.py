"""The scorer's switch, as jobs and commands see it: over HTTP, with the token of an admin or of the recovery."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from antifraud.artifacts.bundle import REGISTRATION
from antifraud.client.errors import BadAnswer
from antifraud.client.scorer import ScorerClient
from antifraud.errors import SettingsError
from antifraud.killswitch.trips import Trip
from antifraud.settings.core import JobSettings
from antifraud.settings.locations import resolve_path

HELD: Final = frozenset({"SUSPENDED", "ROLLED_BACK"})
"""Modes in which the pointer stays."""


@dataclass(frozen=True, slots=True)
class SwitchSeen:
    """The switch as the scorer told it.

    Attributes:
        mode: Whether and with what the scorer decides.
        epoch: Number of changes so far; None while the service has no decision store, so nobody knows the switch.
        by: Who made the last change.
        reason: Why it was made.
        release: The release that the switch names.
        began: Epoch in which the mode began.
        champion: The release that the pointer named then.
        tripped: Releases that have tripped and not served since.
        trip: The trip that the service recovers from by itself.
    """

    mode: str
    epoch: int | None
    by: str
    reason: str
    release: str | None = None
    began: int = 0
    champion: str | None = None
    tripped: tuple[str, ...] = ()
    trip: Trip | None = None

    @property
    def releases(self) -> set[str]:
        """The releases that the switch names; the pointer may name none of them."""
        return {release for release in (self.release, self.champion) if release}

    @property
    def is_held(self) -> bool:
        """Whether the pointer must stay."""
        return self.mode in HELD


def is_known(settings: JobSettings) -> bool:
    """Return whether a scorer uses these releases.

    Raises:
        SettingsError: One does, and its address is not set.
    """
    if not settings.scorer_url and (settings.releases_dir / REGISTRATION).exists():
        raise SettingsError("a scorer uses these releases, and its switch says what serves: set ANTIFRAUD_SCORER_URL")
    return bool(settings.scorer_url)


def connect_as_admin(settings: JobSettings) -> ScorerClient:
    """Return a client with the token of an admin.

    Raises:
        SettingsError: The token cannot be read.
    """
    return _connect(settings, settings.scorer_token_path, "the token of an admin")


def connect_as_judge(settings: JobSettings) -> ScorerClient:
    """Return a client with the token of the recovery from a trip.

    Raises:
        SettingsError: The token cannot be read.
    """
    path = settings.scorer_judge_token or settings.under_home("secrets", "judge.token")
    return _connect(settings, resolve_path(path), "a token of the scopes judge and read")


def _connect(settings: JobSettings, path: Path, needed: str) -> ScorerClient:
    try:
        token = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read ({type(error).__name__}): put {needed} there") from None
    return ScorerClient(str(settings.scorer_url), token)


def read_switch(
    settings: JobSettings, connect: Callable[[JobSettings], ScorerClient] = connect_as_admin
) -> SwitchSeen | None:
    """Return the switch; None if no scorer uses these releases.

    Raises:
        SettingsError: Address or token is missing.
        ClientError: The scorer does not tell it.
    """
    if not is_known(settings):
        return None
    with connect(settings) as client:
        return _seen(client.status())


def _seen(status: Mapping[str, Any]) -> SwitchSeen:
    try:
        switch = status["switch"]
        told = {name: switch[name] for name in ("mode", "epoch", "by", "reason")}
        # A scorer of an earlier version does not tell the others.
        told |= {name: switch[name] for name in ("release", "began", "champion") if name in switch}
        tripped, trip = tuple(switch.get("tripped", ())), switch.get("trip")
        return SwitchSeen(**told, tripped=tripped, trip=Trip(**trip) if trip else None)
    except (KeyError, TypeError):
        raise BadAnswer("the answer has no switch: set ANTIFRAUD_SCORER_URL to the scorer's address") from None

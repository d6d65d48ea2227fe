"""The registration: a file beside the release pointer that says which store has made the service's decisions.

A volume that was lost, or replaced by an older copy, would decide known transactions anew. So a store serves only if it
has the registered identity, and at least as many decisions as were on its disk when the registration was last written.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from antifraud.artifacts.bundle import REGISTRATION
from antifraud.errors import StoreForeign
from antifraud.files import replace_file
from serving.store.port import DecisionStore

HELP: Final = "see docs/runbook.md, Store"


@dataclass(frozen=True, slots=True)
class Registration:
    """The identity of the store, and an arrival number that it has reached."""

    identity: str
    arrival: int


def read_registration(releases: Path) -> Registration | None:
    """Return the registration; None if no store was ever initialised.

    Raises:
        StoreForeign: The file cannot be read as one.
    """
    try:
        return Registration(**json.loads((releases / REGISTRATION).read_text()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise StoreForeign(f"{releases / REGISTRATION} is not readable ({type(error).__name__}): {HELP}") from None


def require_registered(store: DecisionStore, releases: Path) -> None:
    """Refuse a store that is not the one of the registration, or lacks decisions that it had.

    Raises:
        StoreForeign: It is another one, it lacks decisions, or there is no registration.
    """
    registration = read_registration(releases)
    if registration is None:
        raise StoreForeign(f"no store was initialised for these releases: {HELP}")
    if registration.identity != store.identity:
        raise StoreForeign(f"this is store {store.identity}, the service's store is {registration.identity}: {HELP}")
    if (newest := store.newest_arrival()) < registration.arrival:
        raise StoreForeign(f"the store ends with decision {newest}, but {registration.arrival} were made: {HELP}")


def write_registration(store: DecisionStore, releases: Path, arrival: int) -> None:
    """Note a store, and an arrival number that is on its disk."""
    registration = Registration(store.identity, arrival)
    replace_file(releases / REGISTRATION, json.dumps(asdict(registration)))


def advance_registration(store: DecisionStore, releases: Path, arrival: int) -> None:
    """Note an arrival number that is on the disk, if it is larger than the noted one.

    Raises:
        StoreForeign: The registration names another store.
    """
    registration = read_registration(releases)
    if registration is None or registration.identity != store.identity:
        raise StoreForeign(f"the service's store is now another one than {store.identity}: {HELP}")
    if arrival > registration.arrival:
        write_registration(store, releases, arrival)

"""The header `Antifraud-State` of every answer: the switch, and what a person has to look at."""

from typing import TYPE_CHECKING, Final

from antifraud.api.state import ServiceState, spell_state
from antifraud.killswitch.machine import Cause, Mode, Switch

if TYPE_CHECKING:
    # Not imported by the master: prometheus-client chooses its mode before `on_starting` names the folder.
    from serving.worker.services import Services

NO_STORE: Final = spell_state(ServiceState(Mode.SUSPENDED, cause=Cause.STORE))
"""A worker without a store decides nothing."""


class StateHeader:
    """The text of the header, which is spelt anew only when something has changed."""

    def __init__(self) -> None:
        self._spelt: tuple[object, str] = (None, "")

    def text(self, services: "Services", switch: Switch | None = None) -> str:
        """Return the header; `switch` is the one that the view has read, if it has."""
        if services.opened_store is None:
            return NO_STORE
        known, warnings = switch or services.switch, services.guard.warnings
        # One pair, read and assigned as a whole: another thread never sees the key of one text with another text.
        spelt, text = self._spelt
        if spelt != (key := (known.epoch, known.at, known.mode, warnings)):
            text = spell_state(state_of(known, warnings))
            self._spelt = key, text
        return text


def state_of(switch: Switch, warnings: tuple[str, ...]) -> ServiceState:
    """Return the state of the service; `warnings` are those of the worker."""
    return ServiceState(
        mode=switch.mode,
        epoch=switch.epoch,
        since=switch.at,
        cause=switch.cause,
        warnings=(*switch.warnings, *warnings),
        drill=switch.drill,
    )

"""The exported states that decisions were made from, by cut-off."""

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final, Self

import lmdb

from antifraud.artifacts.state_export import Entity, verify_export
from antifraud.artifacts.state_names import names_of, read_entity
from antifraud.clock import date_of

KEPT_ENTITIES: Final = 100_000


@dataclass(frozen=True, slots=True)
class State:
    """An exported state: its cut-off (a day number), the label delay of its lake, and its entities by token.

    `names` returns all tokens of an entity, as far as the export links them.
    """

    cutoff: int
    label_delay_days: int
    entity: Callable[[str], Entity]
    names: Callable[[str], tuple[str, ...]]


class States:
    """The exports in a folder, as long as the context is open. One cut-off has several if it was published anew."""

    def __init__(self, folder: Path) -> None:
        """Open nothing yet."""
        self._folder, self._environments = folder, ExitStack()
        self._open: dict[int, list[State]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._environments.close()

    def of(self, cutoff: int) -> list[State]:
        """Return the exports with a cut-off; none if maintenance has removed them.

        Raises:
            DataError: An export is damaged.
        """
        if cutoff not in self._open:
            folders = sorted(self._folder.glob(f"{date_of(cutoff)}-*"))
            self._open[cutoff] = [self._open_state(folder, cutoff) for folder in folders]
        return self._open[cutoff]

    def _open_state(self, folder: Path, cutoff: int) -> State:
        manifest = verify_export(folder)
        environment = self._environments.enter_context(
            closing(lmdb.open(str(folder), readonly=True, lock=False, create=False))
        )
        entity = lru_cache(KEPT_ENTITIES)(partial(_read_entity, environment, cutoff))
        names = lru_cache(KEPT_ENTITIES)(partial(_read_names, environment))
        return State(cutoff, manifest.label_delay_days, entity, names)


def _read_entity(environment: Any, cutoff: int, token: str) -> Entity:
    with environment.begin() as transaction:
        return read_entity(transaction, token, cutoff)


def _read_names(environment: Any, token: str) -> tuple[str, ...]:
    with environment.begin() as transaction:
        return names_of(transaction, token)

"""The invariants of the kill-switch, checked while a simulation goes on and at its end."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from antifraud.artifacts.pointer import Pointer
from antifraud.killswitch.machine import Cause, Mode
from bench.switch.simulator.ledger import CELLS, Cell, Ledger
from bench.switch.simulator.stage import Stage, Violated
from serving.store.soundness import find_flaws
from serving.store.store import Store

ALL: Final = 1 << 32
Change = dict[str, Any]


class Checks:
    """The observer of a simulation, who has a store of his own and never dies."""

    def __init__(self, stage: Stage, ledger: Ledger) -> None:
        self._stage, self._ledger = stage, ledger
        self.store = Store(stage.whole)
        self.history: list[Change] = []
        self.seen_on: list[int] = []
        self._closed: dict[Any, Any] = {}
        self._closed_day = -1
        self.look()

    def look(self) -> None:
        """Look at what has changed since the last look.

        Raises:
            Violated: An epoch is missing or twice, or a closed day has changed.
        """
        for epoch, text in self.store.shipping.switch_history(len(self.history), ALL, 1_000):
            require(epoch == len(self.history), f"epoch {epoch} follows {len(self.history) - 1}")
            self.history.append(json.loads(text))
            self.seen_on.append(self._stage.day)
        self._require_closed()

    def _require_closed(self) -> None:
        closed = self.store.closed_day()
        require(closed >= self._closed_day, f"day {self._closed_day} was closed, and now {closed} is the last one")
        if closed > self._closed_day:
            self._closed_day = closed
            timely = {
                (each.era, each.timely.day, each.timely.release): each.timely
                for each in self.store.cohorts()
                if each.timely.day <= closed
            }
            for key, counts in self._closed.items():
                require(timely.get(key) == counts, f"closed day {key} has changed: {counts} to {timely.get(key)}")
            self._closed = timely

    @property
    def trips(self) -> list[int]:
        """The epochs that began with a trip."""
        return [
            after["epoch"]
            for before, after in zip(self.history, self.history[1:], strict=False)
            if after["cause"] == Cause.TRIP and _last_change(after) != _last_change(before)
        ]

    @property
    def eras(self) -> list[int]:
        """The epochs that began with a trip, also one after which what serves has stayed."""
        stays = [
            after["epoch"]
            for before, after in zip(self.history, self.history[1:], strict=False)
            if has_stayed(before, after)
        ]
        return sorted({*self.trips, *stays})

    def finish(self) -> None:
        """Check what can only be known at the end."""
        self.look()
        require(self.store.verify_audit().entries == len(self.history), "the audit trail has other entries")
        with self._stage.whole.read() as view:
            require(not list(find_flaws(view)), "the records of the store do not belong together")
        self._check_counts()
        self._check_answers()
        self._check_pointers()
        self._check_news()

    def _check_counts(self) -> None:
        expected = self._ledger.count(self._stage.world.delay, [0, *self.eras])
        found = {Cell(each.timely.day, each.era, each.timely.release): each for each in self.store.cohorts()}
        require(found.keys() == expected.keys(), f"counted cells differ: {sorted(found.keys() ^ expected.keys())}")
        for cell, (timely, latest) in expected.items():
            for counts, kept in ((found[cell].timely, timely), (found[cell].latest, latest)):
                for name in ("decided", "flagged", *CELLS):
                    value = getattr(counts, name)
                    require(value == kept[name], f"{name} of {cell} is {value} instead of {kept[name]}")

    def _check_answers(self) -> None:
        """Check that each answer follows from the switch of its epoch, and that nothing is flagged where none may."""
        for name, answer in self._ledger.answers.items():
            switch, context = self.history[answer.context.epoch], answer.context
            require(context.mode == switch["mode"], f"{name} was decided in {context.mode}, not {switch['mode']}")
            require(context.mode != Mode.SUSPENDED, f"{name} was decided while the service was suspended")
            require(context.mode != Mode.OBSERVE or answer.said == "approve", f"{name} was flagged in OBSERVE")
            serves = (
                switch["release"]
                if context.mode == Mode.ROLLED_BACK
                else champion_of(switch, self._stage.pointed[name])
            )
            require(context.release == serves, f"{name} was decided by {context.release} instead of {serves}")

    def _check_pointers(self) -> None:
        for switch, release, resume in self._stage.pointers[1:]:
            if switch.mode in {Mode.SUSPENDED, Mode.ROLLED_BACK}:
                # The resume follows in a step of its own. Somebody may change the switch first, or the world may end.
                follows = [each for each in self.history[switch.epoch + 1 :][:1] if each["cause"] == Cause.PASS]
                resumes = all(each["mode"] == Mode.SERVING for each in follows)
                require(resume and resumes, f"the pointer moved to {release} while the switch was {switch.mode}")

    def _check_news(self) -> None:
        """Check that every epoch was told, with no id for two texts."""
        texts: dict[str, bytes] = {}
        for name, text in self._stage.told:
            require(texts.setdefault(name, text) == text, f"notification {name} was told with two texts")
        expected = {
            f"switch-{after['epoch']:08}-{after['at']}" + suffix
            for before, after in zip(self.history, self.history[1:], strict=False)
            for suffix in _suffixes(before, after)
        }
        require(texts.keys() == expected, f"told and expected differ: {sorted(texts.keys() ^ expected)[:3]}")
        require(
            self._stage.disorder.kills or self._stage.disorder.stops or len(self._stage.told) == len(expected),
            "something was told twice",
        )


def has_stayed(before: Change, after: Change) -> bool:
    """Return whether a change is a trip after which what serves has stayed."""
    told = after["warned"] or {}
    return before["warned"] != after["warned"] and "consequence" in told.get("evidence", {})


def champion_of(switch: Change, pointer: Pointer) -> str:
    """Return what serves by a pointer; one whose author has not seen the present mode does not count."""
    is_late = pointer.seen_epoch is not None and pointer.seen_epoch < switch["began"]
    return str(switch["champion"]) if is_late and switch["champion"] else pointer.release


def _suffixes(before: Change, after: Change) -> Sequence[str]:
    """Return the ends of the ids of a change's notifications: a drill that changes the mode is told as both."""
    kinds = {"SUSPENDED": "suspended", "ROLLED_BACK": "rolled_back", "SERVING": "resumed", "OBSERVE": "resumed"}
    kind = f"-{kinds[after['mode']]}"
    has_drill, has_mode = before["drill"] != after["drill"], before["began"] != after["began"]
    warns = before["warnings"] != after["warnings"]
    rest = ([kind] if has_drill and has_mode else []) + (["-warning"] if warns and (has_drill or has_mode) else [])
    return ["", *rest]


def _last_change(switch: Mapping[str, Any]) -> tuple[Any, ...]:
    return switch["cause"], switch["reason"], switch["at"]


def require(holds: object, message: str) -> None:
    """Refuse a state in which an invariant does not hold.

    Raises:
        Violated: It does not.
    """
    if not holds:
        raise Violated(message)

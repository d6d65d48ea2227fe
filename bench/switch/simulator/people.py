"""Everybody who changes what serves: an admin, the nightly promotion, and the processes that clear up behind them."""

import dataclasses
import json
from random import Random
from typing import Final

from antifraud.artifacts.pointer import Pointer, read_pointer
from antifraud.client.switch import SwitchSeen
from antifraud.clock import DAY_SECONDS
from antifraud.errors import GateRefused, TransitionRefused
from antifraud.killswitch.machine import Cause, Mode, Note, Order, Switch
from bench.switch.simulator.processes import Process
from bench.switch.simulator.world import FIRST_DAY, name_release
from jobs.judging.switching import require_movable
from serving.store.port import Horizon
from serving.store.store import Store
from serving.worker.retention import COHORT_DAYS, GRACE_DAYS

ADMIN, NIGHT = "boss", "retrain"
ACTIONS: Final = {
    Mode.SERVING: ("suspend", "roll back", "drill"),
    Mode.ROLLED_BACK: ("resume", "suspend", "drill"),
    Mode.SUSPENDED: ("resume", "resume", "observe", "roll back", "drill"),
    Mode.OBSERVE: ("resume", "suspend", "drill"),
}
MODES: Final = {
    "suspend": Mode.SUSPENDED, "resume": Mode.SERVING, "observe": Mode.OBSERVE, "roll back": Mode.ROLLED_BACK,
}  # fmt: skip


class Admin(Process):
    """An admin, whose requests are sent again until they are answered."""

    def act(self) -> None:
        """Do what there is to do at noon."""
        world, day = self.stage.world, self.stage.day
        dice = world.dice("admin", day)
        switch = self.insist(lambda store: store.switch())
        is_over = switch.mode is Mode.SUSPENDED and switch.cause is Cause.SIGNAL and not self.stage.troubled
        if day == FIRST_DAY or is_over:
            self._change(switch, Mode.SERVING, dice)
        elif world.has_people and dice.random() < 0.3:
            action = dice.choice(ACTIONS[switch.mode])
            if action == "drill":
                self._mark_drill(switch)
            else:
                self._change(switch, MODES[action], dice)

    def _change(self, switch: Switch, mode: Mode, dice: Random) -> None:
        pointer = read_pointer(self.stage.settings.releases_dir)
        champion = pointer.release if pointer else None
        earlier = pointer.previous or champion if pointer else None
        order = Order(
            mode=mode, expected_epoch=switch.epoch, reason=f"day {self.stage.day}", by=ADMIN, at=self.stage.now,
            release={Mode.SERVING: champion, Mode.ROLLED_BACK: earlier}.get(mode),
            drill=mode is Mode.SUSPENDED and dice.random() < 0.5, forced=dice.random() < 0.7,
            label_delay_days=self.stage.world.delay,
        )  # fmt: skip
        self._order(order)

    def _order(self, order: Order) -> None:
        def ask(store: Store) -> None:
            # Sent again after a kill: the answer was lost, and perhaps the change was made.
            if store.switch().reason != order.reason:
                store.change_switch(order)

        try:
            self.insist(ask)
        except TransitionRefused:
            self.stage.refused += 1

    def _mark_drill(self, switch: Switch) -> None:
        note = Note(f"a drill on day {self.stage.day}", ADMIN, self.stage.now)

        def mark(store: Store) -> None:
            if store.switch().epoch == switch.epoch:
                store.mark_drill(begins=not switch.drill, note=note)

        self.insist(mark)

    def promote(self) -> None:
        """Promote the night's release, unless the service is held; one that passes ends that after the bad days."""
        world, day = self.stage.world, self.stage.day
        if (day - FIRST_DAY) % world.nights or day >= FIRST_DAY + world.days:
            return
        switch = self.insist(lambda store: store.switch())
        folder = self.stage.settings.releases_dir
        before = read_pointer(folder)
        passes = switch.cause is Cause.TRIP and (not world.is_bad or day >= world.bad_days.stop)
        resume = f"night {day}" if passes else ""
        seen = SwitchSeen(switch.mode, switch.epoch, switch.by, switch.reason)
        try:
            require_movable(seen, is_first=before is None, resume=resume)
        except GateRefused:
            return
        release = name_release(day)
        after = Pointer(release, before.release if before else None, None, before.sequence + 1 if before else 1)
        folder.mkdir(exist_ok=True)
        (folder / "pointer.json").write_text(json.dumps(dataclasses.asdict(after)))
        self.stage.pointers.append((switch, release, resume))
        if seen.is_held and resume:
            self._order(
                Order(
                    mode=Mode.SERVING, expected_epoch=switch.epoch, reason=resume, by=NIGHT, at=self.stage.now,
                    cause=Cause.PASS, release=release, label_delay_days=world.delay,
                )
            )  # fmt: skip


class Shipper(Process):
    """The shipper, and the retention that a worker runs."""

    def ship(self) -> None:
        """Ship everything that is there."""
        self.insist(_ship)

    def expire(self) -> None:
        """Remove what nobody needs any more."""
        world, stage = self.stage.world, self.stage
        horizon = Horizon(
            decided_before=stage.now - (world.delay + GRACE_DAYS) * DAY_SECONDS - 3_600,
            live_day=stage.day - world.delay,
            label_hour=(stage.day - 2 * world.delay) * 24,
            cohort_day=stage.day - world.delay - COHORT_DAYS,
        )
        while self.insist(lambda store: store.remove_expired(horizon, 100)):
            pass


def _ship(store: Store) -> None:
    first, last = store.shipped().arrival + 1, store.newest_arrival()
    if first <= last:
        store.release(first, last)
    store.shipping.release_labels(store.newest_label())

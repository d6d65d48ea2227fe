"""The life of a world whose service comes back by itself, with disorder, under the rules of the way back."""

import io
from collections import Counter
from contextlib import redirect_stdout
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from antifraud.artifacts.pointer import read_pointer
from bench.switch.simulator.clients import Worker
from bench.switch.simulator.door import Door, opened
from bench.switch.simulator.nights import NIGHTS, Nights
from bench.switch.simulator.recovery import SIGNING, Judge, NightAdmin, Recovery, Retraining, damage
from bench.switch.simulator.rules import Rules
from bench.switch.simulator.simulation import Simulation, open_stage
from bench.switch.simulator.stage import Disorder, Stage
from bench.switch.simulator.world import Event, Kind

SECOND: Final = "worker-2"
DAMAGES, REPLACES, INTERFERES = 0.2, 0.004, 0.1
"""Shares: of nights in which a bundle breaks, of operations of a guard at which the judgement is replaced, and of
requests before which an admin is faster."""


class WayBack(Simulation):
    """A world that is lived through by the jobs, too."""

    def __init__(self, stage: Stage, world: Nights) -> None:
        """Start all processes."""
        super().__init__(stage)
        self._nights = world
        self.rules = Rules(stage, self.checks.store)
        self._second = Worker(stage, self._ledger, SECOND)
        self._night_admin = NightAdmin(stage)
        self._admin = self._night_admin
        self.door = self._night_admin.door = Door(self._worker, self._interfere)
        self._judge, self._retraining = Judge(stage, world, self.rules), Retraining(stage, world, self.rules)
        self._recovery = Recovery(self._judge, self._retraining)
        for guard in self._guards.all:
            guard.before_operation = self._perhaps_replace
            guard.on_change = self.rules.witness
        self._checked = 0

    def report(self) -> None:
        """Let the workers report that are there."""
        super().report()
        if not self._nights.is_silent(SECOND, self._stage.day):
            self._second.report()

    def _happen(self, event: Event) -> None:
        match event.kind:
            case Kind.JUDGE:
                self._judge.publish()
            case Kind.BEGIN_NIGHT:
                self._retraining.begin()
                self._perhaps_damage()
            case Kind.NIGHT:
                self._retraining.finish()
            case Kind.RECOVER:
                self._recovery.run()
            case _:
                super()._happen(event)
        self._check_changes()

    def _check_changes(self) -> None:
        self.checks.look()
        self.rules.witness(len(self.checks.history) - 1)
        history = self.checks.history
        if self._checked + 1 < len(history):
            self.checks.store.verify_audit()
        while self._checked + 1 < len(history):
            self.rules.check(history[self._checked], history[self._checked + 1])
            self._checked += 1

    def _perhaps_replace(self) -> None:
        if self._stage.disorder.dice.random() < REPLACES:
            self._judge.replace()

    def _perhaps_damage(self) -> None:
        dice = self._nights.dice("damage", self._stage.day)
        if dice.random() < DAMAGES:
            switch, pointer = self.checks.store.switch(), read_pointer(self._stage.settings.releases_dir)
            named = {switch.release, switch.champion} | ({pointer.release, pointer.previous} if pointer else set())
            if broken := damage(self._stage, dice, named):
                self.rules.damaged.add(broken)

    def _interfere(self) -> None:
        if self._stage.disorder.dice.random() < INTERFERES:
            self._night_admin.interfere(self._stage.disorder.dice)

    def _check_trips(self) -> None:
        """Leave it to the rules whether a trip is right: what serves depends on the night's judgements."""


def try_way_back(seed: int, days: int = NIGHTS) -> Counter[str]:
    """Live through the nights of a seed with disorder; return how often the service went which way.

    Raises:
        Violated: A rule does not hold.
    """
    world = Nights(seed, days)
    with open_stage(world, Disorder.of(world)) as stage:
        key = stage.settings.release_public_key_path
        key.parent.mkdir(parents=True)
        key.write_bytes(SIGNING.public.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        stage.settings.releases_dir.mkdir(exist_ok=True)
        simulation = WayBack(stage, world)
        # The words of the jobs are of no use here.
        with opened(simulation.door), redirect_stdout(io.StringIO()):
            simulation.run()
        return Counter(simulation.rules.seen)

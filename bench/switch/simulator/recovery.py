"""The actors that bring a service back: the nightly judge, the recovery, the retraining, and an admin who interferes.

They call the jobs' own functions. Each may be killed between two steps; its next run begins anew.
"""

import datetime as dt
import hashlib
import json
from random import Random
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from antifraud.artifacts.bundle import MANIFEST, write_bundle
from antifraud.artifacts.judgement import JUDGEMENT, judgement_folder, stand, write_judgement
from antifraud.artifacts.pointer import activate, read_pointer
from antifraud.client.errors import ClientError, Refused
from antifraud.client.recovering import JUDGE, ROLL_BACK, look
from antifraud.client.switch import SwitchSeen, read_switch
from antifraud.clock import HOUR_SECONDS, date_of
from antifraud.errors import GateRefused
from antifraud.keys.signing import SigningKey
from antifraud.killswitch.judgement import Judgement
from antifraud.killswitch.machine import Mode, Order
from bench.switch.simulator.door import Door, settings_of
from bench.switch.simulator.nights import Nights, Plan
from bench.switch.simulator.people import ADMIN, Admin
from bench.switch.simulator.rules import Judged, Rules
from bench.switch.simulator.stage import Stage
from bench.switch.simulator.world import FIRST_DAY, name_release
from jobs.judging.recovering import explain_resume, recover
from jobs.judging.switching import require_in_time, require_movable, resume_service

SIGNING: Final = SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(32)))
KILLS: Final = 0.1
"""Share of the steps of a job after which it is killed."""


class JobKilled(Exception):
    """A job was killed between two of its steps."""


class Job:
    """A job whose runs may end after each step."""

    def __init__(self, stage: Stage, world: Nights, rules: Rules) -> None:
        self.stage, self.world, self.rules = stage, world, rules
        self.settings = settings_of(stage)

    def survive(self) -> None:
        """Come to the end of a step.

        Raises:
            JobKilled: The job does not live on.
        """
        if self.stage.disorder.dice.random() < KILLS:
            raise JobKilled


class Judge(Job):
    """The judge, every night, after a trip, and once more just when the guard reads."""

    def publish(self) -> None:
        """Let the night's judgement stand, as its plan says."""
        now, folder, plan = self.stage.now, self.settings.releases_dir, self.world.plan(self.stage.day)
        if read_pointer(folder) is None or plan is Plan.NONE:
            return
        if plan is Plan.GONE:
            (folder / JUDGEMENT).unlink(missing_ok=True)
            self.rules.stands(None)
            return
        ages = {Plan.OLD: -37 * HOUR_SECONDS, Plan.FUTURE: 30 * HOUR_SECONDS}
        made = self.make("judge", now + ages.get(plan, 0))
        if plan is Plan.GOOD:
            self.let_stand(made)
        else:
            self._spoil(made, plan)

    def _spoil(self, made: Judgement, plan: Plan) -> None:
        """Write a judgement that is too old, from the future, or not to be read."""
        folder = self.settings.releases_dir
        write_judgement(folder, made)
        whole = json.loads((folder / JUDGEMENT).read_text())
        if plan is Plan.DAMAGED:
            whole["judgement"]["made_at"] += 1
        if plan is Plan.VERSION:
            whole["judgement"]["version"] += 1
        if plan is Plan.FOREIGN:
            whole["judgement"]["releases"][0]["release"] = "gone"
        (folder / JUDGEMENT).write_text(json.dumps(whole))
        self.rules.stands(_judged(made) if plan in {Plan.OLD, Plan.FUTURE} else None)

    def make(self, purpose: str, made_at: int) -> Judgement:
        """Judge the pointer's release and some earlier ones."""
        dice = self.world.dice(purpose, made_at)
        pointer = read_pointer(self.settings.releases_dir)
        there = {path.parent.name for path in self.settings.releases_dir.glob(f"*/{MANIFEST}")}
        champion = pointer.release if pointer else ""
        others = sorted(there - {champion})
        return self.world.judge(dice, [champion, *dice.sample(others, min(4, len(others)))], made_at)

    def let_stand(self, made: Judgement) -> None:
        """Let a judgement stand, unless a later one does."""
        if stand(self.settings.releases_dir, made) == made:
            self.rules.stands(_judged(made))

    def replace(self) -> None:
        """Replace the judgement just when a guard reads it."""
        if read_pointer(self.settings.releases_dir):
            self.let_stand(self.make(f"again/{self.stage.kills}", self.stage.now))


class Recovery(Job):
    """The DAG `recover`: looks, and does what there is to do."""

    def __init__(self, judge: Judge, retraining: "Retraining") -> None:
        super().__init__(judge.stage, judge.world, judge.rules)
        self._judge, self._retraining = judge, retraining
        self._started: set[str] = set()

    def run(self) -> None:
        """Make one run; the next one goes on after whatever this one does not survive."""
        try:
            self._run()
        except (JobKilled, ClientError):
            return

    def _run(self) -> None:
        newest = date_of(self.stage.day - 1)
        found = look(self.settings, lambda: newest)
        self.survive()
        if found.run_id and found.run_id not in self._started:
            self._started.add(found.run_id)
            self._retraining.begin()
            self._retraining.finish()
        if JUDGE in found.tasks:
            made = self._judge.make("recover", self.stage.now)
            onset = dt.date.fromisoformat(found.onset)
            folder = judgement_folder(self.settings, newest, onset)
            folder.mkdir(parents=True, exist_ok=True)
            write_judgement(folder, made)
            self.survive()
            self._judge.let_stand(made)
            self.survive()
        if {JUDGE, ROLL_BACK} & {*found.tasks}:
            recover(self.settings)


class Retraining(Job):
    """The DAG `retrain`, which reads the switch first, and promotes hours later."""

    _seen: SwitchSeen | None = None

    def begin(self) -> None:
        """Read the switch for this night's promotion."""
        self._seen = read_switch(self.settings)

    def finish(self) -> None:
        """Promote the night's candidate: the bundle, the pointer, and then the switch."""
        day = self.stage.day
        if self._seen is None or day >= FIRST_DAY + self.world.days or not self.world.candidate_passes(day):
            return
        try:
            self._promote(name_release(day), self._seen)
        except (JobKilled, ClientError, GateRefused):
            # The night's second run begins anew.
            self.begin()

    def _promote(self, release: str, seen: SwitchSeen) -> None:
        certify, folder = self.world.certify_window(self.stage.day), self.settings.releases_dir
        by_itself = explain_resume(seen, certify)
        before = read_pointer(folder)
        require_movable(seen, is_first=before is None, resume=by_itself)
        windows = {"certify": {"first": str(certify.first), "last": str(certify.last)}}
        write_bundle(folder, release, {}, {"verdict": "PASS", "windows": windows}, SIGNING)
        self.survive()
        switch = self.rules.store.switch()
        after = activate(
            folder, release, SIGNING.public, expected_sequence=before.sequence if before else 0, seen_epoch=seen.epoch
        )
        self.stage.pointers.append((switch, release, by_itself))
        self.survive()
        if seen.is_held and by_itself:
            resume_service(self.settings, seen, hashlib.sha256(release.encode()).hexdigest(), "", by_itself)
        elif before:
            require_in_time(self.settings, before=before, after=after)


class NightAdmin(Admin):
    """An admin who asks the scorer as the recovery does."""

    door: Door

    def _order(self, order: Order) -> None:
        actions = {
            Mode.SUSPENDED: "suspend", Mode.SERVING: "resume", Mode.OBSERVE: "observe", Mode.ROLLED_BACK: "roll_back",
        }  # fmt: skip
        asked: dict[str, Any] = {"action": actions[order.mode], "reason": order.reason}
        asked["expected_epoch"] = order.expected_epoch
        if order.mode is Mode.ROLLED_BACK:
            asked["release"] = order.release
        if order.mode in {Mode.SUSPENDED, Mode.ROLLED_BACK}:
            asked["drill"] = order.drill
        if order.mode in {Mode.SERVING, Mode.ROLLED_BACK}:
            asked["force"] = order.forced
        while True:
            try:
                self.door.ask(ADMIN, "admin", asked)
            except Refused:
                self.stage.refused += 1
            except ClientError:
                # Without an answer the admin asks again; if the change was made, its epoch is over.
                continue
            return

    def interfere(self, dice: Random) -> None:
        """Change something although nobody has asked."""
        switch = self.insist(lambda store: store.switch())
        self._change(switch, Mode.SUSPENDED if switch.mode is not Mode.SUSPENDED else Mode.SERVING, dice)


def damage(stage: Stage, dice: Random, spared: set[str | None]) -> str | None:
    """Damage the manifest of a release that nothing names, and return its id."""
    found = sorted(path.parent.name for path in stage.settings.releases_dir.glob(f"*/{MANIFEST}"))
    names = [name for name in found if name not in spared]
    if not names:
        return None
    name = dice.choice(names)
    (stage.settings.releases_dir / name / MANIFEST).write_text("{}")
    return name


def _judged(made: Judgement) -> Judged:
    passing = frozenset(each.release for each in made.releases if each.passes)
    known = [each.onset.last.isoformat() for each in made.releases if each.onset and each.onset.last]
    return Judged(made.sha256, made.made_at, passing, min(known, default=""))

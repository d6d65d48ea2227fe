"""The scorer's worker and the clients of a simulation: decisions by what serves, and labels.

The choice of the release and the store are real. The score is the world's, because no model is on trial here.
"""

import json
from contextlib import suppress
from functools import partial
from typing import Any, Final, cast

from antifraud.api.fields import TransactionId
from antifraud.api.labels import LabelIn
from antifraud.artifacts.bundle import open_release
from antifraud.artifacts.pointer import Pointer, find_champion, read_pointer
from antifraud.errors import ReleaseError
from antifraud.keys.access import Access
from antifraud.killswitch.machine import Mode
from antifraud.settings.serving import ScorerSettings
from bench.switch.simulator.ledger import Heard, Ledger
from bench.switch.simulator.processes import Process
from bench.switch.simulator.stage import Silence, Stage, StageClock, Violated
from bench.switch.simulator.world import Payment, Word
from serving.store.port import Commit, Wanted
from serving.store.records import Context, Decision, Entry, NewDecision, Place
from serving.store.store import Store
from serving.store.switchboard import read_switch
from serving.worker.loading import Loaded, Release, State
from serving.worker.releases import KeptReleases
from serving.worker.services import Services
from serving.worker.ways_back import WaysBack

THRESHOLD, ABOVE, BELOW = 500_000, 600_000, 400_000
WORKER: Final = "worker-1"


class Worker(Process):
    """A worker of the scorer, and its clients, who ask again until they are answered."""

    def __init__(self, stage: Stage, ledger: Ledger, name: str = WORKER) -> None:
        self._ledger, self._name = ledger, name
        super().__init__(stage)

    def start(self) -> None:
        """Open the store, and load no release yet."""
        super().start()
        self._slow: list[Commit] = []
        self._pointed: Pointer | None = None
        self._polled = (0, -1)
        settings = ScorerSettings(home=self.stage.settings.home, label_delay_days=self.stage.world.delay)
        unused: Any = None
        clock: Any = StageClock(self.stage)
        self.services = Services(settings, clock, Access(), unused, Silence(), self.store)
        self.services.releases = KeptReleases(self._read)
        self._ways_back = WaysBack(settings.releases_dir)

    def _read(self, name: str) -> Release:
        """Return a release; where releases are bundles, the bundle has to verify."""
        if self.stage.world.has_bundles:
            open_release(self.stage.settings, name)
        return Release(name, THRESHOLD, "PASS", cast("Any", None))

    def decide(self, payments: list[Payment]) -> None:
        """Decide payments, all in one transaction; clients send again what was not answered."""
        waiting = payments
        while waiting:
            waiting = self.insist(partial(self._try_to_decide, payments=waiting))

    def begin_slowly(self, payments: list[Payment]) -> None:
        """Compute decisions and do not store them yet."""
        self.insist(lambda store: self._slow.extend(self._draft(store, payments)))

    def finish_slowly(self, payments: list[Payment]) -> None:
        """Store what was computed a while ago; if the switch has changed meanwhile, the store refuses it."""
        slow, self._slow = self._slow, []
        if slow:
            self.insist(lambda store: self._commit(store, slow))
        self.decide(payments)

    def _try_to_decide(self, store: Store, payments: list[Payment]) -> list[Payment]:
        """Decide payments; return the ones that clients have to send again."""
        known = {each.name: store.look_up(_wanted(each)).earlier for each in payments}
        drafts = self._draft(store, [each for each in payments if known[each.name] is None])
        arrivals = self._commit(store, drafts)
        for name, answer in known.items():
            if answer is not None:
                self._note(name, answer)
        names = [draft.wanted.place.transaction_id for draft in drafts]
        refused = [name for name, arrival in zip(names, arrivals, strict=True) if not arrival]
        for name in names:
            if name not in refused:
                self._note(name, store.decision_of(Place("", name)))
        return [each for each in payments if each.name in refused]

    def _commit(self, store: Store, drafts: list[Commit]) -> list[int | None]:
        """Store decisions; return an arrival number for each that was stored.

        Raises:
            Violated: One was stored that was made before the last change of the switch.
        """
        arrivals = store.commit_decisions(drafts)
        with self.stage.whole.read() as view:
            epoch = read_switch(view).epoch
        made = {draft.seen.switch.epoch for draft, arrival in zip(drafts, arrivals, strict=True) if arrival}
        if made - {epoch}:
            raise Violated(f"decisions of the epochs {made} were stored in epoch {epoch}")
        return arrivals

    def _draft(self, store: Store, payments: list[Payment]) -> list[Commit]:
        """Return the decisions about payments, none of which is stored; a suspended service makes none."""
        drafts = []
        loaded = self._poll(store)
        for payment in payments:
            wanted = _wanted(payment)
            seen = store.look_up(wanted)
            if seen.switch.mode is Mode.SUSPENDED or loaded is None:
                continue
            serving = self.services.choose(loaded, seen.switch)
            if serving is None or serving.release is None:
                if seen.switch.mode is Mode.ROLLED_BACK and self.stage.world.has_bundles:
                    # Its bundle was damaged before this worker has started.
                    continue
                raise Violated(f"no release serves in mode {seen.switch.mode}")
            context = Context(serving.release.release, THRESHOLD, seen.switch.mode, seen.switch.epoch, 0)
            is_flagged = self.stage.world.flags(context.release, payment)
            decision = Decision(
                context, ABOVE if is_flagged else BELOW, payment.time, self.stage.now, payment.terminal, 100,
                bytes(16), counted=True, history_complete=payment.is_complete,
            )  # fmt: skip
            drafts.append(Commit(wanted, seen, NewDecision(decision, Entry(*wanted.place, "k1.c", b""), None, None)))
        return drafts

    def _poll(self, store: Store) -> Loaded | None:
        """Load what pointer and switch name, as the poller does."""
        releases, switch = self.services.releases, store.switch()
        self._polled = self.stage.now, switch.epoch
        self._pointed = pointer = read_pointer(self.stage.settings.releases_dir)
        if (champion := find_champion(pointer, switch)) is None or pointer is None:
            return None
        if switch.release:
            self._try_to_load(switch.release)
        loaded = Loaded(cast("State", None), releases.load(champion), is_named=True, epoch=switch.epoch)
        self.services.loaded = loaded
        if self.stage.world.has_bundles and not self.stage.world.is_slow_to_load(self._name, self.stage.day):
            back = [*self._ways_back.passing(), *filter(None, (pointer.previous, pointer.anchor))]
            releases.keep([champion, *filter(None, [switch.release]), *back])
            for name in back:
                self._try_to_load(name)
        return loaded

    def _try_to_load(self, name: str) -> None:
        """Load a release unless it is damaged; then the poller tries again, and the worker cannot serve it."""
        with suppress(ReleaseError):
            self.services.releases.load(name)

    def _note(self, name: str, answer: Decision | None) -> None:
        """Note an answer; what it says has to follow from the switch and the pointer.

        Raises:
            Violated: It does not.
        """
        if answer is None:
            raise Violated("a decision that was stored is gone")
        self._ledger.answers[name] = answer
        if self._pointed:
            self.stage.pointed.setdefault(name, self._pointed)

    def label(self, words: list[Word]) -> None:
        """Send labels; those of payments that were never decided are not known."""
        new = [
            LabelIn(TransactionId(word.name), word.status, word.learned_at, word.propensity) for word in words
        ]  # fmt: skip
        now = self.stage.now
        added = self.insist(lambda store: store.add_labels("", new, source="till", now=now, live_hour=0))
        if added.rejected:
            raise Violated(f"a possible label was rejected: {added.rejected[0].reason}")
        for word in words:
            if word.name not in added.unknown:
                self._ledger.labels[word.name].append(Heard(word, now))

    def report(self) -> None:
        """Report what this worker serves, and what troubles it."""
        trouble = {"release": "it cannot be read"} if self.stage.troubled else {}
        said = {"at": self.stage.wall, "release": not trouble, "cutoff": self.stage.day, "troubles": trouble}
        self.insist(lambda store: self._report(store, said))

    def _report(self, store: Store, said: dict[str, Any]) -> None:
        # Between two polls nothing has changed but the time of the report.
        if self.stage.world.has_bundles and (self.stage.now, store.switch().epoch) != self._polled:
            self._poll(store)
        loaded = self.services.releases.names
        store.report(self._name, _encode({**said, "loaded": loaded}))
        self.stage.reported[self._name] = said["at"], frozenset(loaded)


def _wanted(payment: Payment) -> Wanted:
    return Wanted(Place("", payment.name), "k1.c", payment.terminal, range(0))


def _encode(values: dict[str, Any]) -> bytes:
    return json.dumps(values).encode()

"""The poller: a thread in every worker that opens the store, follows pointers and access file, and reports.

A new release or state is loaded and checked while the old one serves, then swapped in by one assignment. If it is
broken, the old one keeps serving; ``GET /v1/status`` names the trouble and a metric counts it. The release of the
switch, all that the guard may go back to, the previous one and the anchor stay loaded, so that a return to them
loads nothing.
"""

import json
import threading
from collections.abc import Callable, Iterable
from operator import is_
from typing import Any

from antifraud.artifacts.pointer import Pointer, find_champion, read_pointer
from antifraud.artifacts.state_export import StatePointer, read_state_pointer
from antifraud.errors import AntifraudError, StoreError, StoreForeign
from antifraud.keys.signing import PublicKey
from serving.store.port import DecisionStore
from serving.store.registration import advance_registration, require_registered
from serving.store.store import open_store
from serving.worker.access_file import AccessFile
from serving.worker.following import Follower, require_not_older
from serving.worker.loading import Loaded, Release, Serving, State, load_state
from serving.worker.measuring import measure, show_state
from serving.worker.policy_file import PolicyFile
from serving.worker.reports import (
    WALL_CLOCK,
    WorkerReports,
    describe_worker,
    find_newest_state,
    name_worker,
    read_workers,
)
from serving.worker.retention import remove_expired
from serving.worker.services import Services
from serving.worker.verification import Verifier
from serving.worker.ways_back import WaysBack


class Poller:
    """Keeps the services of one worker up to date."""

    def __init__(self, services: Services) -> None:
        settings = services.settings
        verifier = Verifier(settings.under_home("run", "verified-states"), services.log)
        self._services = services
        self._access = AccessFile(settings.access_path)
        self._release: Follower[str, Release] = Follower(services.releases.load, keep=2)
        self._state: Follower[StatePointer, State] = Follower(
            lambda pointer: load_state(settings.state_dir, pointer, verifier)
        )
        self._policy = PolicyFile(settings.policies_dir, lambda: PublicKey.read(settings.release_public_key_path))
        self._ways_back = WaysBack(settings.releases_dir)
        self._others_state: StatePointer | None = None
        self._pointer: Pointer | None = None
        self._named: str | None = None
        self._pointer_epoch = 0
        self._shown: Serving | None = None
        self._stop, self._has_tried = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="poller", daemon=True)

    def start(self) -> None:
        """Start polling; call it after the fork."""
        self._thread.start()

    def wait_for_first_try(self, seconds: float) -> bool:
        """Wait until everything was tried once, but at most `seconds`; return whether it was."""
        return self._has_tried.wait(seconds)

    def stop(self) -> None:
        """Stop the thread and wait for its end."""
        self._stop.set()
        self._services.wake.set()
        self._thread.join()

    def _run(self) -> None:
        wake = self._services.wake
        while not self._stop.is_set():
            self.poll()
            self._has_tried.set()
            wake.wait(self._services.settings.poll_seconds)
            wake.clear()

    def poll(self) -> None:
        """Open the store, follow access file and pointers, swap, and report, once."""
        self._run_step("access", self._follow_access)
        self._run_step("store", self._follow_store)
        # Before the pointer: what is read there then belongs to this epoch of the switch or to a later one.
        self._run_step("switch", self._follow_switch)
        self._run_step("release", self._follow_release)
        self._run_step("rolled back", self._load_rolled_back)
        self._run_step("state", self._follow_state)
        self._run_step("policy", self._policy.follow)
        self._swap()
        self._run_step("ladder", self._load_ladder)
        self._run_step("report", self._report)
        self._run_step("metrics", lambda: measure(self._services))
        self._run_step("retention", lambda: remove_expired(self._services))

    def _run_step(self, kind: str, step: Callable[[], bool]) -> None:
        """Run one step; a trouble stays on record until the step succeeds."""
        services = self._services
        others = {name: trouble for name, trouble in services.troubles.items() if name != kind}
        try:
            # Replaced, never changed: a request may be reading the troubles in another thread.
            if step() and others != services.troubles:
                services.troubles = others
        except Exception as error:  # noqa: BLE001 the thread must outlive whatever a broken file makes a library raise
            trouble = str(error) if isinstance(error, AntifraudError) else f"{kind}: {type(error).__name__}"
            if services.troubles.get(kind) != trouble:
                services.metrics.refused.labels(kind).inc()
                services.log.warning("not usable", kind=kind, reason=trouble)
            if kind not in services.troubles:
                services.troubles_since = {**services.troubles_since, kind: services.clock.now()}
            services.troubles = {**others, kind: trouble}

    def _follow_access(self) -> bool:
        """Take over a changed access file; while it is broken, the callers that were read before stay."""
        if access := self._access.read_changed():
            self._services.access = access
            self._services.log.info("access read", clients=len(access.callers or ()))
        return True

    def _follow_store(self) -> bool:
        """Open the store, or look after the open one; one that is not the service's own is closed."""
        services = self._services
        try:
            if services.opened_store is None:
                services.opened_store = self._open_store()
            else:
                self._look_after(services.opened_store)
        except StoreError as error:
            services.store_error = error
            if isinstance(error, StoreForeign):
                self._close_store()
            raise
        services.store_error = None
        return True

    def _open_store(self) -> DecisionStore:
        settings = self._services.settings
        store = open_store(settings)
        try:
            require_registered(store, settings.releases_dir)
            store.announce_size()
            self._note_others(store)
        except BaseException:
            # A store that stays open could not be opened again by this process.
            store.close()
            raise
        return store

    def _note_others(self, store: DecisionStore) -> WorkerReports:
        """Read the reports of all workers, and note the newest state that is in use."""
        workers = read_workers(store.reports().items(), WALL_CLOCK.now())
        self._others_state = find_newest_state(workers.alive)
        return workers

    def _look_after(self, store: DecisionStore) -> None:
        # Read before the write to the disk: whatever the registration says is there.
        arrival = store.newest_arrival()
        store.look_after()
        advance_registration(store, self._services.settings.releases_dir, arrival)

    def _close_store(self) -> None:
        store, self._services.opened_store = self._services.opened_store, None
        if store is not None:
            store.close()

    def _follow_switch(self) -> bool:
        # A worker without a store refuses, and says so by the trouble of its store.
        if (store := self._services.opened_store) is not None:
            self._services.switch = store.switch()
        return True

    def _follow_release(self) -> bool:
        self._pointer = read_pointer(self._services.settings.releases_dir)
        # While the pointer cannot be read, what is known of it does not belong to a later epoch.
        self._pointer_epoch = self._services.switch.epoch
        self._named = find_champion(self._pointer, self._services.switch)
        return self._release.follow(self._named)

    def _load_rolled_back(self) -> bool:
        return self._load_all([self._services.switch.release])

    def _load_ladder(self) -> bool:
        """Load the releases to go back to, after everything that serves now; forget what nobody needs any more."""
        pointer, champion, back = self._pointer, self._release.value, self._services.switch.release
        ladder = [*self._ways_back.passing(), *((pointer.previous, pointer.anchor) if pointer else ())]
        named = [self._named, champion and champion.release, back, *ladder]
        self._services.releases.keep([name for name in named if name])
        return self._load_all(ladder)

    def _load_all(self, names: Iterable[str | None]) -> bool:
        """Load releases; return whether all are loaded.

        Raises:
            AntifraudError: One of them cannot be used; it is tried again after a while, and the others before that.
        """
        releases, wanted = self._services.releases, [name for name in names if name]
        for name in wanted:
            if releases.is_due(name):
                releases.load(name)
        return all(releases.find(name) for name in wanted)

    def _follow_state(self) -> bool:
        pointer = read_state_pointer(self._services.settings.state_dir)
        # A restarted worker must not take an older state than the others have, either.
        in_use = self._state.pointer or self._others_state
        if pointer and in_use and pointer.cutoff < in_use.cutoff:
            if not pointer.moved_back:
                self._state.follow(in_use)
            require_not_older(pointer, in_use)
        return self._state.follow(pointer)

    def _swap(self) -> None:
        services, state, policy = self._services, self._state.value, self._policy.rulebook
        # Without the policy that is active, its deny lists would let payments through.
        if state is None or policy is None:
            return
        champion = self._release.value
        is_named = champion is not None and champion.release == self._named
        now = Loaded(state, champion, is_named, self._pointer_epoch, policy)
        # A decision that finds another object at its end is computed anew.
        if not now.is_same_as(services.loaded):
            # One assignment of a frozen whole: no request sees the new release with the old state.
            services.loaded, services.policy = now, self._policy.activation
        self._show(services.serving)

    def _show(self, now: Serving | None) -> None:
        before, self._shown = self._shown, now or self._shown
        if now is None or (before and all(map(is_, _parts_of(before), _parts_of(now)))):
            return
        if before and now.state.cutoff < before.state.cutoff:
            self._services.log.warning("state moved back", before=before.state.cutoff_date)
        show_state(self._services, now.state.cutoff)
        using = {"state_cutoff": now.state.cutoff_date, "policy": now.policy.version}
        self._services.log.info("serving", release=now.release and now.release.release, **using)

    def _report(self) -> bool:
        """Report what this worker uses, and read from all reports which live days are no longer needed."""
        services, store = self._services, self._services.store
        mine = describe_worker(services, self._state.pointer, store.switch().epoch)
        store.report(name_worker(), json.dumps(mine).encode())
        services.metrics.gauges.reported.set(mine["at"])
        workers = self._note_others(store)
        if workers.silent:
            store.forget_reports(workers.silent)
        cutoffs = [worker["cutoff"] for worker in workers.alive if worker.get("cutoff") is not None]
        # Live days begin after a cut-off. Keeping the cut-off day itself is a day of grace for a worker that is just
        # loading the state of the day before and has not reported yet.
        services.oldest_live_day = min(cutoffs, default=0)
        return True


def _parts_of(serving: Serving) -> tuple[Any, ...]:
    return serving.release, serving.state, serving.policy

"""The poller: a thread in every worker that opens the store, follows both pointers and reports what it has loaded.

A new release or state is loaded and checked while the old one serves, then swapped in by one assignment. If it is
broken, the old one keeps serving; ``GET /v1/status`` names the trouble and a metric counts it. The previous release
stays loaded, so that a return to it loads nothing.
"""

import json
import threading
from collections.abc import Callable

from antifraud.artifacts.pointer import read_pointer
from antifraud.artifacts.state_export import StatePointer, read_state_pointer
from antifraud.errors import AntifraudError
from serving.store.lmdb import Store
from serving.store.switchboard import read_switch
from serving.worker.following import Follower, require_not_older
from serving.worker.loading import Release, Serving, State, load_release, load_state
from serving.worker.reports import WALL_CLOCK, describe_worker, find_newest_state, name_worker, read_workers
from serving.worker.services import Services
from serving.worker.verification import Verifier


class Poller:
    """Keeps the services of one worker up to date."""

    def __init__(self, services: Services) -> None:
        settings = services.settings
        verifier = Verifier(settings.under_home("run", "verified-states"), services.log)
        self._services = services
        self._release: Follower[str, Release] = Follower(lambda release: load_release(settings, release), keep=2)
        self._state: Follower[StatePointer, State] = Follower(
            lambda pointer: load_state(settings.state_dir, pointer, verifier)
        )
        self._others_state: StatePointer | None = None
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
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            self.poll()
            self._has_tried.set()
            self._stop.wait(self._services.settings.poll_seconds)

    def poll(self) -> None:
        """Open the store, follow both pointers, swap, and report, once."""
        self._run_step("store", self._open_store)
        self._run_step("reports", self._read_others)
        self._run_step("release", self._follow_release)
        self._run_step("state", self._follow_state)
        self._swap()
        self._run_step("report", self._report)

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
            services.troubles = {**others, kind: trouble}

    def _open_store(self) -> bool:
        services = self._services
        if services.opened_store is None:
            services.opened_store = Store(services.settings.store_dir, services.settings.store_map_bytes)
            return True
        services.opened_store.flush()
        return True

    def _read_others(self) -> bool:
        with self._services.store.read() as view:
            self._others_state = find_newest_state(read_workers(view.items("workers"), WALL_CLOCK.now()).alive)
        return True

    def _follow_release(self) -> bool:
        pointer = read_pointer(self._services.settings.releases_dir)
        return self._release.follow(pointer.release if pointer else None)

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
        release, state = self._release.value, self._state.value
        services, now = self._services, self._services.serving
        if release and state and (now is None or now.release is not release or now.state is not state):
            if now and state.cutoff < now.state.cutoff:
                services.log.warning("state moved back", before=now.state.cutoff_date)
            # One assignment of a frozen pair: no request sees the new release with the old state.
            services.serving = Serving(release, state)
            services.metrics.cutoff.set(state.cutoff)
            services.log.info("serving", release=release.release, state_cutoff=state.cutoff_date)

    def _report(self) -> bool:
        """Report what this worker uses, and read from all reports which live days are no longer needed."""
        services = self._services
        with services.store.write() as view:
            mine = describe_worker(services, self._state.pointer, read_switch(view).epoch)
            view.put("workers", name_worker(), json.dumps(mine).encode())
            workers = read_workers(view.items("workers"), mine["at"])
            for name in workers.silent:
                view.delete("workers", name)
        cutoffs = [worker["cutoff"] for worker in workers.alive if worker.get("cutoff") is not None]
        # Live days begin after a cut-off. Keeping the cut-off day itself is a day of grace for a worker that is just
        # loading the state of the day before and has not reported yet.
        services.oldest_live_day = min(cutoffs, default=0)
        return True

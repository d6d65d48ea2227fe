"""The poller: a thread in every worker that opens the store, follows both pointers and reports what it has loaded.

A new release or state is loaded and checked while the old one serves, then swapped in by one assignment. If it is
broken, the old one keeps serving; ``GET /v1/status`` names the trouble and a metric counts it. A failed load is retried
every `RETRY_SECONDS`, because a repaired file keeps its name.
"""

import dataclasses
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from antifraud.artifacts.pointer import read_pointer
from antifraud.artifacts.state_export import read_state_pointer
from antifraud.clock import BusinessClock
from antifraud.errors import AntifraudError, StoreError, StoreForeign
from antifraud.settings.core import Settings
from serving.store.port import DecisionStore
from serving.store.registration import advance_registration, require_registered
from serving.store.store import open_store
from serving.worker.loading import Release, Serving, State, load_release, load_state
from serving.worker.retention import remove_expired
from serving.worker.services import Services

RETRY_SECONDS: Final = 30.0
SILENT_AFTER_SECONDS: Final = 60
WALL_CLOCK: Final = BusinessClock()


class Slot:
    """The newest usable release or state; a pointer that fails to load is retried after `RETRY_SECONDS`."""

    def __init__(self) -> None:
        self.value: Any = None
        self._pointer: object = None
        self._tried: object = None
        self._retry_at = 0.0

    def follow(self, pointer: Any, load: Callable[[Any], Any]) -> bool:
        """Load what `pointer` names, unless it is loaded or has just failed; return whether it is loaded.

        Raises:
            AntifraudError: The release or state does not verify; the earlier value stays.
        """
        if pointer in (None, self._pointer):
            return True
        # Verifying a broken release or state in every round would take processor time from decisions.
        if pointer == self._tried and time.monotonic() < self._retry_at:
            return False
        self._tried, self._retry_at = pointer, time.monotonic() + RETRY_SECONDS
        self.value = load(pointer)
        self._pointer = pointer
        return True


class Poller:
    """Keeps the services of one worker up to date."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._release, self._state = Slot(), Slot()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="poller", daemon=True)

    def start(self) -> None:
        """Start polling; call it after the fork."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread and wait for its end."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            self.poll()
            self._stop.wait(self._services.settings.poll_seconds)

    def poll(self) -> None:
        """Open the store, follow both pointers, swap, and report, once."""
        settings = self._services.settings
        self._run_step("store", self._follow_store)
        self._run_step("release", lambda: self._follow_release(settings))
        self._run_step("state", lambda: self._follow_state(settings.state_dir))
        self._swap()
        self._run_step("report", self._report)
        self._run_step("retention", lambda: remove_expired(self._services))

    def _run_step(self, kind: str, step: Callable[[], bool]) -> None:
        """Run one step; a trouble stays on record until the step succeeds."""
        troubles = self._services.troubles
        try:
            if step():
                troubles.pop(kind, None)
        except Exception as error:  # noqa: BLE001 the thread must outlive whatever a broken file makes a library raise
            trouble = str(error) if isinstance(error, AntifraudError) else f"{kind}: {type(error).__name__}"
            if troubles.get(kind) != trouble:
                self._services.metrics.refused.labels(kind).inc()
                self._services.log.warning("not usable", kind=kind, reason=trouble)
            troubles[kind] = trouble

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
        except BaseException:
            # A store that stays open could not be opened again by this process.
            store.close()
            raise
        return store

    def _look_after(self, store: DecisionStore) -> None:
        # Read before the write to the disk: whatever the registration says is there.
        arrival = store.newest_arrival()
        store.look_after()
        advance_registration(store, self._services.settings.releases_dir, arrival)

    def _close_store(self) -> None:
        store, self._services.opened_store = self._services.opened_store, None
        if store is not None:
            store.close()

    def _follow_release(self, settings: Settings) -> bool:
        pointer = read_pointer(settings.releases_dir)
        return self._release.follow(pointer and pointer.release, lambda release: load_release(settings, release))

    def _follow_state(self, states: Path) -> bool:
        return self._state.follow(read_state_pointer(states), lambda pointer: load_state(states, pointer))

    def _swap(self) -> None:
        release: Release | None = self._release.value
        state: State | None = self._state.value
        services, now = self._services, self._services.serving
        if release and state and (now is None or now.release is not release or now.state is not state):
            # One assignment of a frozen pair: no request sees the new release with the old state.
            services.serving = Serving(release, state)
            services.metrics.cutoff.set(state.cutoff)
            services.log.info("serving", release=release.release, state_cutoff=state.cutoff_date)

    def _report(self) -> bool:
        """Report what this worker uses, and read from all reports which live days are no longer needed."""
        services, serving = self._services, self._services.serving
        wall = WALL_CLOCK.now()
        mine = {
            "pid": os.getpid(),
            "at": wall,
            "release": serving and serving.release.release,
            "cutoff": serving and serving.state.cutoff,
            "troubles": dict(services.troubles),
        }
        services.store.report(f"worker-{os.getpid()}", json.dumps(mine).encode())
        workers = read_workers(services.store.reports().items(), wall)
        if workers.silent:
            services.store.forget_reports(workers.silent)
        cutoffs = [worker["cutoff"] for worker in workers.alive if worker.get("cutoff") is not None]
        # Live days begin after a cut-off. Keeping the cut-off day itself is a day of grace for a worker that is just
        # loading the state of the day before and has not reported yet.
        services.oldest_live_day = min(cutoffs, default=0)
        return True


@dataclasses.dataclass(frozen=True, slots=True)
class WorkerReports:
    """Reports of live processes, and the names of processes that are silent."""

    alive: list[dict[str, Any]]
    silent: list[str]


def read_workers(items: Any, wall: int) -> WorkerReports:
    """Split reports: recent ones of a process that exists, and silent ones; `wall` is wall time in seconds."""
    alive, silent = [], []
    for name, text in items:
        report = json.loads(text)
        if report["at"] >= wall - SILENT_AFTER_SECONDS and _process_exists(report["pid"]):
            alive.append(report)
        else:
            silent.append(name)
    return WorkerReports(alive, silent)


def _process_exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it exists, and belongs to another user
        return True
    return True

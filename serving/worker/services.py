"""The collaborators of one worker's views; tests build their own."""

import threading
from dataclasses import dataclass, field
from functools import partial
from threading import BoundedSemaphore
from typing import Any, Final, cast

from flask import current_app

from antifraud.artifacts.pointer import read_champion
from antifraud.artifacts.policies import Activation
from antifraud.clock import BusinessClock
from antifraud.errors import StoreError
from antifraud.keys.access import Access
from antifraud.killswitch.machine import UNCHANGED, Mode, Switch
from antifraud.settings.serving import ScorerSettings
from serving.store.port import DecisionStore
from serving.worker.guard_watch import GuardWatch
from serving.worker.loading import Loaded, Release, Serving, load_release
from serving.worker.metrics import Metrics
from serving.worker.releases import KeptReleases
from serving.worker.turns import Turns

BATCHES_AT_ONCE: Final = 2
"""Batches that a worker decides at a time: most of its threads stay free for single decisions."""


@dataclass
class Services:
    """The collaborators of a worker.

    The poller thread replaces `access`, `loaded`, `switch`, `policy` (the activation of the policy in use),
    `opened_store` and `troubles`, each by one assignment, so a view reads each of them once. `switch` is the one that
    the poller has seen last; a decision reads its own. Somebody who sets `wake` makes the poller poll at once.
    `oldest_live_day` is the first day whose live buckets some worker may still need.
    `troubles_since` has the business time at which each trouble began.
    """

    settings: ScorerSettings
    clock: BusinessClock
    access: Access
    metrics: Metrics
    log: Any
    opened_store: DecisionStore | None = None
    store_error: StoreError | None = None
    loaded: Loaded | None = None
    switch: Switch = UNCHANGED
    policy: Activation | None = None
    oldest_live_day: int = 0
    troubles: dict[str, str] = field(default_factory=dict)
    troubles_since: dict[str, int] = field(default_factory=dict)
    turns: Turns = field(default_factory=Turns)
    guard: GuardWatch = field(default_factory=GuardWatch)
    wake: threading.Event = field(default_factory=threading.Event)
    releases: KeptReleases = field(init=False)
    batches: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(BATCHES_AT_ONCE))

    def __post_init__(self) -> None:
        """Load releases by the settings."""
        self.releases = KeptReleases(partial(load_release, self.settings))

    @property
    def serving(self) -> Serving | None:
        """The release and the state that serve by the switch that the poller has seen last; None if one is missing."""
        loaded = self.loaded
        return self.choose(loaded, self.switch) if loaded else None

    def choose(self, loaded: Loaded, switch: Switch) -> Serving | None:
        """Return what a decision is made with: the one place that decides which release serves.

        Return None if this worker has not loaded that release.
        """
        if loaded.epoch < switch.epoch:
            # The poller shall see the change now, and load what it needs.
            self.wake.set()
        release = self._choose_release(loaded, switch)
        # Rules need history and policy only. The release may be what the service was suspended for.
        is_ruled = switch.mode is Mode.SUSPENDED and loaded.policy.decides_alone
        return Serving(release, loaded.state, loaded.policy) if release or is_ruled else None

    def _choose_release(self, loaded: Loaded, switch: Switch) -> Release | None:
        if switch.mode is Mode.ROLLED_BACK:
            return self.releases.find(switch.release)
        if loaded.epoch < switch.began and switch.mode is not Mode.SUSPENDED:
            # The pointer may have moved while another release served, or none: what the poller has read is too old.
            return self.releases.find(read_champion(self.settings.releases_dir, switch))
        champion = loaded.champion
        # While the pointer names a broken release, the one before goes on, unless the guard has tripped about it.
        is_barred = champion is not None and not loaded.is_named and champion.release in switch.tripped
        return None if is_barred else champion

    @property
    def can_decide(self) -> bool:
        """Whether there are an access file, a store, a release and a state."""
        return self.access.callers is not None and self.opened_store is not None and self.serving is not None

    @property
    def store(self) -> DecisionStore:
        """The decision store.

        Raises:
            StoreForeign: There is none, or it is not the service's own.
            StoreError: The store is not open; the poller keeps trying.
        """
        # The poller opens the store, so that a worker starts and answers /healthz also while the store is broken.
        # The poller may close it at any time, so it is read once.
        store, error = self.opened_store, self.store_error
        if store is None:
            # An error that is raised again and again would keep the frames of every request.
            raise (error or StoreError("the decision store is not open yet")).with_traceback(None)
        return store


def current_services() -> Services:
    """Return the services of the app that handles this request."""
    return cast("Services", current_app.extensions["antifraud"])

"""The collaborators of one worker's views; tests build their own."""

from dataclasses import dataclass, field
from typing import Any, cast

from flask import current_app

from antifraud.clock import BusinessClock
from antifraud.errors import StoreError
from antifraud.keys.access import Access
from antifraud.settings.serving import ScorerSettings
from serving.store.port import DecisionStore
from serving.worker.loading import Serving
from serving.worker.metrics import Metrics
from serving.worker.turns import Turns


@dataclass
class Services:
    """The collaborators of a worker.

    The poller thread replaces `access`, `serving`, `opened_store` and `troubles`, each by one assignment, so a view
    reads each of them once.
    `oldest_live_day` is the first day whose live buckets some worker may still need.
    """

    settings: ScorerSettings
    clock: BusinessClock
    access: Access
    metrics: Metrics
    log: Any
    opened_store: DecisionStore | None = None
    store_error: StoreError | None = None
    serving: Serving | None = None
    oldest_live_day: int = 0
    troubles: dict[str, str] = field(default_factory=dict)
    turns: Turns = field(default_factory=Turns)

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

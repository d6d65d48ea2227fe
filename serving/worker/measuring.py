"""The poller's last step: read the decision store, and set the gauges of the service."""

from collections import Counter

from antifraud.artifacts.pointer import find_champion, read_pointer
from antifraud.artifacts.policies import count_activations
from antifraud.artifacts.state_export import read_state_pointer
from antifraud.clock import DAY_SECONDS
from antifraud.errors import DataError, ReleaseError, StoreForeign
from antifraud.killswitch.machine import Mode, Switch, release_in_service
from antifraud.policy.errors import PolicyError
from antifraud.settings.serving import ScorerSettings
from serving.store.outbox import count_by_subscriber
from serving.store.port import DecisionStore
from serving.store.signals import ALARMS, SIGNALS
from serving.worker.gauges import Gauges
from serving.worker.guard_watch import GUARD
from serving.worker.reports import WALL_CLOCK, Report, have_converged, read_measurements, read_workers
from serving.worker.services import Services


def measure(services: Services) -> bool:
    """Set all gauges that tell about the store, the workers and the guard. Return True.

    Raises:
        StoreError: The store cannot be used. The gauges keep their values, except that the service is suspended if
            the store is not its own.
    """
    # Before the store, which may be away: hits were counted for decisions that are made.
    services.metrics.count_hits()
    gauges = services.metrics.gauges
    try:
        store = services.store
    except StoreForeign:
        gauges.show_mode(Mode.SUSPENDED)
        raise
    gauges.show_switch(store.switch())
    gauges.show_store(store.fill(), store.sizes())
    _measure_outbox(store, gauges)
    _measure_processes(services, store, gauges)
    return True


def show_state(services: Services, cutoff: int) -> None:
    """Show the age of a state, as the wall time when its last day ended; business time may stand in the past."""
    gauges, behind = services.metrics.gauges, WALL_CLOCK.now() - services.clock.now()
    gauges.cutoff.set(cutoff)
    gauges.cutoff_end.set((cutoff + 1) * DAY_SECONDS + behind)


def has_converged(settings: ScorerSettings, workers: list[Report], switch: Switch) -> bool:
    """Return whether all workers use what the switch and the pointers name, and have seen the switch's epoch."""
    try:
        pointer, state = read_pointer(settings.releases_dir), read_state_pointer(settings.state_dir)
        policy = count_activations(settings.policies_dir)
    # No worker can use what a broken pointer names; `troubles` tells about it.
    except (ReleaseError, DataError, PolicyError):
        return False
    release = release_in_service(switch, find_champion(pointer, switch))
    return have_converged(workers, release, state, switch.epoch, policy)


def _measure_outbox(store: DecisionStore, gauges: Gauges) -> None:
    outbox = store.outbox
    dead = Counter(letter.subscriber for letter in outbox.dead_letters())
    gauges.show_outbox(len(outbox.notifications()), count_by_subscriber(outbox.deliveries()), dead)


def _measure_processes(services: Services, store: DecisionStore, gauges: Gauges) -> None:
    reports = store.reports()
    services.guard.listen(reports.get(GUARD))
    gauges.show_guard(services.guard.describe(), is_silent=services.guard.is_silent)
    gauges.show_lease(store.lease.read().epoch)
    gauges.show_signals(read_measurements(reports.get(SIGNALS)) | read_measurements(reports.get(ALARMS)))
    workers = read_workers(reports.items(), WALL_CLOCK.now()).alive
    releases = Counter(worker["release"] for worker in workers if worker["release"])
    converged = has_converged(services.settings, workers, store.switch())
    gauges.show_workers(releases, converged=converged)

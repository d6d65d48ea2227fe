"""The entry point of a Gunicorn worker after its fork: ``gunicorn -c serving/gunicorn_conf.py`` names it."""

import atexit
import os
from typing import Final

from flask import Flask

from antifraud.keys.access import Access
from antifraud.killswitch.signals import Policy, SignalName
from antifraud.settings.serving import ScorerSettings
from serving.app import create_app
from serving.logs import json_logger
from serving.worker.guard_watch import GuardWatch
from serving.worker.metrics import Metrics
from serving.worker.poller import Poller
from serving.worker.services import Services

FIRST_TRY_SECONDS: Final = 300.0
"""Far longer than a state takes; only storage that hangs takes longer."""


def start() -> Flask:
    """Return the app of this worker with a running poller, after the poller has tried once to load everything.

    Gunicorn accepts connections when this returns. If something is missing or broken, the worker starts nevertheless
    and answers 503 until the poller has it.

    Raises:
        SettingsError: A setting is malformed.
    """
    settings = ScorerSettings.from_environment(os.environ)
    clock = settings.clock
    metrics = Metrics()
    log = json_logger("scorer", metrics.dropped_lines.inc)
    watched = settings.policies[SignalName.GUARD_SILENT] is not Policy.OFF
    services = Services(settings, clock, Access(), metrics, log, guard=GuardWatch(is_watched=watched))
    poller = Poller(services)
    poller.start()
    atexit.register(_close_store, poller, services)
    # In the poller's thread, so that a signal ends a worker that is still loading.
    poller.wait_for_first_try(FIRST_TRY_SECONDS)
    return create_app(services)


def _close_store(poller: Poller, services: Services) -> None:
    """Close the store, so that nobody has to examine it when it is opened again."""
    poller.stop()
    if services.opened_store is not None:
        services.opened_store.close()

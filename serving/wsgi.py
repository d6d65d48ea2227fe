"""The entry point of a Gunicorn worker after its fork: ``gunicorn -c serving/gunicorn_conf.py`` names it."""

import os

from flask import Flask

from antifraud.clock import BusinessClock
from antifraud.keys.access import load_access
from antifraud.settings.serving import ScorerSettings
from serving.app import create_app
from serving.logs import json_logger
from serving.worker.metrics import Metrics
from serving.worker.poller import Poller
from serving.worker.services import Services


def start() -> Flask:
    """Return the app of this worker with a running poller, whose first poll opens the store and loads the release.

    Raises:
        SettingsError: A setting is malformed, or there is no access file.
    """
    settings = ScorerSettings.from_environment(os.environ)
    clock = BusinessClock(settings.clock_offset_seconds)
    services = Services(settings, clock, load_access(settings.access_path), Metrics(), json_logger("scorer"))
    Poller(services).start()
    return create_app(services)

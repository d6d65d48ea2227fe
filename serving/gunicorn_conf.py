"""Gunicorn's configuration: two workers with threads on the loopback interface, or on the address in ``SCORER_BIND``.

The app is not preloaded, because neither LMDB nor the poller's thread survives a fork.
"""

import os
import shutil
import signal
import sys
from typing import Any

from antifraud.errors import SettingsError
from antifraud.keys.access import load_access
from antifraud.settings.serving import ScorerSettings
from serving.worker.metrics_folder import MEMORY, VARIABLE, choose_parent, is_usable, make_folder
from serving.worker.process import HANDOVER

_settings = ScorerSettings.from_environment(os.environ)

wsgi_app = "serving.wsgi:start()"
bind = os.environ.get("SCORER_BIND", "127.0.0.1:8080")
workers = 2
worker_class = "serving.worker.process.ScorerWorker"
threads = 4  # more of them wait for the interpreter: eight decide a fifth less
preload_app = False
timeout = 30
graceful_timeout = 10
keepalive = 15  # longer than clients keep an idle connection, so that they close it first; and the time for a request
forwarded_allow_ips = ""  # no client may set the scheme or the script's name, not even one on this machine
accesslog = None  # the app logs requests itself: Gunicorn would log paths, which hold ids
logger_class = "serving.worker.gunicorn_log.QuietLogger"
control_socket_disable = True
# A sign of life must not need a disk that may be full.
worker_tmp_dir = str(MEMORY) if is_usable(MEMORY) else None


def on_starting(server: Any) -> None:
    """Require an access file, and begin with empty counters, in a folder of this run."""
    try:
        load_access(_settings.access_path)
    except SettingsError as error:
        # Only here: a worker that starts later must not end the service because of a file that is being written.
        server.log.error("%s", error)  # noqa: TRY400 the message says all
        sys.exit(error.exit_code)
    os.environ[VARIABLE] = str(make_folder(choose_parent(_settings, server.log), _settings.home.resolve()))


def when_ready(server: Any) -> None:
    """Let workers hear of a stop at once, also while the master is busy with a reload."""

    def stop(number: int, frame: Any) -> None:
        HANDOVER.stop()
        server.signal(number, frame)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, stop)


def on_reload(server: Any) -> None:
    """Keep the old workers until the new ones can decide."""
    HANDOVER.begin(server.worker_age, server.cfg.workers)


def child_exit(_server: Any, worker: Any) -> None:
    """Remove a dead worker's gauges from ``/metrics``."""
    # prometheus-client chooses its mode on its first import, by the variable that on_starting sets.
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(_server: Any) -> None:
    """Remove the metrics of this run."""
    shutil.rmtree(os.environ[VARIABLE], ignore_errors=True)

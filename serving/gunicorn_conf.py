"""Gunicorn: two synchronous workers on the loopback interface; the address comes from ``SCORER_BIND``.

Not preloaded: LMDB and the poller thread must come to life after the fork.
"""

import os
import shutil
from typing import Any

from antifraud.settings.serving import ScorerSettings

_metrics_dir = ScorerSettings.from_environment(os.environ).under_home("run", "scorer-metrics")

wsgi_app = "serving.wsgi:start()"
bind = os.environ.get("SCORER_BIND", "127.0.0.1:8080")
workers = 2
worker_class = "sync"
preload_app = False
timeout = 30
graceful_timeout = 10
keepalive = 2
accesslog = None  # the app logs requests itself, without paths
control_socket_disable = True


def on_starting(_server: Any) -> None:
    """Begin with empty counters: files of dead workers of an earlier life would be added up."""
    shutil.rmtree(_metrics_dir, ignore_errors=True)
    _metrics_dir.mkdir(parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_metrics_dir)


def child_exit(_server: Any, worker: Any) -> None:
    """Take a dead worker's gauges out of ``/metrics``."""
    # Imported here: prometheus-client chooses its mode when it is first imported, by the variable set above.
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]

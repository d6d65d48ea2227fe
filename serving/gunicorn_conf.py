"""Gunicorn's configuration: two synchronous workers on the loopback interface, or on the address in ``SCORER_BIND``.

The app is not preloaded, because neither LMDB nor the poller's thread survives a fork.
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
accesslog = None  # the app logs requests itself: Gunicorn would log paths, which hold ids
control_socket_disable = True


def on_starting(_server: Any) -> None:
    """Begin with empty counters: prometheus-client would add the files of an earlier run's workers."""
    shutil.rmtree(_metrics_dir, ignore_errors=True)
    _metrics_dir.mkdir(parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_metrics_dir)


def child_exit(_server: Any, worker: Any) -> None:
    """Remove a dead worker's gauges from ``/metrics``."""
    # prometheus-client chooses its mode on its first import, by the variable that on_starting sets.
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]

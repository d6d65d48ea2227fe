"""A Flask app with a view that returns a constant, for the scorer's own Gunicorn configuration."""

from types import SimpleNamespace

from flask import Flask

from serving.logs import json_logger
from serving.worker.metrics import Metrics

BODY_BYTES = 1 << 18


def start() -> Flask:
    """Return the app; its worker can decide from the start."""
    app = Flask(__name__, static_folder=None)
    # The scorer's worker asks its app for these.
    settings = SimpleNamespace(max_body_bytes=BODY_BYTES)
    app.extensions["antifraud"] = SimpleNamespace(
        can_decide=True, settings=settings, metrics=Metrics(), log=json_logger("no-op")
    )
    for path, methods in (("/v1/decisions", ["POST"]), ("/readyz", ["GET"])):
        app.add_url_rule(path, path, lambda: b"{}", methods=methods)
    return app

"""A Flask app with a view that returns a constant, for the scorer's own Gunicorn configuration."""

from types import SimpleNamespace

from flask import Flask


def start() -> Flask:
    """Return the app; its worker can decide from the start."""
    app = Flask(__name__, static_folder=None)
    app.extensions["antifraud"] = SimpleNamespace(can_decide=True)
    for path, methods in (("/v1/decisions", ["POST"]), ("/readyz", ["GET"])):
        app.add_url_rule(path, path, lambda: b"{}", methods=methods)
    return app

"""Application factory: the one place where the scorer is assembled."""

from time import perf_counter
from typing import Final

from flask import Flask, Response
from flask.globals import app_ctx, request_ctx
from werkzeug.exceptions import NotFound

from antifraud.api.state import HEADER as STATE
from serving.api import batches, decisions, documents, labels, outcomes, problems, status, switch
from serving.api.scorer import Scorer
from serving.worker.request_id import HEADER, VARIABLE, choose_request_id
from serving.worker.services import Services
from serving.worker.state_header import StateHeader

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def create_app(services: Services) -> Flask:
    """Wire blueprints, problems and the request log around `services`; tests pass their own."""
    app = Scorer(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = services.settings.max_body_bytes
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    # No path is corrected: a redirect would repeat the path and name the host that the client claims.
    app.url_map.merge_slashes = False
    app.extensions["antifraud"] = services
    for module in (decisions, batches, labels, outcomes, switch, status, documents):
        app.register_blueprint(module.bp)
    problems.register(app)
    _log_requests(app, services)
    return app


def _log_requests(app: Flask, services: Services) -> None:
    """Log one line for each request, with the pattern of the route: its path may hold an id, which is never logged.

    Each answer also gets the headers that every answer has.
    """
    state = StateHeader()

    @app.before_request
    def begin() -> None:
        # Each attribute of `g` and `request` is looked up by way of the context, so they are asked for themselves.
        known, environ = app_ctx.g, request_ctx.request.environ
        known.began = perf_counter()
        known.request_id = choose_request_id(environ.get(VARIABLE))
        # Werkzeug drops further slashes at the beginning, and a proxy that hides a path may not know that.
        if environ["PATH_INFO"].startswith("//"):
            raise NotFound

    @app.after_request
    def log(response: Response) -> Response:
        known, asked = app_ctx.g, request_ctx.request
        response.headers[HEADER] = known.request_id
        response.headers[STATE] = state.text(services, known.get("switch"))
        services.metrics.count_request(known.get("client"), response.status_code)
        services.log.info(
            "request",
            request_id=known.request_id,
            # A method may be any word of the client.
            method=asked.method if asked.method in METHODS else None,
            # The pattern, such as /v1/decisions/<id>, never the path.
            route=asked.url_rule.rule if asked.url_rule else None,
            status=response.status_code,
            client=known.get("client"),
            ms=round((perf_counter() - known.began) * 1_000, 2),
        )
        return response

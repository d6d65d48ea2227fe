"""Application factory: the one place where the scorer is assembled."""

from collections.abc import Callable
from time import perf_counter
from typing import Any, Final

from flask import Flask, Response, g, request
from werkzeug.exceptions import NotFound

from serving.api import decisions, documents, labels, problems, status, switch
from serving.api.request_id import HEADER, choose_request_id
from serving.worker.services import Services

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Scorer(Flask):
    """A Flask app without coroutines: asking whether a function is one takes longer than calling it."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function as it is."""
        return func


def create_app(services: Services) -> Flask:
    """Wire blueprints, problems and the request log around `services`; tests pass their own."""
    app = Scorer(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = services.settings.max_body_bytes
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    # No path is corrected: a redirect would repeat the path and name the host that the client claims.
    app.url_map.merge_slashes = False
    app.extensions["antifraud"] = services
    for module in (decisions, labels, switch, status, documents):
        app.register_blueprint(module.bp)
    problems.register(app)
    _log_requests(app, services)
    return app


def _log_requests(app: Flask, services: Services) -> None:
    """Log one line for each request, with the pattern of the route: its path may hold an id, which is never logged."""

    @app.before_request
    def begin() -> None:
        g.began = perf_counter()
        g.request_id = choose_request_id(request.headers.get(HEADER))
        # Werkzeug drops further slashes at the beginning, and a proxy that hides a path may not know that.
        if request.environ["PATH_INFO"].startswith("//"):
            raise NotFound

    @app.after_request
    def log(response: Response) -> Response:
        response.headers[HEADER] = g.request_id
        services.metrics.count_request(g.get("client"), response.status_code)
        services.log.info(
            "request",
            request_id=g.request_id,
            # A method may be any word of the client.
            method=request.method if request.method in METHODS else None,
            # The pattern, such as /v1/decisions/<id>, never the path.
            route=request.url_rule.rule if request.url_rule else None,
            status=response.status_code,
            client=g.get("client"),
            ms=round((perf_counter() - g.began) * 1_000, 2),
        )
        return response

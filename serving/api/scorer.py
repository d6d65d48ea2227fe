"""The scorer's kind of Flask app: it leaves out what a service without pages, cookies and redirects never needs."""

from collections.abc import Callable
from typing import Any

from flask import Flask, Request, Response
from flask.sessions import NullSession, SessionInterface
from werkzeug.datastructures import Headers
from werkzeug.routing import MapAdapter


class NoSession(SessionInterface):
    """No request has a session; one that is never changed stands for all of them."""

    _none = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:  # noqa: ARG002 Flask calls it with these
        """Return the session that is always empty."""
        return self._none


class Answer(Response):
    """A response with a body of known length, and without headers that name a place."""

    def get_wsgi_headers(self, environ: Any) -> Headers:  # noqa: ARG002 Werkzeug calls it with this
        """Return the headers as they are: the length was set together with the body."""
        return self.headers


class Scorer(Flask):
    """A Flask app without coroutines, sessions, and hooks of blueprints: asking for them takes longer than a view."""

    response_class = Answer
    session_interface = NoSession()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function as it is."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Return what finds the view of a request by its path; no URL is built, so the client's host is not asked."""
        if request is None:
            return None
        path, method = request.environ.get("PATH_INFO", ""), request.method
        return MapAdapter(self.url_map, "", "/", "", request.scheme, path, method)

    def preprocess_request(self) -> None:
        """Run the app's hooks before a request."""
        for hook in self.before_request_funcs.get(None, ()):
            hook()

    def process_response(self, response: Response) -> Response:
        """Run the app's hooks after a request."""
        for hook in self.after_request_funcs.get(None, ()):
            response = hook(response)  # type: ignore[assignment]
        return response

"""Problems: every refusal is one JSON document of RFC 9457, without any value that a client sent."""

from typing import Final

import msgspec
from flask import Flask, Response, current_app, g
from werkzeug.exceptions import HTTPException

from antifraud.api.problems import GENERAL, KINDS, PROBLEM_JSON, document_of
from antifraud.errors import StaleEpoch, StoreBusy, StoreError, StoreForeign, TransitionRefused
from serving.logs import raised_at

WAIT_FOR_A_PERSON: Final = {"Retry-After": "30"}


class Problem(Exception):
    """An HTTP answer that refuses a request; it ends a view, never a process, so it has no exit code.

    `kind` is a name in `antifraud.api.problems.KINDS`, `field` the part of the request at fault.
    """

    def __init__(self, kind: str, detail: str, field: str | None = None, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.kind, self.detail, self.field = kind, detail, field
        self.headers = headers or {}

    def response(self) -> Response:
        """Return the problem as a response."""
        document = document_of(self.kind, self.detail, field=self.field, request_id=g.get("request_id"))
        body = msgspec.json.encode(document)
        return Response(body, document.status, headers=self.headers, content_type=PROBLEM_JSON)


def not_ready(detail: str) -> Problem:
    """Return a problem with status 503: no release, no state or no store yet."""
    return Problem("not-ready", detail, headers={"Retry-After": "1"})


def register(app: Flask) -> None:
    """Make `app` answer every error with a problem."""

    @app.errorhandler(Problem)
    def answer_problem(problem: Problem) -> Response:
        return _answer(problem)

    @app.errorhandler(StoreError)
    def answer_store_error(error: StoreError) -> Response:
        if isinstance(error, StaleEpoch | TransitionRefused):
            kind = "stale-epoch" if isinstance(error, StaleEpoch) else "transition-refused"
            return _answer(Problem(kind, str(error)))
        if isinstance(error, StoreForeign):
            return _answer(Problem("suspended", f"the service is suspended: {error}", headers=WAIT_FOR_A_PERSON))
        wait = {"Retry-After": "1" if isinstance(error, StoreBusy) else "5"}
        return _answer(Problem("store-unusable", str(error), headers=wait))

    @app.errorhandler(HTTPException)
    def answer_http_error(error: HTTPException) -> Response:
        # Werkzeug's own description and most of its headers may repeat parts of the request, so they are left out.
        kind = GENERAL.get(error.code or 0, "internal")
        allow = dict(error.get_headers()).get("Allow")
        return _answer(Problem(kind, KINDS[kind].meaning, headers={"Allow": allow} if allow else {}))

    @app.errorhandler(Exception)
    def answer_defect(error: Exception) -> Response:
        # Only type and place are logged: a library may have put a value into the message.
        current_app.extensions["antifraud"].log.error(
            "unexpected", request_id=g.get("request_id"), error=type(error).__name__, where=raised_at(error)
        )
        return _answer(Problem("internal", "the scorer failed and decided nothing: send the same id again"))


def _answer(problem: Problem) -> Response:
    current_app.extensions["antifraud"].metrics.problems.labels(problem.kind).inc()
    return problem.response()

"""Bearer tokens: identify the client, and refuse a request without the right scope."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import g, request

from antifraud.keys.access import Caller, Scope
from serving.api.problems import Problem, not_ready
from serving.worker.services import current_services

P = ParamSpec("P")
R = TypeVar("R")


def require_scope(*scopes: Scope) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a view answer only clients with one of the `scopes`; the view finds name, namespace and scopes in ``g``.

    In the view, an unknown token raises Problem 401, and one that lacks all of the scopes raises Problem 403.
    """

    def protect(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def answer(*args: P.args, **kwargs: P.kwargs) -> R:
            caller = require_caller(*scopes)
            g.client, g.namespace, g.scopes = caller.client, caller.namespace, caller.scopes
            return view(*args, **kwargs)

        return answer

    return protect


def require_caller(*scopes: Scope) -> Caller:
    """Return the client of the current request.

    Raises:
        Problem: 401 if the token is unknown, 403 if it has none of the scopes, 503 if no access file was read yet.
    """
    access = current_services().access
    if access.callers is None:
        raise not_ready("no access file was read yet: no token is known")
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    caller = access.caller_of(token) if kind.lower() == "bearer" and token else None
    if caller is None:
        detail = "a known bearer token is needed in the Authorization header"
        raise Problem("unauthorised", detail, headers={"WWW-Authenticate": "Bearer"})
    if caller.scopes.isdisjoint(scopes):
        raise Problem("forbidden", f"this token lacks the scope {' or '.join(scopes)}")
    return caller

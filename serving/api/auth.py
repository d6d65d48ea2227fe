"""Bearer tokens: who calls, and whether the scope suffices."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import g, request

from antifraud.keys.access import Scope
from serving.api.problems import Problem
from serving.worker.services import current_services

P = ParamSpec("P")
R = TypeVar("R")


def require_scope(scope: Scope) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a view answer only callers with `scope`; ``g.client`` is then their name.

    Raises (in the view): Problem 401 without a known token, 403 with one that lacks the scope.
    """

    def guard(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            g.client = _require_client(scope)
            return view(*args, **kwargs)

        return guarded

    return guard


def _require_client(scope: Scope) -> str:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    caller = current_services().access.caller_of(token) if kind.lower() == "bearer" and token else None
    if caller is None:
        detail = "a known bearer token is needed in the Authorization header"
        raise Problem(401, "unauthorised", detail, headers={"WWW-Authenticate": "Bearer"})
    if scope not in caller.scopes:
        raise Problem(403, "forbidden", f"this token lacks the scope {scope}")
    return caller.client

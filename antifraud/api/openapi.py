"""The OpenAPI 3.1 document, made from the types and the table of calls: ``/openapi.json``, docs/openapi.json."""

import inspect
import json
from collections import defaultdict
from functools import cache
from typing import Any, Final

import msgspec

from antifraud.api.fields import schema_of
from antifraud.api.operations import JSON, OPERATIONS, Operation
from antifraud.api.problems import KINDS, PROBLEM_JSON, ProblemDocument
from antifraud.api.state import HEADER as STATE
from antifraud.transaction_id import TRANSACTION_ID_PATTERN

VERSION: Final = "1"
"""Version of the interface, as in its paths. Answers may gain fields without another one."""
REFERENCE: Final = "#/components/schemas/{name}"
INTRODUCTION: Final = (
    "Decisions about card payments. Customers and terminals are tokens, which the client makes from its identifiers. "
    "Answers may gain fields: ignore the ones that you do not know."
)
REQUEST_ID: Final = {
    "name": "X-Request-Id",
    "in": "header",
    "description": "Id of this request for logs: 1 to 64 letters, digits and `. _ : -`. Another value is replaced.",
    "schema": {"type": "string"},
}
TRANSACTION_ID: Final = {
    "name": "transaction_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": f"^{TRANSACTION_ID_PATTERN}$"},
}
HEADERS: Final[dict[str, dict[str, Any]]] = {
    "X-Request-Id": {"description": "Id of the request, as it was sent or made.", "schema": {"type": "string"}},
    STATE: {
        "description": "State of the service: mode, epoch, time and cause of the last change, warnings. A dictionary "
        "of RFC 9651, such as `mode=SUSPENDED, epoch=7, since=1767225600, cause=trip, warnings=(guard_silent)`.",
        "schema": {"type": "string"},
    },
    "Idempotent-Replayed": {
        "description": "Present if the transaction had been decided before.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Retry-After": {"description": "Seconds to wait, or a date.", "schema": {"type": "string"}},
}


@cache
def openapi_text() -> str:
    """Return the document as JSON."""
    return json.dumps(openapi_document(), indent=2, ensure_ascii=False) + "\n"


def openapi_document() -> dict[str, Any]:
    """Return the OpenAPI document of the interface."""
    paths: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for operation in OPERATIONS:
        paths[operation.path][operation.method.lower()] = _describe(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Antifraud scorer", "version": VERSION, "description": INTRODUCTION},
        "paths": dict(paths),
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _schemas() -> dict[str, Any]:
    types = [kind for o in OPERATIONS for kind in (o.request, o.answer) if kind is not None]
    _, schemas = msgspec.json.schema_components(
        [*types, ProblemDocument], schema_hook=schema_of, ref_template=REFERENCE
    )
    return {name: _clean(schema) for name, schema in sorted(schemas.items())}


def _clean(part: Any) -> Any:
    """Return a part of a schema with patterns for JavaScript, and descriptions without the indentation of code."""
    if isinstance(part, list | tuple):
        return [_clean(each) for each in part]
    if not isinstance(part, dict):
        return part
    cleaned = {name: _clean(value) for name, value in part.items()}
    if isinstance(part.get("pattern"), str):
        cleaned["pattern"] = pattern_for_javascript(part["pattern"])
    if isinstance(part.get("description"), str):
        cleaned["description"] = inspect.cleandoc(part["description"])
    return cleaned


def pattern_for_javascript(pattern: str) -> str:
    r"""Return a pattern that matches a whole text, with the anchors of JavaScript.

    >>> pattern_for_javascript(r"\Ak[0-9]\Z")
    '^k[0-9]$'
    """
    inner = pattern.removeprefix(r"\A").removesuffix(r"\Z")
    if pattern != rf"\A{inner}\Z":
        raise ValueError(rf"the pattern {pattern} does not match whole texts: begin it with \A and end it with \Z")
    return f"^{inner}$"


def _describe(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {"operationId": operation.name, "summary": operation.summary}
    if operation.scope:
        described["description"] = f"Needs a token with the scope `{operation.scope}`."
    described["security"] = [{"token": []}] if operation.scope else []
    described["parameters"] = [REQUEST_ID] + ([TRANSACTION_ID] if "{transaction_id}" in operation.path else [])
    if operation.request:
        content = {JSON: {"schema": _reference(operation.request)}}
        described["requestBody"] = {"required": True, "content": content}
    described["responses"] = {"200": _success(operation), **_failures(operation)}
    return described


def _reference(kind: type) -> dict[str, str]:
    return {"$ref": REFERENCE.format(name=kind.__name__)}


def _success(operation: Operation) -> dict[str, Any]:
    schema = _reference(operation.answer) if operation.answer else {"type": "string"}
    if operation.media == JSON and operation.answer is None:
        schema = {"type": "object"}
    names = ("X-Request-Id", STATE, *(("Idempotent-Replayed",) if operation.name == "decide" else ()))
    return {
        "description": operation.answer.__name__ if operation.answer else operation.media,
        "headers": {name: HEADERS[name] for name in names},
        "content": {operation.media: {"schema": schema}},
    }


def _failures(operation: Operation) -> dict[str, Any]:
    """Return the responses of an operation that are problems, by status."""
    by_status: defaultdict[int, list[str]] = defaultdict(list)
    for name in operation.all_problems:
        by_status[KINDS[name].status].append(name)
    return {str(status): _failure(names) for status, names in sorted(by_status.items())}


def _failure(names: list[str]) -> dict[str, Any]:
    return {
        "description": "; ".join(f"`{name}`: {KINDS[name].meaning}" for name in names),
        "headers": {name: HEADERS[name] for name in ("X-Request-Id", STATE, "Retry-After")},
        "content": {PROBLEM_JSON: {"schema": _reference(ProblemDocument)}},
    }

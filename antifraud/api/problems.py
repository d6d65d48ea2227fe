"""Problems: every refusal is one JSON document of RFC 9457, of one of the kinds below. docs/problems.md lists them.

A kind keeps its name for ever, because clients compare it. A new kind is one entry in `KINDS`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from msgspec import UNSET, Struct, UnsetType

PROBLEM_JSON: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:antifraud:problem:"
AGAIN: Final = "send the same request again, after `Retry-After` if the answer has it"
CORRECT: Final = "correct the request"


class ProblemDocument(Struct, frozen=True, omit_defaults=True):
    """A refusal. It holds no value that a client sent, except the request id.

    `type` names the kind. `field` is the part of the request at fault. If the service cannot decide, `cause` is the
    class of the reason, and `since` the time since when it cannot, in UTC seconds.
    """

    type: str
    title: str
    status: int
    detail: str
    field: str | UnsetType = UNSET
    request_id: str | UnsetType = UNSET
    cause: str | UnsetType = UNSET
    since: int | UnsetType = UNSET


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """A kind of problem.

    Attributes:
        status: HTTP status of the answer.
        title: Summary in a few words.
        meaning: When it is answered.
        remedy: The next step of the client.
    """

    status: int
    title: str
    meaning: str
    remedy: str


KINDS: Final[Mapping[str, ProblemKind]] = {
    "bad-request": ProblemKind(400, "Malformed request", "the request is not one of HTTP", CORRECT),
    "not-json": ProblemKind(400, "Not JSON", "the body is not a JSON document in UTF-8", CORRECT),
    "unauthorised": ProblemKind(
        401, "Unknown token", "no bearer token that is known here was sent", "send the token of your access entry"
    ),
    "forbidden": ProblemKind(
        403, "Scope is missing", "the token lacks the scope of this call", "use a token with that scope"
    ),
    "not-found": ProblemKind(
        404, "Not found", "there is no such path, or no decision about this transaction", "correct the path or the id"
    ),
    "method-not-allowed": ProblemKind(
        405, "Method not allowed", "this path has other methods", "use a method that `Allow` names"
    ),
    "request-timeout": ProblemKind(408, "Too slow", "the request did not arrive in time", AGAIN),
    "other-payload": ProblemKind(
        409,
        "Id of another payload",
        "this transaction id was decided for another payload",
        "use a new id for another transaction, such as `<day>:<id>` if your ids restart every day",
    ),
    "stale-epoch": ProblemKind(
        409,
        "Switch has changed",
        "the switch has changed since its epoch was read",
        "read `/v1/status` and decide anew",
    ),
    "transition-refused": ProblemKind(
        409,
        "Impossible change",
        "the switch cannot change from its present mode to the requested one",
        "read `/v1/status`",
    ),
    "length-required": ProblemKind(411, "Length is missing", "the body has no announced length", CORRECT),
    "request-entity-too-large": ProblemKind(
        413, "Body is too large", "the body is larger than the scorer accepts", "send less in one request"
    ),
    "request-uri-too-long": ProblemKind(414, "Path is too long", "the path is longer than any that is known", CORRECT),
    "unsupported-media-type": ProblemKind(
        415, "Not application/json", "the body has another type or encoding than JSON in UTF-8", CORRECT
    ),
    "expectation-failed": ProblemKind(417, "Unknown expectation", "`Expect` names more than 100-continue", CORRECT),
    "invalid": ProblemKind(
        422, "Invalid field", "a field is missing, unknown or wrong; `field` names it", "correct the field"
    ),
    "unknown-key": ProblemKind(
        422,
        "Unknown key id",
        "a token was made with a key that the scorer's state does not know",
        "load the key ring that is in use; see the rotation of keys in the runbook",
    ),
    "too-many-requests": ProblemKind(429, "Too many requests", "the client sends more than it may", AGAIN),
    "request-header-fields-too-large": ProblemKind(
        431, "Headers are too large", "the headers are larger than the scorer accepts", CORRECT
    ),
    "internal": ProblemKind(500, "Defect of the scorer", "the scorer failed and decided nothing", AGAIN),
    "not-implemented": ProblemKind(
        501, "Unknown transfer coding", "the body has a transfer coding other than chunked", CORRECT
    ),
    "bad-gateway": ProblemKind(502, "No answer", "a proxy got no answer from the scorer", AGAIN),
    "suspended": ProblemKind(
        503, "Suspended", "the service is suspended and makes no decisions", "decide without it, ask again later"
    ),
    "not-ready": ProblemKind(503, "Not ready", "a release, a state or the store is not loaded yet", AGAIN),
    "store-unusable": ProblemKind(503, "Store is unusable", "the decision store cannot be read or written", AGAIN),
    "gateway-timeout": ProblemKind(504, "No answer in time", "a proxy got no answer from the scorer in time", AGAIN),
}
"""Kinds by name."""
GENERAL: Final[Mapping[int, str]] = {
    KINDS[name].status: name
    for name in (
        "bad-request",
        "not-found",
        "method-not-allowed",
        "request-timeout",
        "length-required",
        "request-entity-too-large",
        "request-uri-too-long",
        "unsupported-media-type",
        "too-many-requests",
        "request-header-fields-too-large",
        "internal",
    )
}
"""The kind of an HTTP error that is no more than its status."""


def document_of(
    name: str,
    detail: str,
    *,
    field: str | None = None,
    request_id: str | None = None,
    cause: str | None = None,
    since: int | None = None,
) -> ProblemDocument:
    """Return the document of a problem.

    >>> document_of("not-json", "the body is not JSON").type
    'urn:antifraud:problem:not-json'
    """
    kind = KINDS[name]
    return ProblemDocument(
        TYPE_PREFIX + name,
        kind.title,
        kind.status,
        detail,
        field or UNSET,
        request_id or UNSET,
        cause or UNSET,
        UNSET if since is None else since,
    )

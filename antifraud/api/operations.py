"""The calls of the interface: path, scope, request, answer, and the problems that each can end with."""

from dataclasses import dataclass
from typing import Final

from antifraud.api.batches import BatchAnswer, BatchRequest
from antifraud.api.decisions import Answer, DecisionRequest
from antifraud.api.labels import LabelsAnswer, LabelsRequest
from antifraud.api.outcomes import OutcomesAnswer, OutcomesRequest
from antifraud.api.service import ProbeAnswer, StatusAnswer, SwitchAnswer, SwitchRequest
from antifraud.keys.access import Scope

JSON: Final = "application/json"
ALWAYS: Final = (
    "bad-gateway",
    "bad-request",
    "gateway-timeout",
    "internal",
    "method-not-allowed",
    "not-ready",
    "request-header-fields-too-large",
    "request-timeout",
    "too-many-requests",
)
"""Problems of every call: also proxies answer some of them."""
WITH_TOKEN: Final = ("forbidden", "unauthorised")
WITH_BODY: Final = (
    "expectation-failed",
    "invalid",
    "length-required",
    "not-implemented",
    "not-json",
    "request-entity-too-large",
    "unsupported-media-type",
)
FROM_STORE: Final = ("not-ready", "store-unusable", "suspended")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A call.

    Attributes:
        name: Its name in generated clients.
        method: HTTP method.
        path: Path; a name in braces is a parameter.
        summary: Its effect in one sentence.
        scope: Scope that the token needs; None if no token is needed.
        request: Type of the body.
        answer: Type of the answer; None if the answer is no JSON.
        media: Content type of the answer.
        problems: Kinds of problems that this call has in addition to the common ones.
    """

    name: str
    method: str
    path: str
    summary: str
    scope: Scope | None = None
    request: type | None = None
    answer: type | None = None
    media: str = JSON
    problems: tuple[str, ...] = ()

    @property
    def all_problems(self) -> list[str]:
        """Every kind of problem that the call can end with."""
        common = ALWAYS + (WITH_TOKEN if self.scope else ()) + (WITH_BODY if self.request else ())
        return sorted({*common, *self.problems})


OPERATIONS: Final = (
    Operation(
        name="decide",
        method="POST",
        path="/v1/decisions",
        summary="Decide a transaction once; a repeat of the same request gets the same answer.",
        scope="decide",
        request=DecisionRequest,
        answer=Answer,
        problems=("other-payload", "unknown-key", *FROM_STORE),
    ),
    Operation(
        name="decideBatch",
        method="POST",
        path="/v1/decisions/batch",
        summary="Decide up to a thousand transactions; each has a result of its own, and a bad one spoils no other.",
        scope="decide",
        request=BatchRequest,
        answer=BatchAnswer,
        problems=FROM_STORE,
    ),
    Operation(
        name="readDecision",
        method="GET",
        path="/v1/decisions/{transaction_id}",
        summary="Read the stored decision about a transaction, also while the service is suspended.",
        scope="read",
        answer=Answer,
        problems=("not-found", *FROM_STORE),
    ),
    Operation(
        name="tellOutcomes",
        method="POST",
        path="/v1/outcomes",
        summary="Tell the outcomes of payments: declined ones count no more in the history of later events.",
        scope="decide",
        request=OutcomesRequest,
        answer=OutcomesAnswer,
        problems=FROM_STORE,
    ),
    Operation(
        name="label",
        method="POST",
        path="/v1/labels",
        summary="Send labels of transactions that were decided.",
        scope="label",
        request=LabelsRequest,
        answer=LabelsAnswer,
        problems=FROM_STORE,
    ),
    Operation(
        name="changeSwitch",
        method="POST",
        path="/v1/switch",
        summary="Suspend, resume, roll back or only observe; a token of the scope `judge` only recovers from a trip.",
        scope="admin",
        request=SwitchRequest,
        answer=SwitchAnswer,
        problems=("stale-epoch", "transition-refused", *FROM_STORE),
    ),
    Operation(
        name="status",
        method="GET",
        path="/v1/status",
        summary="Read what the service is doing: switch, release, state, counts, workers, evidence.",
        scope="read",
        answer=StatusAnswer,
        problems=FROM_STORE,
    ),
    Operation(
        name="alive", method="GET", path="/healthz", summary="Ask whether the process lives.", answer=ProbeAnswer
    ),
    Operation(
        name="ready",
        method="GET",
        path="/readyz",
        summary="Ask whether the worker that answers can decide.",
        answer=ProbeAnswer,
        problems=("not-ready",),
    ),
    Operation(
        name="metrics",
        method="GET",
        path="/metrics",
        summary="Read the metrics for Prometheus, beyond loopback addresses with a token of the scope `metrics`.",
        media="text/plain",
        problems=WITH_TOKEN,
    ),
    Operation(name="openapi", method="GET", path="/openapi.json", summary="Read this document."),
    Operation(
        name="documentation", method="GET", path="/docs", summary="Read this document as a page.", media="text/html"
    ),
)
"""All calls, in the order of the page."""

"""``/v1/decisions/batch``: many transactions in one request, each with a result of its own."""

from typing import Annotated, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from antifraud.api.decisions import Answer, DecisionRequest
from antifraud.api.problems import ProblemDocument

MAX_DECISIONS: Final = 1_000


class BatchRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Up to a thousand transactions, which are decided as if they were sent one after the other."""

    decisions: Annotated[list[DecisionRequest], Meta(min_length=1, max_length=MAX_DECISIONS)]


class BatchItem(Struct, frozen=True):
    """The result of one transaction: `status` is what the call for a single decision would have answered.

    There is a `decision` if the status is 200, and a `problem` otherwise. `replayed` means that the transaction had
    been decided before.
    """

    index: int
    status: int
    decision: Answer | UnsetType = UNSET
    problem: ProblemDocument | UnsetType = UNSET
    replayed: bool = False


class BatchAnswer(Struct, frozen=True):
    """The results in the order of the request; `decided` counts those with the status 200."""

    decided: int
    results: list[BatchItem]

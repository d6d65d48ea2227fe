"""``/v1/labels``: outcomes of transactions that were decided."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from antifraud.api.fields import LabelStatus, Propensity, Time, TransactionId

MAX_LABELS: Final = 1_000
CERTAIN: Final = 1.0
"""Propensity of a label that was not drawn at random. This very value is left out of requests."""


class LabelIn(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A client's label of a transaction; `learned_at` is when the client learnt it, in UTC seconds.

    `propensity` is the probability that the transaction got a label, for labels of a random sample: such a label stands
    for ``1 / propensity`` transactions.
    """

    transaction_id: TransactionId
    status: LabelStatus
    learned_at: Time
    propensity: Propensity = CERTAIN


class LabelsRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Up to a thousand labels."""

    labels: Annotated[list[LabelIn], Meta(min_length=1, max_length=MAX_LABELS)]


class RejectedLabel(Struct, frozen=True):
    """A label that was not stored: its place in the request from 0 on, its transaction, and the reason."""

    index: int
    transaction_id: str
    reason: str


class LabelsAnswer(Struct, frozen=True, omit_defaults=True):
    """The number of accepted labels, and the ids that were never decided in the client's namespace.

    A label is accepted if it is stored, now or by an earlier request. `rejected` lists labels that were learnt in the
    future or before their event; all others are stored nevertheless.
    """

    accepted: int
    unknown_transactions: list[str]
    rejected: list[RejectedLabel] = []

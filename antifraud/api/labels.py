"""``/v1/labels``: outcomes of transactions that were decided."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from antifraud.api.fields import LabelStatus, Time, TransactionId

MAX_LABELS: Final = 1_000


class LabelIn(Struct, frozen=True, forbid_unknown_fields=True):
    """A client's label of a transaction; `learned_at` is when the client learnt it, in UTC seconds."""

    transaction_id: TransactionId
    status: LabelStatus
    learned_at: Time


class LabelsRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Up to a thousand labels."""

    labels: Annotated[list[LabelIn], Meta(min_length=1, max_length=MAX_LABELS)]


class LabelsAnswer(Struct, frozen=True):
    """The number of stored labels, and the ids that were never decided in the client's namespace."""

    accepted: int
    unknown_transactions: list[str]

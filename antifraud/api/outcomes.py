"""``/v1/outcomes``: the outcomes of payments after their decision."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from antifraud.api.fields import OutcomeKind, Time, TransactionId

MAX_OUTCOMES: Final = 1_000
OutcomeFault = Literal["in_future", "before_event", "contradiction"]


class OutcomeIn(Struct, frozen=True, forbid_unknown_fields=True):
    """An outcome of a payment; `happened_at` is when it happened, in UTC seconds."""

    transaction_id: TransactionId
    outcome: OutcomeKind
    happened_at: Time


class OutcomesRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Up to a thousand outcomes, in the order in which they are taken."""

    outcomes: Annotated[list[OutcomeIn], Meta(min_length=1, max_length=MAX_OUTCOMES)]


class RejectedOutcome(Struct, frozen=True):
    """An outcome that was not stored: its place in the request from 0 on, its transaction, and why.

    `fault` is ``in_future`` or ``before_event`` if it cannot have happened then, and ``contradiction`` if another
    outcome of the same second says the opposite.
    """

    index: int
    transaction_id: str
    fault: OutcomeFault
    reason: str


class OutcomesAnswer(Struct, frozen=True):
    """The number of accepted outcomes, and what they have changed.

    An outcome is accepted if it is stored, now or by an earlier request; `repeated` counts the latter. `removed`
    payments count no more in the history of later events, `restored` ones count again. `late` outcomes would have
    changed that, but came after the cut-off of the payment's day: they are stored and not applied.
    `unknown_transactions` are ids that were never decided in the client's namespace. All but these and the `rejected`
    ones are stored.
    """

    accepted: int
    removed: int
    restored: int
    late: int
    repeated: int
    unknown_transactions: list[str]
    rejected: list[RejectedOutcome]

"""``/v1/decisions``: the request for a decision, and its answer."""

from typing import Final, Literal

from msgspec import UNSET, Struct, UnsetType

from antifraud.api.fields import Amount, Metadata, Score, Time, Token, TransactionId

RULE: Final = "rule:"
"""Begins a reason that names a rule of the policy."""


class DecisionRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """One transaction. `event_time` is in UTC seconds, `amount` in minor units, and the parties are tokens."""

    transaction_id: TransactionId
    event_time: Time
    customer: Token
    terminal: Token
    amount: Amount
    metadata: Metadata | UnsetType = UNSET


class Answer(Struct, frozen=True):
    """A decision. `transaction_id` is text, also if the request had an integer.

    `score` and `threshold` are in parts per million. They and `release` are null if `source` is ``rules``: the policy
    has then decided alone, while the service was suspended. `policy` is the version of the active policy, null if there
    is none. `reasons` holds ``rule:<id>`` for each of its rules that was hit, and ``control_share`` if a would-be flag
    was let through at random. `propensity` is the chance that the payment was not flagged. `decision_id` names this
    decision among those of all stores; `arrival` is its place in the order of all decisions of the store. `counted` is
    false if the state already covers the event's day; `reasons` then holds ``day_covered_by_state``. It holds
    ``history_incomplete`` if features are null because the history of the event's own time is not known. `metadata` is
    that of the first request with this id.
    """

    transaction_id: str
    decision: Literal["approve", "review", "flag"]
    source: Literal["model", "rules"]
    score: Score | None
    threshold: Score | None
    release: str | None
    policy: int | None
    propensity: float
    mode: str
    state_cutoff: str
    counted: bool
    reasons: tuple[str, ...]
    decision_id: str
    arrival: int
    metadata: Metadata | UnsetType = UNSET

"""The operations on outcomes as the users of a decision store see them."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from antifraud.api.fields import OutcomeKind
from antifraud.api.outcomes import OutcomeIn, RejectedOutcome
from serving.store.records import Effect, StoredOutcome


class OutcomeRequest(NamedTuple):
    """The circumstances of a request with outcomes.

    Attributes:
        namespace: Namespace of the client's transaction ids.
        source: Name of the client.
        now: Business time, UTC seconds.
        cutoff: Last closed day: payments up to it stay in the history.
    """

    namespace: str
    source: str
    now: int
    cutoff: int


class AddedOutcomes(NamedTuple):
    """The fate of outcomes: kind and effect of the accepted ones, unknown transactions, and impossible ones."""

    effects: list[tuple[OutcomeKind, Effect]]
    unknown: list[str]
    rejected: list[RejectedOutcome]


class Outcomes(Protocol):
    """The operations on outcomes; each raises a StoreError if the store cannot be used."""

    def add(self, request: OutcomeRequest, outcomes: Sequence[OutcomeIn]) -> AddedOutcomes:
        """Store the outcomes that are possible, in small steps; return what has become of each.

        A step is atomic. If a later one fails, the same request can be sent again: what is stored counts as repeated.
        """

    def read(self, first: int, limit: int) -> list[tuple[int, StoredOutcome]]:
        """Return up to `limit` stored outcomes with their numbers, from number `first` on."""

    def release(self, last: int) -> None:
        """Note that the outcomes up to number `last` are shipped."""

    def shipped(self) -> int:
        """Return the number up to which outcomes are shipped, 0 if none are."""

    def newest(self) -> int:
        """Return the number of the newest outcome, 0 if there is none."""

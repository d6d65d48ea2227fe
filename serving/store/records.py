"""The msgspec structs of the decision store: decisions, entries, labels, outcomes."""

from typing import Final, Literal, NamedTuple

import msgspec
from msgspec import Struct

from antifraud.api.fields import LabelStatus, OutcomeKind
from antifraud.api.labels import RejectedLabel
from antifraud.killswitch.machine import Mode
from antifraud.policy import rules as policy_rules
from antifraud.policy.ruling import Ruling

NEVER: Final = 1_000_000
"""A limit that no score is above."""


class Place(NamedTuple):
    """The place of a transaction: its id, in the namespace of the client's access entry."""

    namespace: str
    transaction_id: str


class Context(Struct, frozen=True, array_like=True):
    """Common to many decisions: release, threshold (ppm), mode and epoch of the switch, cut-off (a day number), policy.

    Without a release, which is then an empty text, the rules have decided alone. The policy has a version (0: none),
    the ids of its rules, the limit of the score above which payments are reviewed (ppm), and a control share.
    """

    release: str
    threshold: int
    mode: str
    epoch: int
    cutoff: int
    policy: int = 0
    rules: tuple[str, ...] = ()
    review_above: int = NEVER
    control_share: float = 0.0


class Decision(Struct, frozen=True):
    """A decision. `event_time` and `decided_at` are in UTC seconds, `amount` in minor units, `payload` is a hash.

    `history_complete` is false if features are null because the history of the event's own time was not known.
    `score` is None if the rules have decided alone. `ruling` is None if it is that of the release's threshold alone.
    `metadata` is the client's, as JSON; empty if there is none. `arrival` is 0 until the decision is stored.
    """

    context: Context
    score: int | None
    event_time: int
    decided_at: int
    terminal: str
    amount: int
    payload: bytes
    counted: bool
    history_complete: bool
    arrival: int = 0
    metadata: bytes = b""
    ruling: Ruling | None = None

    @property
    def above_threshold(self) -> bool:
        """Whether the score is above the release's threshold, whatever the policy or the switch make of it."""
        return self.score is not None and self.score > self.context.threshold

    @property
    def effective_ruling(self) -> Ruling:
        """The ruling of policy and threshold."""
        return self.ruling or Ruling("flag" if self.above_threshold else "approve")

    @property
    def said(self) -> policy_rules.Effect:
        """The effect that the client was told."""
        return "approve" if self.context.mode == Mode.OBSERVE else self.effective_ruling.said

    @property
    def propensity(self) -> float:
        """The chance that the payment was not blocked."""
        # Nothing is blocked while the service observes.
        observes = self.context.mode == Mode.OBSERVE
        return 1.0 if observes else self.effective_ruling.propensity(self.context.control_share)

    @property
    def hits(self) -> tuple[str, ...]:
        """The ids of the rules that were hit, in the order of the policy."""
        return tuple([self.context.rules[place] for place in self.effective_ruling.hits])


class Entry(Struct, frozen=True, array_like=True):
    """The part of a decision that is kept until it is shipped; `vector` is the features as little-endian doubles."""

    namespace: str
    transaction_id: str
    customer: str
    vector: bytes


class NewDecision(NamedTuple):
    """A decision to be stored; the live records are those after it, or None if it is not counted."""

    decision: Decision
    entry: Entry
    live_customer: bytes | None
    live_terminal: bytes | None


class Label(Struct, frozen=True, array_like=True):
    """The word of a client about a transaction; `source` is the client's name, `arrival` the number of the decision.

    `propensity` is the probability that the decision got a label: 1, or less for a random sample.
    """

    arrival: int
    namespace: str
    transaction_id: str
    status: LabelStatus
    learned_at: int
    source: str
    propensity: float = 1.0


class StoredLabel(Label, frozen=True, array_like=True):
    """A label in the order of arrival; `received_at` is when it came, 0 for one of an earlier version."""

    received_at: int = 0


class AddedLabels(NamedTuple):
    """The outcome of a request with labels: the stored ones, unknown transactions, and labels that are impossible."""

    stored: list[LabelStatus]
    unknown: list[str]
    rejected: list[RejectedLabel]


Effect = Literal["none", "removed", "restored", "late", "repeated"]
"""An outcome changes nothing, its payment counts no more or again, it comes too late, or it is known already."""


class StoredOutcome(Struct, frozen=True, array_like=True):
    """An outcome as it is stored.

    `arrival` is the number of its decision, `source` the client's name, `received_at` the business time at which the
    store took it. `after` is the newest arrival number at that moment: decisions with larger ones see its effect.
    """

    arrival: int
    namespace: str
    transaction_id: str
    event_time: int
    outcome: OutcomeKind
    happened_at: int
    received_at: int
    source: str
    effect: Effect
    after: int


class Delivery(Struct, frozen=True):
    """A notification on its way to one subscriber; `switch` is the switch after the change, as JSON.

    Times are wall time in seconds: retries go on in a replay of past days as they do today. `reason` says why the last
    attempt failed.
    """

    subscriber: str
    notification: str
    switch: bytes
    queued_at: float
    due: float
    attempts: int = 0
    reason: str = ""


pack = msgspec.msgpack.Encoder().encode
unpack_delivery = msgspec.msgpack.Decoder(Delivery).decode
unpack_label = msgspec.msgpack.Decoder(StoredLabel).decode
unpack_labels = msgspec.msgpack.Decoder(list[Label]).decode
unpack_outcome = msgspec.msgpack.Decoder(StoredOutcome).decode
unpack_changes = msgspec.msgpack.Decoder(list[tuple[int, int, int, int]]).decode

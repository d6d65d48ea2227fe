"""One decision: switch, earlier answer, history, features, score, live state and record in one atomic transaction.

The score is computed inside the write transaction, because the features must count exactly the earlier arrivals.
"""

import hashlib
from dataclasses import dataclass
from typing import Final, Literal

import msgspec
import numpy as np

from antifraud.clock import DAY_SECONDS, day_of
from antifraud.errors import EventTimeRefused, NothingToServe, OtherPayload, SwitchedOff
from antifraud.features.reference import feature_inputs, vector_of
from antifraud.killswitch.machine import Mode, Switch
from serving.decisions.live import count_event, read_history, read_terminal_history
from serving.store.keys import key_of_id
from serving.store.lmdb import Store, View
from serving.store.records import Answer, Decision, DecisionRequest, pack, unpack_decision
from serving.store.switchboard import read_switch
from serving.worker.loading import Serving

NEWEST_EVENT_MINUTES: Final = 5
DIGEST_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer's JSON bytes; `answer` is None for a repeated request."""

    body: bytes
    answer: Answer | None


@dataclass(frozen=True, slots=True)
class Moment:
    """The time of a decision.

    Attributes:
        now: Business time, UTC seconds.
        late_event_days: Events that are older than so many days are refused.
        oldest_live_day: First day whose live buckets some worker may still need.
    """

    now: int
    late_event_days: int
    oldest_live_day: int

    def require_acceptable(self, event_time: int) -> None:
        """Refuse an event that is too old, or too far ahead for a difference between two clocks.

        Raises:
            EventTimeRefused: It is.
        """
        oldest, newest = self.now - self.late_event_days * DAY_SECONDS, self.now + NEWEST_EVENT_MINUTES * 60
        if not oldest <= event_time <= newest:
            raise EventTimeRefused(
                f"event_time is not valid: expected UTC seconds from {self.late_event_days} days ago to "
                f"{NEWEST_EVENT_MINUTES} minutes ahead"
            )


@dataclass(frozen=True, slots=True)
class Scored:
    """A vector and its score; whether the event was counted, and whether the history of its own time was known."""

    vector: np.ndarray
    score: int
    counted: bool
    history_complete: bool


def decide(store: Store, serving: Serving | None, request: DecisionRequest, moment: Moment) -> Outcome:
    """Decide a transaction once; a repeated request gets the stored answer, however old its event is.

    Raises:
        SwitchedOff: The service is suspended.
        OtherPayload: The id was decided for another payload.
        EventTimeRefused: The id is new, and its event is too old or too far ahead.
        NothingToServe: There is nothing to decide with, and the id is new.
        StoreError: The store cannot be used; nothing was written.
    """
    key, payload = key_of_id(request.transaction_id), hash_payload(request)
    with store.write() as view:
        switch = read_switch(view)
        # The switch comes first: a suspended service must not depend on a release that loads.
        if switch.mode is Mode.SUSPENDED:
            raise SwitchedOff("the service is suspended: no decisions are made")
        if (stored := view.get("decisions", key)) is not None:
            return _repeat_answer(unpack_decision(stored), payload)
        moment.require_acceptable(request.event_time)
        if serving is None:
            raise NothingToServe("no release and state are loaded yet: promote a release, export a state")
        scored = _score_and_count(view, serving, request, moment.oldest_live_day)
        answer = _build_answer(serving, switch, request, scored)
        body = msgspec.json.encode(answer)
        view.put("decisions", key, pack(_build_record(request, answer, switch, payload, body, scored)))
    return Outcome(body, answer)


def hash_payload(request: DecisionRequest) -> bytes:
    """Return a hash of everything but the transaction id; a repeated request has the same hash."""
    text = f"{request.event_time}|{request.customer}|{request.terminal}|{request.amount}"
    # Half of a SHA-256 is enough against accidents, and every decision stores it.
    return hashlib.sha256(text.encode()).digest()[:DIGEST_BYTES]


def _repeat_answer(stored: Decision, payload: bytes) -> Outcome:
    if stored.payload != payload:
        raise OtherPayload(
            "this transaction id was decided for another payload: use a new id for another transaction, "
            "such as <day>:<id> if your ids restart every day"
        )
    return Outcome(stored.answer, None)


def _score_and_count(view: View, serving: Serving, request: DecisionRequest, oldest_live_day: int) -> Scored:
    time, amount, state = request.event_time, request.amount, serving.state
    customer, live_customer = read_history(view, state, request.customer)
    terminal, live_terminal = read_terminal_history(view, state, request.terminal, time)
    inputs = feature_inputs(time, amount, customer, terminal)
    vector = np.array(vector_of(inputs), dtype="<f8")
    score = int(serving.release.evaluator.score(vector.reshape(1, -1))[0])
    # The state already counts days up to its cut-off: a late event of such a day must not count twice.
    counted = day_of(time) > state.cutoff
    if counted:
        for token, live in ((request.customer, live_customer), (request.terminal, live_terminal)):
            count_event(view, token, live, time=time, amount=amount, oldest_day=oldest_live_day)
    return Scored(vector, score, counted, inputs.complete)


def _build_answer(serving: Serving, switch: Switch, request: DecisionRequest, scored: Scored) -> Answer:
    above = scored.score > serving.release.threshold
    # OBSERVE scores like SERVING and approves everything: the score shows what it would have flagged.
    decision: Literal["flag", "approve"] = "flag" if above and switch.mode is not Mode.OBSERVE else "approve"
    holds = {
        "score_above_threshold": above,
        "observed_only": switch.mode is Mode.OBSERVE,
        "day_covered_by_state": not scored.counted,
        "history_incomplete": not scored.history_complete,
    }
    return Answer(
        transaction_id=str(request.transaction_id),
        decision=decision,
        score=scored.score,
        threshold=serving.release.threshold,
        release=serving.release.release,
        mode=switch.mode,
        state_cutoff=serving.state.cutoff_date,
        counted=scored.counted,
        reasons=[reason for reason, applies in holds.items() if applies],
    )


def _build_record(
    request: DecisionRequest, answer: Answer, switch: Switch, payload: bytes, body: bytes, scored: Scored
) -> Decision:
    return Decision(
        payload=payload,
        answer=body,
        release=answer.release,
        epoch=switch.epoch,
        flagged=answer.decision == "flag",
        event_time=request.event_time,
        customer=request.customer,
        terminal=request.terminal,
        amount=request.amount,
        vector=scored.vector.tobytes(),
        history_complete=scored.history_complete,
    )

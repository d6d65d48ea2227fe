"""One decision: switch, earlier answer, history, features, score, live state and record in one atomic transaction.

The score is computed inside the write transaction, because the features must count exactly the earlier arrivals.
"""

import hashlib
from dataclasses import dataclass
from typing import Final, Literal

import msgspec
import numpy as np

from antifraud.clock import DAY_SECONDS, day_of
from antifraud.errors import NothingToServe, OtherPayload, SwitchedOff
from antifraud.features.reference import feature_vector
from antifraud.killswitch.machine import Mode, Switch
from serving.decisions.live import count_event, read_history
from serving.store.lmdb import Store, View, key_of
from serving.store.records import Answer, Decision, DecisionRequest, pack, unpack_decision
from serving.store.switchboard import read_switch
from serving.worker.loading import Serving

OLDEST_EVENT_SECONDS: Final = 30 * DAY_SECONDS
NEWEST_EVENT_SECONDS: Final = 300
DIGEST_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer's JSON bytes; `answer` is None for a repeated request."""

    body: bytes
    answer: Answer | None


def decide(store: Store, serving: Serving | None, request: DecisionRequest, oldest_live_day: int) -> Outcome:
    """Decide a transaction once; a repeated request gets the stored answer.

    Raises:
        SwitchedOff: The service is suspended.
        OtherPayload: The id was decided for another payload.
        NothingToServe: There is nothing to decide with, and the id is new.
        StoreError: The store cannot be used; nothing was written.
    """
    key, payload = key_of(request.transaction_id), hash_payload(request)
    with store.write() as view:
        switch = read_switch(view)
        # The switch comes first: a suspended service must not depend on a release that loads.
        if switch.mode is Mode.SUSPENDED:
            raise SwitchedOff("the service is suspended: no decisions are made")
        if (stored := view.get("decisions", key)) is not None:
            return _repeat_answer(unpack_decision(stored), payload)
        if serving is None:
            raise NothingToServe("no release and state are loaded yet: promote a release, export a state")
        answer, vector = _score_and_count(view, serving, switch, request, oldest_live_day)
        body = msgspec.json.encode(answer)
        view.put("decisions", key, pack(_build_record(request, answer, switch, payload, body, vector)))
    return Outcome(body, answer)


def hash_payload(request: DecisionRequest) -> bytes:
    """Return a hash of everything but the transaction id; a repeated request has the same hash."""
    text = f"{request.event_time}|{request.customer}|{request.terminal}|{request.amount}"
    # Half of a SHA-256 is enough against accidents, and every decision stores it.
    return hashlib.sha256(text.encode()).digest()[:DIGEST_BYTES]


def _repeat_answer(stored: Decision, payload: bytes) -> Outcome:
    if stored.payload != payload:
        raise OtherPayload("this transaction id was decided for another payload: use a new id for another transaction")
    return Outcome(stored.answer, None)


def _score_and_count(
    view: View, serving: Serving, switch: Switch, request: DecisionRequest, oldest_live_day: int
) -> tuple[Answer, np.ndarray]:
    time, amount, state = request.event_time, request.amount, serving.state
    customer, live_customer = read_history(view, state, request.customer)
    terminal, live_terminal = read_history(view, state, request.terminal)
    vector = np.array(feature_vector(time, amount, customer, terminal), dtype="<f8")
    score = int(serving.release.evaluator.score(vector.reshape(1, -1))[0])
    # The state already counts days up to its cut-off: a late event of such a day must not count twice.
    counted = day_of(time) > state.cutoff
    if counted:
        for token, live in ((request.customer, live_customer), (request.terminal, live_terminal)):
            count_event(view, token, live, time=time, amount=amount, oldest_day=oldest_live_day)
    return _build_answer(serving, switch, request, score, counted=counted), vector


def _build_answer(serving: Serving, switch: Switch, request: DecisionRequest, score: int, *, counted: bool) -> Answer:
    above = score > serving.release.threshold
    # OBSERVE scores like SERVING and approves everything: the score shows what it would have flagged.
    decision: Literal["flag", "approve"] = "flag" if above and switch.mode is not Mode.OBSERVE else "approve"
    holds = {
        "score_above_threshold": above,
        "observed_only": switch.mode is Mode.OBSERVE,
        "day_covered_by_state": not counted,
    }
    return Answer(
        transaction_id=request.transaction_id,
        decision=decision,
        score=score,
        threshold=serving.release.threshold,
        release=serving.release.release,
        mode=switch.mode,
        state_cutoff=serving.state.cutoff_date,
        counted=counted,
        reasons=[reason for reason, applies in holds.items() if applies],
    )


def _build_record(
    request: DecisionRequest, answer: Answer, switch: Switch, payload: bytes, body: bytes, vector: np.ndarray
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
        vector=vector.tobytes(),
    )

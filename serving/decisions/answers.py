"""The answer to a client, made from a stored decision: a repeat is answered with the same bytes."""

import msgspec
from msgspec import UNSET, UnsetType

from antifraud.api.decisions import RULE, Answer
from antifraud.clock import date_of
from antifraud.killswitch.machine import Mode
from serving.store.port import DecisionStore
from serving.store.records import Decision, Place

decode_metadata = msgspec.json.Decoder(dict[str, str]).decode


def answer_of(store: DecisionStore, place: Place, decision: Decision) -> Answer:
    """Return the answer that a decision gives."""
    context = decision.context
    # OBSERVE scores like SERVING and approves everything: the score shows what it would have flagged.
    holds = {
        "score_above_threshold": decision.above_threshold,
        "score_above_review_limit": decision.score is not None and decision.score > context.review_above,
        "control_share": decision.effective_ruling.let_through,
        "observed_only": context.mode == Mode.OBSERVE,
        "day_covered_by_state": not decision.counted,
        "history_incomplete": not decision.history_complete,
    }
    return Answer(
        transaction_id=place.transaction_id,
        decision=decision.said,
        source="rules" if decision.score is None else "model",
        score=decision.score,
        threshold=None if decision.score is None else context.threshold,
        release=context.release or None,
        policy=context.policy or None,
        propensity=decision.propensity,
        mode=context.mode,
        state_cutoff=date_of(context.cutoff).isoformat(),
        counted=decision.counted,
        reasons=(
            *[reason for reason, applies in holds.items() if applies],
            *[f"{RULE}{rule}" for rule in decision.hits],
        ),
        decision_id=store.decision_id(place, decision.arrival),
        arrival=decision.arrival,
        metadata=decode_metadata(decision.metadata) if decision.metadata else UNSET,
    )


def encode_metadata(metadata: dict[str, str] | UnsetType) -> bytes:
    """Return a client's metadata as they are stored: JSON, or nothing if there are none."""
    return msgspec.json.encode(metadata) if metadata else b""


def encode_answer(answer: Answer) -> bytes:
    """Return the answer as JSON."""
    return msgspec.json.encode(answer)

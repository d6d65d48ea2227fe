"""One decision: read what it needs, compute, and commit it if nothing that it has read has changed meanwhile.

The score is computed without a lock, and still its features count exactly the earlier arrivals. If a live record, a
live label, the switch, the release, the state or the policy has changed, nothing is committed and all computed anew.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Final

import numpy as np
import numpy.typing as npt
from msgspec import structs

from antifraud.api.decisions import Answer, DecisionRequest
from antifraud.clock import DAY_SECONDS, day_of
from antifraud.errors import EventTimeRefused, NothingToServe, OtherPayload, StoreBusy, SwitchedOff, UnknownKey
from antifraud.features.reference import feature_inputs, vector_of
from antifraud.killswitch.machine import Mode, Switch
from antifraud.policy.rulebook import Rulebook, Scored
from serving.decisions.answers import answer_of, encode_answer, encode_metadata
from serving.decisions.live import count_event, histories_of, label_hours_of
from serving.decisions.rulings import rule_on
from serving.store.port import Commit, DecisionStore, Seen, Wanted
from serving.store.records import NEVER, Context, Decision, Entry, NewDecision, Place
from serving.worker.loading import Loaded, Serving, State
from serving.worker.turns import Turns

NEWEST_EVENT_MINUTES: Final = 5
DIGEST_BYTES: Final = 16
ATTEMPTS: Final = 20
"""Computations of one decision: a busy terminal may change between two of them."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer's JSON bytes; `answer` is None for a repeated request."""

    body: bytes
    answer: Answer | None


@dataclass(frozen=True, slots=True)
class Draft:
    """A computed decision that is not stored yet, and everything that was loaded when it was computed."""

    place: Place
    loaded: Loaded
    commit: Commit


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
class Decider:
    """The collaborators of decisions.

    Attributes:
        store: The decision store.
        loaded: Returns what this worker has loaded now, or None.
        choose: Returns the release that serves by a switch, with the state and the policy, or None.
        turns: The turns of requests about the same parties.
    """

    store: DecisionStore
    loaded: Callable[[], Loaded | None]
    choose: Callable[[Loaded, Switch], Serving | None]
    turns: Turns


def decide(decider: Decider, namespace: str, request: DecisionRequest, moment: Moment) -> Outcome:
    """Decide a transaction once; a repeated request gets the stored answer, however old its event is.

    Raises:
        SwitchedOff: The service is suspended, and no policy decides meanwhile.
        OtherPayload: The id was decided for another payload.
        EventTimeRefused: The id is new, and its event is too old or too far ahead.
        NothingToServe: There is nothing to decide with, and the id is new.
        UnknownKey: The id is new, and a token was made with a key that is not in use.
        StoreError: The store cannot be used, or others were faster in every attempt; nothing was written.
    """
    place, parties = Place(namespace, str(request.transaction_id)), parties_of(decider, request)
    # Newcomers would be faster than somebody who has lost a race and has the turn, again and again.
    if not decider.turns.are_taken(parties) and (outcome := _try_to_decide(decider, place, request, moment)):
        return outcome
    # Whoever has lost a race takes turns with the others of this process.
    with decider.turns.take(parties):
        for _ in range(ATTEMPTS - 1):
            if outcome := _try_to_decide(decider, place, request, moment):
                return outcome
    raise StoreBusy("other decisions about the same customer or terminal were faster: send the same id again")


def _try_to_decide(decider: Decider, place: Place, request: DecisionRequest, moment: Moment) -> Outcome | None:
    """Decide a transaction; return None if something has changed between look-up and commit."""
    made = draft(decider, place, request, moment, decider.store.look_up)
    if isinstance(made, Outcome):
        return made
    if not is_current(decider, made) or not (arrival := decider.store.commit_decision(*made.commit)):
        return None
    return outcome_of(decider, made, arrival)


def draft(
    decider: Decider, place: Place, request: DecisionRequest, moment: Moment, look_up: Callable[[Wanted], Seen]
) -> Outcome | Draft:
    """Compute a decision without storing it, or return the stored answer of a repeated request.

    Raises:
        SwitchedOff, OtherPayload, EventTimeRefused, NothingToServe, UnknownKey, StoreError: As `decide`.
    """
    loaded = decider.loaded()
    wanted = _wanted_of(loaded, place, request)
    seen = look_up(wanted)
    # The switch comes first: a suspended service must not depend on a release that loads.
    if seen.switch.mode is Mode.SUSPENDED and not (loaded and loaded.policy.decides_alone):
        raise SwitchedOff("the service is suspended: no decisions are made")
    if seen.earlier is not None:
        return _repeat_answer(decider.store, wanted, seen.earlier, request)
    moment.require_acceptable(request.event_time)
    if loaded is None or (serving := decider.choose(loaded, seen.switch)) is None:
        raise NothingToServe("the release that serves, or a state, is not loaded yet: `GET /v1/status` says why")
    _require_known_keys(serving.state, request)
    # An id that no decision has: known before the commit, and the same in every attempt.
    new = _compute(serving, request, wanted, seen, moment, lambda: decider.store.decision_id(place, 0))
    return Draft(place, loaded, Commit(wanted, seen, new))


def parties_of(decider: Decider, request: DecisionRequest) -> tuple[str, ...]:
    """Return all tokens of both entities, which have several while keys rotate."""
    loaded = decider.loaded()
    if loaded is None:
        return request.customer, request.terminal
    return loaded.state.names(request.customer) + loaded.state.names(request.terminal)


def _wanted_of(loaded: Loaded | None, place: Place, request: DecisionRequest) -> Wanted:
    if loaded is None:
        return Wanted(place, request.customer, request.terminal, range(0))
    state = loaded.state
    (customer, *customers), (terminal, *terminals) = state.names(request.customer), state.names(request.terminal)
    hours = label_hours_of(state, request.event_time)
    return Wanted(place, customer, terminal, hours, tuple(customers), tuple(terminals))


def is_current(decider: Decider, made: Draft) -> bool:
    """Return whether a draft was computed with the release, the state and the policy that are loaded now."""
    return decider.loaded() is made.loaded


def outcome_of(decider: Decider, made: Draft, arrival: int) -> Outcome:
    """Return the answer that a draft gives, once it is stored."""
    answer = answer_of(decider.store, made.place, structs.replace(made.commit.decision.decision, arrival=arrival))
    return Outcome(encode_answer(answer), answer)


def _require_known_keys(state: State, request: DecisionRequest) -> None:
    """Refuse tokens of a key that is not in use: their history would be that of strangers.

    Raises:
        UnknownKey: A token is; the message begins with the name of its field.
    """
    for field, token in (("customer", request.customer), ("terminal", request.terminal)):
        if not state.knows_key_of(token):
            raise UnknownKey(f"{field} is a token of an unknown key: load the key ring that is in use")


def hash_payload(request: DecisionRequest, customer: str, terminal: str) -> bytes:
    """Return a hash of what is decided on under these tokens: everything but the transaction id and the metadata."""
    # A client that retries from another process may add other metadata: it must get the answer, not a conflict.
    text = f"{request.event_time}|{customer}|{terminal}|{request.amount}"
    # Half of a SHA-256 is enough against accidents, and every decision stores it.
    return hashlib.sha256(text.encode()).digest()[:DIGEST_BYTES]


def _repeat_answer(store: DecisionStore, wanted: Wanted, stored: Decision, request: DecisionRequest) -> Outcome:
    customers, terminals = (wanted.customer, *wanted.other_customers), (wanted.terminal, *wanted.other_terminals)
    # While keys rotate, a repeat may have the tokens of another key: the first attempt came from an older client.
    payloads = (hash_payload(request, *parties) for parties in product(customers, terminals))
    if stored.payload not in payloads:
        raise OtherPayload(
            "this transaction id was decided for another payload: use a new id for another transaction, "
            "such as <day>:<id> if your ids restart every day"
        )
    return Outcome(encode_answer(answer_of(store, wanted.place, stored)), None)


def _compute(
    serving: Serving,
    request: DecisionRequest,
    wanted: Wanted,
    seen: Seen,
    moment: Moment,
    make_seed: Callable[[], str],
) -> NewDecision:
    """Return the decision, and both live records after it; `make_seed` makes the seed of the control share."""
    time, amount, state = request.event_time, request.amount, serving.state
    (customer, live_customer), (terminal, live_terminal) = histories_of(state, wanted, seen)
    inputs = feature_inputs(time, amount, customer, terminal)
    vector = np.array(vector_of(inputs), dtype="<f8")
    scored = _score(serving, seen.switch, vector)
    histories = {"customer": customer, "terminal": terminal}
    decision = Decision(
        context=_context_of(serving, seen.switch, is_scored=scored is not None),
        score=scored and scored.score,
        event_time=time,
        decided_at=moment.now,
        terminal=request.terminal,
        amount=amount,
        payload=hash_payload(request, request.customer, request.terminal),
        # The state already counts days up to its cut-off: a late event of such a day must not count twice.
        counted=day_of(time) > state.cutoff,
        history_complete=inputs.complete,
        metadata=encode_metadata(request.metadata),
        ruling=rule_on(serving.policy, wanted, inputs, histories, scored, make_seed),
    )
    entry = Entry(*wanted.place, request.customer, vector.tobytes())
    if not decision.counted:
        return NewDecision(decision, entry, None, None)
    live = (
        count_event(buckets, time=time, amount=amount, oldest_day=moment.oldest_live_day)
        for buckets in (live_customer, live_terminal)
    )
    return NewDecision(decision, entry, *live)


def _score(serving: Serving, switch: Switch, vector: npt.NDArray[np.float64]) -> Scored | None:
    """Return the release's score of a vector; None while the service is suspended, when nothing may be scored."""
    release = serving.release
    if switch.mode is Mode.SUSPENDED or release is None:
        return None
    return Scored(int(release.evaluator.score(vector.reshape(1, -1))[0]), release.threshold)


def _context_of(serving: Serving, switch: Switch, *, is_scored: bool) -> Context:
    scorer = serving.release if is_scored else None
    release, threshold = (scorer.release, scorer.threshold) if scorer else ("", 0)
    return _make_context(release, threshold, switch.mode, switch.epoch, serving.state.cutoff, serving.policy)


@lru_cache(2)
def _make_context(release: str, threshold: int, mode: str, epoch: int, cutoff: int, policy: Rulebook) -> Context:
    """Return a context; the same one as before, because the store need not pack it anew then."""
    review, control = policy.score.review_above, policy.control.share
    return Context(
        release,
        threshold,
        mode,
        epoch,
        cutoff,
        policy.version,
        policy.rules,
        NEVER if review is None else review,
        control,
    )

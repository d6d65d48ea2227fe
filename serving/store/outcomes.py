"""Outcomes in the decision store, in the order of arrival; a decline takes its payment out of the live state.

`antifraud/features/outcomes.py` has the rule. A payment has outcomes of two subjects, its authorisation and its
challenge. A subject has one outcome in a second: another one contradicts it.
"""

from collections.abc import Sequence
from functools import partial
from itertools import islice
from typing import Final

from antifraud.api.fields import OutcomeKind
from antifraud.api.outcomes import OutcomeFault, OutcomeIn, RejectedOutcome
from antifraud.clock import day_of
from antifraud.features.outcomes import AUTHORISED, DECLINED, REMOVED, RESTORED
from serving.store import room
from serving.store.decisions import ARRIVAL, Contexts, find_decision
from serving.store.environment import Environment
from serving.store.events import find_event, set_counts
from serving.store.keys import integer_of, key_of
from serving.store.outcome_port import AddedOutcomes, OutcomeRequest
from serving.store.records import Decision, Effect, Place, StoredOutcome, pack, unpack_outcome
from serving.store.view import View

OUTCOMES: Final = "outcomes"
TIMES: Final = "outcome_times"
SEQUENCE: Final = "outcome_sequence"
SHIPPED: Final = "outcomes_shipped"
AUTHORISATION, CHALLENGE = b"a", b"c"
ADDED_A_STEP: Final = 50
"""Outcomes of one transaction: it bounds how long the lock is held."""
AHEAD_SECONDS: Final = 5 * 60
"""So far ahead of this host's clock an outcome may be, as an event may."""
_LATEST: Final = (1 << 64) - 1


class Outcomes:
    """The operations on outcomes, each step in a transaction of its own."""

    def __init__(self, environment: Environment, contexts: Contexts) -> None:
        self._environment, self._contexts = environment, contexts

    def add(self, request: OutcomeRequest, outcomes: Sequence[OutcomeIn]) -> AddedOutcomes:
        """Store the outcomes that are possible, in small steps; return what has become of each."""
        added = AddedOutcomes([], [], [])
        for start in range(0, len(outcomes), ADDED_A_STEP):
            part = outcomes[start : start + ADDED_A_STEP]
            work = partial(_add_all, contexts=self._contexts, request=request, outcomes=part, start=start)
            effects, unknown, rejected = self._environment.write(work, spare=room.LABELS, size=len(part))
            added.effects.extend(effects)
            added.unknown.extend(unknown)
            added.rejected.extend(rejected)
        return added

    def read(self, first: int, limit: int) -> list[tuple[int, StoredOutcome]]:
        """Return up to `limit` stored outcomes with their numbers, from number `first` on."""
        with self._environment.read() as view:
            stored = islice(view.items(OUTCOMES, key_of(first)), limit)
            return [(integer_of(key), unpack_outcome(text)) for key, text in stored]

    def release(self, last: int) -> None:
        """Note that the outcomes up to number `last` are shipped."""
        self._environment.write(lambda view: view.set_number(SHIPPED, max(last, view.number(SHIPPED))))

    def shipped(self) -> int:
        """Return the number up to which outcomes are shipped, 0 if none are."""
        with self._environment.read() as view:
            return view.number(SHIPPED)

    def newest(self) -> int:
        """Return the number of the newest outcome, 0 if there is none."""
        with self._environment.read() as view:
            return view.number(SEQUENCE)


def _add_all(
    view: View, *, contexts: Contexts, request: OutcomeRequest, outcomes: Sequence[OutcomeIn], start: int
) -> AddedOutcomes:
    added = AddedOutcomes([], [], [])
    for index, said in enumerate(outcomes, start):
        name = str(said.transaction_id)
        decision = find_decision(view, contexts, Place(request.namespace, name))
        if decision is None:
            added.unknown.append(name)
        elif fault := _find_fault(view, said, decision, request.now):
            added.rejected.append(RejectedOutcome(index, name, *fault))
        else:
            added.effects.append((said.outcome, _add(view, said, decision, request)))
    return added


def _find_fault(view: View, said: OutcomeIn, decision: Decision, now: int) -> tuple[OutcomeFault, str] | None:
    if said.happened_at > now + AHEAD_SECONDS:
        return "in_future", "happened_at lies in the future: send the outcome again later"
    if said.happened_at < decision.event_time:
        return "before_event", "happened_at lies before the event: correct it"
    stored = view.get(TIMES, _time_key(said, decision))
    if stored is not None and stored != said.outcome.encode():
        return "contradiction", "another outcome of the same second says the opposite: correct one of the times"
    return None


def _add(view: View, said: OutcomeIn, decision: Decision, request: OutcomeRequest) -> Effect:
    """Store an outcome unless it has come before, and apply it; return its effect."""
    key = _time_key(said, decision)
    if view.get(TIMES, key) is not None:
        return "repeated"
    effect = _apply(view, said, decision, request.cutoff)
    stored = StoredOutcome(
        arrival=decision.arrival,
        namespace=request.namespace,
        transaction_id=str(said.transaction_id),
        event_time=decision.event_time,
        outcome=said.outcome,
        happened_at=said.happened_at,
        received_at=request.now,
        source=request.source,
        effect=effect,
        after=view.latest_number(ARRIVAL),
    )
    view.append(OUTCOMES, key_of(view.next_number(SEQUENCE)), pack(stored))
    view.replace(TIMES, key, None, said.outcome.encode())
    return effect


def _apply(view: View, said: OutcomeIn, decision: Decision, cutoff: int) -> Effect:
    """Take the payment out of the live state, or put it back, if the outcome says so and its day is still open."""
    before, happened_at = _latest(view, decision)
    if _subject(said.outcome) != AUTHORISATION or happened_at > said.happened_at:
        return "none"
    counts = said.outcome == AUTHORISED
    event = find_event(view, decision) if day_of(decision.event_time) > cutoff else None
    if event is None:
        return "late" if said.outcome != before else "none"
    if event.counts == counts:
        return "none"
    if not set_counts(view, decision, event, counts=counts):
        return "late"
    return RESTORED if counts else REMOVED


def _latest(view: View, decision: Decision) -> tuple[str, int]:
    """Return the latest outcome of a payment's authorisation, and its time; without any, it is taken as authorised."""
    prefix = key_of(decision.arrival) + AUTHORISATION
    key, outcome = next(view.items(TIMES, prefix), (b"", b""))
    if not key.startswith(prefix):
        return AUTHORISED, 0
    return outcome.decode(), _LATEST - integer_of(key[len(prefix) :])


def _time_key(said: OutcomeIn, decision: Decision) -> bytes:
    # The latest comes first.
    return key_of(decision.arrival) + _subject(said.outcome) + key_of(_LATEST - said.happened_at)


def _subject(outcome: OutcomeKind) -> bytes:
    return AUTHORISATION if outcome in {AUTHORISED, DECLINED} else CHALLENGE

"""Many decisions of one request: computed and committed in chunks, each as if its client had asked for it alone.

A chunk is one transaction of the store, so that a disk is waited for once. It is small, because single decisions wait
for their turn meanwhile. A decision of a chunk counts the earlier ones of the same chunk, which are not stored yet.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeGuard

from antifraud.api.decisions import DecisionRequest
from antifraud.errors import AntifraudError, EventTimeRefused, OtherPayload, StoreBusy, UnknownKey
from serving.decisions.decide import (
    Decider,
    Draft,
    Moment,
    Outcome,
    decide,
    draft,
    is_current,
    outcome_of,
    parties_of,
)
from serving.store.records import Place

CHUNK: Final = 32
"""Decisions of one transaction: half of what the committer puts together of single ones."""
BATCH_SECONDS: Final = 10.0
"""Time of a whole batch; what is left then gets a problem, and can be sent again."""
OF_ONE_ITEM: Final = (OtherPayload, EventTimeRefused, UnknownKey)
"""Refusals of a single transaction."""
Result = Outcome | AntifraudError


@dataclass(frozen=True, slots=True)
class Batch:
    """The circumstances of a batch: `deadline` is a monotonic time, after which nothing is begun."""

    decider: Decider
    namespace: str
    moment: Moment
    deadline: float


def begin_batch(decider: Decider, namespace: str, moment: Moment) -> Batch:
    """Return a batch whose time begins now."""
    return Batch(decider, namespace, moment, time.monotonic() + BATCH_SECONDS)


def decide_all(batch: Batch, requests: Sequence[DecisionRequest]) -> Iterator[list[Result]]:
    """Yield the results of each chunk, in the order of the requests.

    If the whole service refuses, as a suspended one does, that error is the result of all later requests, too.
    """
    for start in range(0, len(requests), CHUNK):
        results = _decide_chunk(batch, requests[start : start + CHUNK])
        yield results
        if refusal := next(filter(concerns_all, results), None):
            yield [refusal] * (len(requests) - start - len(results))
            return


def concerns_all(result: Result) -> TypeGuard[AntifraudError]:
    """Return whether the service as a whole refuses. A busy store or entity may be free for the next chunk."""
    return isinstance(result, AntifraudError) and not isinstance(result, (*OF_ONE_ITEM, StoreBusy))


def _decide_chunk(batch: Batch, requests: Sequence[DecisionRequest]) -> list[Result]:
    try:
        _require_time(batch)
        made = _draft_all(batch, requests)
        stored = _commit_all(batch.decider, [each for each in made if isinstance(each, Draft)])
    except AntifraudError as error:
        return [error] * len(requests)
    return [
        _decide_alone(batch, request) if result is None else result
        for request, result in zip(
            requests, [next(stored) if isinstance(each, Draft) else each for each in made], strict=True
        )
    ]


def _draft_all(batch: Batch, requests: Sequence[DecisionRequest]) -> list[Draft | Result | None]:
    """Compute the decisions of a chunk, each after the earlier ones; None stands for one that has to be made alone."""
    pending: dict[str, bytes] = {}
    look_up = partial(batch.decider.store.look_up, pending=pending)
    made: list[Draft | Result | None] = []
    for request in requests:
        # Somebody who has lost a race and has the turn would lose it again and again.
        if batch.decider.turns.are_taken(parties_of(batch.decider, request)):
            made.append(None)
            continue
        place = Place(batch.namespace, str(request.transaction_id))
        try:
            made.append(draft(batch.decider, place, request, batch.moment, look_up))
        except OF_ONE_ITEM as error:
            made.append(error)
        _note_pending(made[-1], pending)
    return made


def _note_pending(made: Draft | Result | None, pending: dict[str, bytes]) -> None:
    """Add the live records that a draft will write; the terminal's comes last, as in the commit."""
    if not isinstance(made, Draft):
        return
    wanted, _, new = made.commit
    records = ((wanted.customer, new.live_customer), (wanted.terminal, new.live_terminal))
    pending.update({token: record for token, record in records if record is not None})


def _commit_all(decider: Decider, drafts: Sequence[Draft]) -> Iterator[Outcome | None]:
    """Store the drafts in one transaction; return the outcome of each, None where something has changed."""
    current = [made for made in drafts if is_current(decider, made)]
    # A release or a state that was replaced meanwhile concerns all drafts that were made with it.
    if len(current) < len(drafts) or not drafts:
        return iter([None] * len(drafts))
    arrivals = decider.store.commit_decisions([made.commit for made in drafts])
    stored = zip(drafts, arrivals, strict=True)
    return iter([outcome_of(decider, made, arrival) if arrival else None for made, arrival in stored])


def _decide_alone(batch: Batch, request: DecisionRequest) -> Result:
    """Decide one transaction as its own call would, because others were faster than its chunk."""
    try:
        _require_time(batch)
        return decide(batch.decider, batch.namespace, request, batch.moment)
    except AntifraudError as error:
        return error


def _require_time(batch: Batch) -> None:
    if time.monotonic() > batch.deadline:
        raise StoreBusy(f"the batch was not finished in {BATCH_SECONDS:g} s: send the rest again")

"""Eight threads decide about few customers and terminals; all is as if one had decided in the order of arrival."""

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from antifraud.api.decisions import DecisionRequest
from antifraud.api.fields import TransactionId
from antifraud.artifacts.state_export import decode_entity
from antifraud.clock import HOUR_SECONDS
from antifraud.errors import StoreBusy
from antifraud.features.buckets import EMPTY, Buckets, bucket_of
from antifraud.keys.pseudonym import tokenise
from serving.decisions.decide import Decider, Moment, decide
from serving.store.port import Wanted
from serving.store.records import Place
from serving.worker.turns import Turns
from tests.serving.conftest import furnish
from tests.serving.scene import DAY, KEY, NOON, Scorer

MOMENT = Moment(NOON, late_event_days=10, oldest_live_day=DAY - 1)
THREADS = 8


class CountingStore:
    """A store that counts the commits that were refused because something had changed."""

    def __init__(self, store):
        self._store, self.conflicts = store, 0

    def __getattr__(self, name):
        return getattr(self._store, name)

    def commit_decision(self, wanted, seen, new):
        """Commit, and count a refusal."""
        arrival = self._store.commit_decision(wanted, seen, new)
        self.conflicts += arrival is None
        return arrival


def generate_requests(rng, count):
    """Events of two customers and two terminals in half a day; every tenth request is sent twice."""
    requests = [
        DecisionRequest(
            TransactionId(str(number)),
            int(NOON - rng.integers(12 * HOUR_SECONDS)),
            tokenise(KEY, "customer", int(rng.integers(2))),
            tokenise(KEY, "terminal", int(rng.integers(2))),
            int(rng.integers(1, 50_000)),
        )
        for number in range(count)
    ]
    return [request for number, request in enumerate(requests) for _ in range(2 if number % 10 == 0 else 1)]


def decide_at_once(scorer, store, requests):
    """Decide in eight threads, as clients that repeat what was refused as busy; return the bodies by id."""
    decider, bodies = (
        Decider(store, lambda: scorer.services.loaded, scorer.services.choose, scorer.services.turns),
        defaultdict(set),
    )

    def insist(request):
        while True:
            try:
                return request.transaction_id, decide(decider, "", request, MOMENT).body
            except StoreBusy:
                continue

    with ThreadPoolExecutor(THREADS) as pool:
        for name, body in pool.map(insist, requests):
            bodies[name].add(body)
    return bodies


def replay(scorer, requests, arrivals):
    """Decide the requests one after the other in the order of arrival; return their vectors and scores."""
    by_id = {str(request.transaction_id): request for request in requests}
    decider = Decider(scorer.store, lambda: scorer.services.loaded, scorer.services.choose, scorer.services.turns)
    for entry, _ in arrivals:
        decide(decider, "", by_id[entry.transaction_id], MOMENT)
    return [(entry.vector, decision.score) for entry, decision in scorer.store.entries(1, len(arrivals), 10_000)]


def recount(requests):
    """Hour buckets of every customer and terminal, from plain events."""
    hours = defaultdict(dict)
    for request in {request.transaction_id: request for request in requests}.values():
        for token in (request.customer, request.terminal):
            hour = request.event_time // HOUR_SECONDS
            before = hours[token].get(hour, EMPTY)
            hours[token][hour] = before.plus(bucket_of(request.event_time, request.amount))
    return {token: Buckets.of(buckets) for token, buckets in hours.items()}


SEEDS = [1, *(pytest.param(seed, marks=pytest.mark.prove) for seed in range(2, 10))]


@pytest.mark.parametrize("seed", SEEDS)
def test_concurrent_decisions_equal_a_replay_in_the_order_of_arrival(home, tmp_path_factory, two_releases, seed):
    """Vectors have the same bits, live state is the recount of all arrivals, and repeats get the same bytes."""
    requests = generate_requests(np.random.default_rng(seed), 120)
    scorer, alone = Scorer(home), Scorer(furnish(tmp_path_factory.mktemp("alone"), two_releases))
    for each in (scorer, alone):
        each.poller.poll()
    try:
        store = CountingStore(scorer.store)
        bodies = decide_at_once(scorer, store, requests)
        arrivals = scorer.store.entries(1, 10_000, 10_000)

        assert [decision.arrival for _, decision in arrivals] == list(range(1, 121))
        assert {len(made) for made in bodies.values()} == {1}
        made = [(entry.vector, decision.score) for entry, decision in arrivals]
        mismatches = sum(one != other for one, other in zip(made, replay(alone, requests, arrivals), strict=True))
        assert mismatches == 0
        assert store.conflicts > 0
        assert {token: live_of(scorer.store, token) for token in recount(requests)} == recount(requests)
    finally:
        scorer.close()
        alone.close()


def live_of(store, token):
    """The hour buckets of a token in the store."""
    return decode_entity(store.look_up(Wanted(Place("", "x"), token, token, range(0))).live_customer, DAY - 1).hours


def test_no_thread_loses_every_race_for_one_terminal(scorer):
    """Sixteen threads decide at one terminal; nobody needs more than the attempts that a decision has."""
    # A busy machine must not make a turn come too late.
    decider = Decider(scorer.store, lambda: scorer.services.loaded, scorer.services.choose, Turns(60.0))
    requests = generate_requests(np.random.default_rng(0), 100)

    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda request: decide(decider, "", request, MOMENT), requests))

    assert (len(made), scorer.store.newest_arrival()) == (110, 100)


def test_turns_are_given_up_in_time():
    """Somebody who waits for too long is refused; afterwards the turn is free, also for tokens in another order."""
    turns = Turns(0.05)

    with turns.take(["k1.a", "k1.b"]), pytest.raises(StoreBusy, match="send the same again"), turns.take(["k1.b"]):
        raise AssertionError("two have the same turn")
    with turns.take(["k1.b", "k1.a"]):
        pass


def test_a_newcomer_does_not_overtake_whoever_has_the_turn(scorer):
    """While somebody has the turn of its terminal, a decision waits and is not tried; afterwards it is made."""
    turns = Turns(0.05)
    decider = Decider(scorer.store, lambda: scorer.services.loaded, scorer.services.choose, turns)
    first, *others = generate_requests(np.random.default_rng(0), 20)
    other = next(each for each in others if not {each.customer, each.terminal} & {first.customer, first.terminal})

    with turns.take([first.terminal]):
        assert turns.are_taken([first.customer, first.terminal])
        with pytest.raises(StoreBusy, match="send the same again"):
            decide(decider, "", first, MOMENT)
        assert scorer.store.newest_arrival() == 0
    decide(decider, "", first, MOMENT)
    decide(decider, "", other, MOMENT)
    assert (turns.are_taken([first.terminal]), scorer.store.newest_arrival()) == (False, 2)

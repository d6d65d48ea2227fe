"""Random histories of decisions, outcomes, repeats, restarts and nights equal an independent model in plain lists."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from antifraud.clock import DAY_SECONDS, HOUR_SECONDS
from antifraud.features.registry import FEATURE_NAMES
from antifraud.keys.pseudonym import tokenise
from tests.serving.outcome_scene import live
from tests.serving.scene import DAY, KEY, NOON, Scorer, export_state, require_consistent, stored

STEPS = 160
DECIDING = ("authorised", "declined")
KINDS = (*DECIDING, "declined", "challenge_passed", "challenge_failed")
SEEDS = [*range(4), *(pytest.param(seed, marks=pytest.mark.prove) for seed in range(4, 40))]


@dataclass
class Paid:
    """A payment as the model knows it: whether it counts, and all that was said of it."""

    number: int
    time: int
    customer: str
    terminal: str
    amount: int
    counts: bool
    said: dict = field(default_factory=dict)

    @property
    def holds(self):
        """Whether the latest authorisation is no decline."""
        deciding = [(time, outcome) for (time, _), outcome in self.said.items() if outcome in DECIDING]
        return max(deciding, default=(0, "authorised"))[1] == "authorised"


class Model:
    """All payments in a list; every question is a filter over it."""

    def __init__(self):
        self.payments, self.cutoff = [], DAY - 1

    def tell(self, number, outcome, time, now):
        """Return what the scorer has to answer."""
        if number >= len(self.payments):
            return "unknown"
        paid = self.payments[number]
        place = (time, outcome.startswith("challenge"))
        if time > now + 300:
            return "in_future"
        if time < paid.time:
            return "before_event"
        if place in paid.said:
            return "repeated" if paid.said[place] == outcome else "contradiction"
        before = paid.holds
        paid.said[place] = outcome
        return self.apply(paid, before)

    def apply(self, paid, before):
        """Let what holds now count, if the payment's day is open."""
        is_open = paid.time // DAY_SECONDS > self.cutoff
        if paid.holds == before:
            return "none"
        if not is_open or paid.counts is None:
            return "late"
        paid.counts = paid.holds
        return "restored" if paid.counts else "removed"

    def hours(self, token, first_day):
        """The hour buckets of an entity from a day on, added up anew."""
        rows = {}
        for paid in self.payments:
            if paid.counts and token in (paid.customer, paid.terminal) and paid.time // DAY_SECONDS >= first_day:
                rows.setdefault(paid.time // HOUR_SECONDS, []).append((paid.time, paid.amount))
        return {
            hour: (
                len(each), sum(a for _, a in each), sum(a * a for _, a in each), max(a for _, a in each),
                max(t for t, _ in each),
            )
            for hour, each in rows.items()
        }  # fmt: skip


class World:
    """A scorer that does random things, and the model that says what has to come of them."""

    def __init__(self, home, seed):
        self.home, self.rng, self.model = home, np.random.default_rng(seed), Model()
        self.scorer, self.sent = Scorer(home), []
        self.scorer.poller.poll()
        self.did = []

    def step(self):
        """Do one random thing."""
        acts = (self.decide, self.decide, self.tell, self.tell, self.tell, self.repeat, self.restart, self.night)
        act = acts[self.rng.choice(len(acts), p=(0.25, 0.2, 0.2, 0.15, 0.1, 0.06, 0.02, 0.02))]
        self.did.append(act.__name__)
        act()

    def decide(self):
        """Decide a payment of the last hours, now and then one of a closed day."""
        clock, number = self.scorer.clock, len(self.model.payments)
        clock.time += int(self.rng.integers(0, 900))
        time = clock.time - int(self.rng.choice([0, 0, 30, 1_500, 30_000, 100_000]))
        tokens = [tokenise(KEY, kind, int(self.rng.integers(2))) for kind in ("customer", "terminal")]
        amount = int(self.rng.choice([100, 200, int(self.rng.integers(1, 400))]))
        is_open = time // DAY_SECONDS > self.model.cutoff
        expected = sum(1 for paid in self.model.payments if paid.counts and self.is_in_month(paid, tokens[1], time))
        answer = self.scorer.decide(
            transaction_id=number, event_time=time, customer=tokens[0], terminal=tokens[1], amount=amount
        )
        assert (answer.status_code, answer.json["counted"]) == (200, is_open)
        if is_open:
            vector = np.frombuffer(stored(self.scorer.store, number)[1].vector, "<f8")
            assert vector[FEATURE_NAMES.index("terminal_30d_count")] == expected
        self.model.payments.append(Paid(number, time, *tokens, amount, is_open or None))

    def is_in_month(self, paid, terminal, time):
        """Whether an open payment lies in the live hours of a terminal up to an event; states are empty here."""
        return (
            paid.terminal == terminal
            and paid.time // HOUR_SECONDS <= time // HOUR_SECONDS
            and (paid.time // DAY_SECONDS > self.model.cutoff)
        )

    def tell(self):
        """Tell an outcome of a random payment: soon, late, early, in the future, or of none."""
        # Mostly one of the last, so that payments have several outcomes.
        number = max(len(self.model.payments) - int(self.rng.choice([0, 1, 1, 2, 2, 3, 4, 30])), 0)
        known = number < len(self.model.payments)
        start = self.model.payments[number].time if known else NOON
        time = start + int(self.rng.choice([-1, 0, 0, 5, 5, 10, 60, 4_000, 200_000]))
        self.send(number, KINDS[self.rng.integers(len(KINDS))], time)

    def repeat(self):
        """Send again what was sent before."""
        if self.sent:
            self.send(*self.sent[self.rng.integers(len(self.sent))])

    def send(self, number, outcome, time):
        """Tell an outcome, and compare the answer with the model's."""
        self.sent.append((number, outcome, time))
        body = {"outcomes": [{"transaction_id": number, "outcome": outcome, "happened_at": time}]}
        answer = self.scorer.post("/v1/outcomes", body).json
        expected = self.model.tell(number, outcome, time, self.scorer.clock.now())
        self.did.append(expected)
        found = [name for name in ("removed", "restored", "late", "repeated") if answer[name]]
        found += ["unknown"] * len(answer["unknown_transactions"]) + [each["fault"] for each in answer["rejected"]]
        assert (found or ["none"]) == [expected]

    def restart(self):
        """Close the scorer and open another one."""
        time = self.scorer.clock.time
        require_consistent(self.scorer.store)
        self.scorer.close()
        self.scorer = Scorer(self.home)
        self.scorer.clock.time = time
        self.scorer.poller.poll()

    def night(self):
        """Close the day before; its state knows nobody, so that only live buckets count."""
        self.model.cutoff = self.scorer.clock.now() // DAY_SECONDS - 1
        export_state(self.home / "state", self.model.cutoff, {}, sequence=len(self.did) + 2)
        self.scorer.poller.poll()
        self.scorer.clock.time += 9 * HOUR_SECONDS

    def check(self):
        """Every live record has exactly the payments that count, of all days that are still open."""
        first = self.model.cutoff + 1
        for kind in ("customer", "terminal"):
            for number in range(2):
                token = tokenise(KEY, kind, number)
                kept = {hour: tuple(b) for hour, b in live(self.scorer.store, token).items() if hour >= first * 24}
                assert kept == self.model.hours(token, first)


@pytest.mark.parametrize("seed", SEEDS)
def test_live_state_is_the_recount_of_what_counts(home, seed):
    """Answers, live buckets and counts in vectors are those of the model, after every step."""
    world = World(home, seed)
    try:
        for _ in range(STEPS):
            world.step()
            world.check()
        require_consistent(world.scorer.store)
        numbers = [outcome.transaction_id for _, outcome in world.scorer.store.outcomes.read(1, 10_000)]
        assert len(numbers) == sum(len(paid.said) for paid in world.model.payments)
    finally:
        world.scorer.close()


def test_the_histories_have_every_case(home):
    """One seed alone sees each answer and each act."""
    world = World(home, 0)
    try:
        for _ in range(500):
            world.step()
    finally:
        world.scorer.close()

    assert set(world.did) >= {
        "decide", "tell", "repeat", "restart", "night", "none", "removed", "restored", "late", "repeated", "unknown",
        "in_future", "before_event", "contradiction",
    }  # fmt: skip

"""Verdicts are compared part by part, and the ledger of the simulator counts as its rules say."""

from antifraud.clock import DAY_SECONDS
from bench.switch.simulator.ledger import Cell, Heard, Ledger
from bench.switch.simulator.world import FIRST_DAY, Kind, Word, World
from bench.switch.verdict import Verdict, find_differences
from serving.store.records import Context, Decision

DAY = 20_000
CALM = Verdict(
    [{"mode": "SERVING"}, {"mode": "SUSPENDED", "cause": "trip"}], {(0, ""): 1}, {(0, DAY, "a"): 2}, "eras", 7
)
EMPTY = dict.fromkeys(("legit_flagged", "legit_passed", "fraud_flagged", "fraud_passed"), 0.0)


def test_equal_verdicts_have_no_differences():
    """Nor has a verdict with itself."""
    assert find_differences(CALM, CALM) == []


def test_each_difference_is_a_line():
    """A change that is missing, another count, and another last closed day."""
    other = CALM._replace(transitions=CALM.transitions[:1], counts={(0, DAY, "a"): 3}, closed=8)

    assert find_differences(CALM, other) == [
        "transitions differ at 1: {'mode': 'SUSPENDED', 'cause': 'trip'} became None",
        f"counts differ at (0, {DAY}, 'a'): 2 became 3",
        "closed differ at all: 7 became 8",
    ]


def answer(*, flagged=False, complete=True, epoch=0, lag=0):
    """A decision about an event at the beginning of the day, made so many days later."""
    time, context = DAY * DAY_SECONDS, Context("a", 500_000, "SERVING", epoch, 0)
    score = 600_000 if flagged else 400_000
    return Decision(
        context, score, time, time + lag * DAY_SECONDS, "k1.t", 100, bytes(16), counted=True, history_complete=complete
    )


def word(status, learned, *, received=1, propensity=1.0):
    """A label that was learnt some seconds after the event, and received at the end of a day after it."""
    said = Word("x", status, DAY * DAY_SECONDS + learned, propensity)
    return Heard(said, (DAY + received + 1) * DAY_SECONDS - 1)


def test_the_ledger_counts_the_last_word_before_and_after_the_close():
    """With a delay of two days, a word of the second day is in time, and one of the third is not."""
    ledger = Ledger({"x": answer(flagged=True)})
    ledger.labels["x"] = [
        word("fraud", 5, received=2),
        word("legitimate", 9, received=3),
        word("unknown", 1, received=4),
    ]

    timely, latest = ledger.count(2, [0])[Cell(DAY, 0, "a")]

    assert {**EMPTY, **timely} == {**EMPTY, "decided": 1, "flagged": 1, "fraud_flagged": 1.0}
    assert {**EMPTY, **latest} == {**EMPTY, "decided": 1, "flagged": 1, "legit_flagged": 1.0}


def test_the_ledger_knows_eras_and_who_is_in_no_rate():
    """An incomplete history is in no rate; a decision of a later epoch is in its era, a late one in `latest` only."""
    ledger = Ledger({"a": answer(), "b": answer(complete=False), "c": answer(epoch=5), "d": answer(epoch=4, lag=3)})
    ledger.labels["a"] = [word("legitimate", 1, propensity=0.5)]

    counts = ledger.count(2, [0, 4])

    assert {cell.era: (timely["decided"], latest["decided"]) for cell, (timely, latest) in counts.items()} == {
        0: (1, 1), 4: (1, 2),
    }  # fmt: skip
    assert counts[Cell(DAY, 0, "a")][0]["legit_passed"] == 2.0


def test_a_world_follows_from_its_seed():
    """The same payments and labels twice, and others for another seed; events are in order."""
    first, again, other = World(3), World(3), World(4)
    events = list(first.events())

    assert (first.said, first.payments(events[9].time)) == (again.said, again.payments(events[9].time))
    assert first.said != other.said
    assert events == sorted(events, key=lambda event: (event.time, event.kind.value))
    assert (events[0].time, events[-1].kind) == (FIRST_DAY * DAY_SECONDS, Kind.GUARD)


def test_every_kind_of_world_comes_up():
    """Good and bad releases, with and without people; delays and nights between promotions differ."""
    worlds = [World(seed) for seed in range(24)]

    assert {(world.is_bad, world.has_people) for world in worlds} == {
        (False, False), (False, True), (True, False), (True, True),
    }  # fmt: skip
    assert {world.delay for world in worlds} == {2, 3, 5}
    assert {world.nights for world in worlds} == {1, 5, 24}
    assert {bool(world.troubled_days) for world in worlds if not world.is_bad and world.has_people} == {True}

"""Transactions with labels, histories made of them as a state and the scorer make them, and mutants of the code."""

import inspect
from collections import Counter
from types import ModuleType

from hypothesis import strategies as st

from tests import naive
from tests.naive import DAY, HOUR

LABEL_DELAY = 7
EVENT_DAY = 20_000
EDGES = (0, 1, HOUR - 1, HOUR, HOUR + 1, DAY - 1, DAY, 7 * DAY - 1, 7 * DAY, 7 * DAY + HOUR, 8 * DAY, 30 * DAY)
STATUS = ("fraud", "legitimate", "unknown")
NO_HOUR = -1
"""How `LabelHistory` spells a missing hour."""


@st.composite
def labelled(draw):
    """Draw a transaction of the last 45 days, or one made after the event, with up to four labels in order."""
    second = st.one_of(st.sampled_from((0, HOUR - 1, HOUR, DAY - 1)), st.integers(0, DAY - 1))
    days_ago = st.one_of(st.sampled_from((0, 1, 7, 8, 14, 30, 31, 37, 38)), st.integers(-1, 45))
    at = (EVENT_DAY - draw(days_ago)) * DAY + draw(second)
    delays = st.one_of(st.sampled_from(EDGES), st.integers(0, 46 * DAY))
    entry = st.tuples(delays.map(lambda delay: at + delay), st.sampled_from(STATUS))
    return at, sorted(draw(st.lists(entry, max_size=4)), key=lambda each: each[0])


@st.composite
def label_worlds(draw):
    """Draw labelled transactions of a terminal, the time of an event, and the days from the cut-off to the event."""
    transactions = draw(st.lists(labelled(), max_size=5))
    if transactions and draw(st.booleans()):
        at, said = transactions[0]
        # A twin with other labels at the same moments: frauds and legitimate labels of one hour.
        transactions.append((at, [(learnt, draw(st.sampled_from(STATUS))) for learnt, _ in said]))
    close = [at + edge for _, said in transactions for at, _ in said for edge in (-1, 0, HOUR, DAY, 7 * DAY)]
    times = [time for time in close if time // DAY == EVENT_DAY]
    any_time = st.integers(EVENT_DAY * DAY, EVENT_DAY * DAY + DAY - 1)
    return (
        transactions,
        draw(st.one_of(any_time, st.sampled_from(times)) if times else any_time),
        draw(st.integers(1, 4)),
    )


def label_history(labels, transactions, cutoff):
    """Return the `LabelHistory` of a cut-off: closed sums as known when that day ended, and all changes since.

    `labels` is the module `antifraud.features.labels`, or a mutant of it.
    """
    end = (cutoff + 1) * 24
    known = [(naive.entries_before(said, end), at // HOUR + LABEL_DELAY * 24) for at, said in transactions]
    now = [(place, status) for status, place in (naive.present(*each) for each in known if each[0])]
    now = [(place, status) for place, status in now if status != "unknown" and place // 24 > cutoff - 30]
    news = [each for entries, due in known for each in naive.in_time(entries, due) if each[0] // 24 > cutoff - 30]
    last_legit = max((hour for hour, status in news if status == "legitimate"), default=NO_HOUR)
    return labels.LabelHistory.of(
        cutoff,
        counts(labels, [(place // 24, status) for place, status in now]),
        counts(labels, [(place, status) for place, status in now if place // 24 == cutoff]),
        last_legit,
        Counter(hour for hour, status in news if status == "fraud" and hour > last_legit),
        merged(labels, [change for change in changes(labels, transactions) if change.hour >= end]),
    )


def counts(labels, placed):
    """Return labelled transactions and frauds by place."""
    known, fraud = Counter(place for place, _ in placed), Counter(place for place, said in placed if said == "fraud")
    return {place: labels.Counts(known[place], fraud[place]) for place in known}


def changes(labels, transactions):
    """Return the changes of all transactions."""
    return [change for at, said in transactions for change in labels.changes_of(said, at, LABEL_DELAY)]


def merged(labels, found):
    """Return changes summed by hour and place, as a state keeps them."""
    known, fraud = Counter(), Counter()
    for hour, since, more_known, more_fraud in found:
        known[hour, since] += more_known
        fraud[hour, since] += more_fraud
    return [labels.Change(*key, known[key], fraud[key]) for key in known if known[key] or fraud[key]]


def mutant(module, old, new):
    """Return a copy of a module in which one piece of the source is replaced; the piece must be there exactly once."""
    source = inspect.getsource(module)
    assert source.count(old) == 1, old
    changed = ModuleType(module.__name__)
    exec(compile(source.replace(old, new), module.__file__, "exec"), changed.__dict__)  # noqa: S102 - our own source
    return changed

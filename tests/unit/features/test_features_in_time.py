"""No feature depends on a later event or on a label that was not learnt yet: the core equals plain loops over rows."""

import math

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from antifraud.features import buckets, labels
from antifraud.features.buckets import EMPTY, bucket_of
from antifraud.features.reference import INPUT_NAMES, feature_inputs, feature_vector
from antifraud.features.registry import FEATURE_NAMES, WINDOWS
from tests import naive
from tests.naive import DAY, HOUR
from tests.unit.features.worlds import EVENT_DAY, LABEL_DELAY, label_history, label_worlds, mutant

CUTOFF = EVENT_DAY
SEARCH = settings(max_examples=20_000, derandomize=True, database=None, deadline=None, phases=[Phase.generate])


def differs_in_labels(world, module=labels):
    """Return whether a label history of some cut-off says something else than the loop over transactions."""
    transactions, time, days_since = world
    found = label_history(module, transactions, time // DAY - days_since).risk(time)
    return tuple(found) != naive.risk(transactions, time, LABEL_DELAY)


@settings(max_examples=300, deadline=None)
@given(label_worlds())
def test_labels_equal_a_loop_over_transactions_for_every_cutoff(world):
    """One to four days after the cut-off, an event sees the same labels as a loop over all label entries."""
    assert not differs_in_labels(world)


@given(label_worlds())
def test_a_late_night_changes_nothing(world):
    """An event sees the same labels whether the newest state is of the day before or of an earlier day."""
    transactions, time, days_since = world
    yesterday, earlier = (label_history(labels, transactions, time // DAY - days) for days in (1, days_since))

    assert earlier.risk(time) == yesterday.risk(time)


@given(label_worlds())
def test_labels_of_the_own_hour_or_later_never_matter(world):
    """An event sees the same labels without everything that was learnt in its own hour or later."""
    transactions, time, days_since = world
    cutoff = time // DAY - days_since
    so_far = naive.before_event(transactions, time)

    assert label_history(labels, transactions, cutoff).risk(time) == label_history(labels, so_far, cutoff).risk(time)


@given(label_worlds(), st.integers(0, 40))
def test_labels_of_a_closed_day_are_unknown(world, days_late):
    """A state of the event's own day or of a later one does not say what was known at the event's hour."""
    transactions, time, _ = world

    assert label_history(labels, transactions, time // DAY + days_late).risk(time) is None


LABEL_MUTANTS = {
    "a label of the own hour": ("bisect_left(columns[0], hour)", "bisect_left(columns[0], hour + 1)"),
    "a label of any hour": ("bisect_left(columns[0], hour)", "len(self)"),
    "the oldest place is left out": ("place >= first for place", "place > first for place"),
    "the oldest closed day is left out": ("self.days.since(today - days)", "self.days.since(today - days + 1)"),
    "the oldest closed hour is left out": ("self.hours.since(first)", "self.hours.since(first + 1)"),
    "closed days in the window of a day": (
        "self.hours.since(first) if days == 1", "self.hours.since(first) if days == 0",
    ),
    "the week moves by the hour": (
        "hour - DAY_HOURS if days == 1 else (today - days) * DAY_HOURS", "hour - days * DAY_HOURS",
    ),
    "the place is the hour of learning": ("place = status, min(hour, due)", "place = status, hour"),
    "the place is always the feed's": ("place = status, min(hour, due)", "place = status, due"),
    "a correction leaves the old label": ("Change(hour, place, -1,", "Change(hour, place, 0,"),
    "a correction takes the old label away at its own place": ("Change(hour, place, -1,", "Change(hour, hour, -1,"),
    "a correction leaves the old fraud": ("-int(before == FRAUD)", "0"),
    "a repeated label counts again": ("if status == before:", "if status == before == UNKNOWN:"),
    "the first label of an hour holds": (" in said}", " in reversed([*said])}"),
    "unknown is a label": ("        if status != UNKNOWN:\n", "        if True:\n"),
    "a streak without end": ("since = max(last_legit + 1, first)", "since = last_legit + 1"),
    "a legitimate label without end": ("if last_legit >= first else 0", "if last_legit >= 0 else 0"),
    "a legitimate label does not end the streak": ("since = max(last_legit + 1, first)", "since = first"),
    "the hour of the legitimate label is in the streak": ("last_legit + 1, first", "last_legit, first"),
    "late labels in the streak": ("hour == place for hour, place", "True for hour, place"),
    "a new fraud ends the streak": ("if more > frauds]", "if more]"),
    "the legitimate label of the state is forgotten": ("max(self.last_legit, ", "max(NO_HOUR, "),
    "the streak of the state is forgotten": ("for at, count in self.streak.items() if", "for at, count in () if"),
    "the streak is as old as its last fraud": ("hour - min(frauds)[0]", "hour - max(frauds)[0]"),
    "a streak needs closed days": ("self.days or self.streak or learnt.hours", "self.days or learnt.hours"),
}  # fmt: skip


@pytest.mark.parametrize("name", LABEL_MUTANTS)
def test_a_mistake_about_labels_is_found(name):
    """The comparison is meaningful: it finds each of these mistakes, planted in a copy of the code."""
    wrong = mutant(labels, *LABEL_MUTANTS[name])

    assert find(label_worlds(), lambda world: differs_in_labels(world, wrong), settings=SEARCH)


@st.composite
def payments(draw):
    """Draw times and amounts of one entity, and a time of an event up to 36 days before or 3 days after the cut-off."""
    day = CUTOFF + draw(st.integers(-36, 3))
    second = st.one_of(st.sampled_from((0, HOUR - 1, HOUR, 12 * HOUR, DAY - 1)), st.integers(0, DAY - 1))
    time = day * DAY + draw(second)
    near = st.sampled_from((0, 1, 2, 6, 7, 8, 29, 30, 31)).map(lambda days: day - days)
    days = st.one_of(near, st.integers(CUTOFF - 66, CUTOFF + 3))
    close = st.sampled_from((-DAY, -HOUR, -60, 0, 60, HOUR)).map(lambda seconds: time + seconds)
    times = st.one_of(st.tuples(days, second).map(lambda each: each[0] * DAY + each[1]), close)
    return draw(st.lists(st.tuples(times, st.integers(1, 10**9)), max_size=12)), time


def history(rows, module=buckets):
    """Return an entity's `History` at the cut-off, with the buckets of its state and those of later days."""
    days, hours = {}, {}
    for time, amount in rows:
        if CUTOFF - 30 < time // DAY <= CUTOFF:
            days[time // DAY] = days.get(time // DAY, EMPTY).plus(bucket_of(time, amount))
        if time // DAY >= CUTOFF:
            hours[time // HOUR] = hours.get(time // HOUR, EMPTY).plus(bucket_of(time, amount))
    return module.History(CUTOFF, module.Buckets.of(days), module.Buckets.of(hours))


def differs_in_windows(world, module=buckets):
    """Return whether some window of a history says something else than the loop over rows."""
    rows, time = world
    found = history(rows, module).windows(time)
    return found != [
        naive.window(rows, time, days) if naive.is_known(rows, CUTOFF, time, days) else None for days in WINDOWS
    ]


@settings(max_examples=300, deadline=None)
@given(payments())
def test_windows_equal_a_loop_over_rows_wherever_they_are_known(world):
    """Each window, also of a late event, equals the loop over rows, and is None exactly where nobody can know it."""
    assert not differs_in_windows(world)


@given(payments())
def test_later_buckets_never_matter(world):
    """Payments of later hours change no window of an event; the closed day of a late event may become unknown."""
    rows, time = world
    so_far = [row for row in rows if row[0] // HOUR <= time // HOUR]
    with_later, without = (history(each).windows(time) for each in (rows, so_far))

    assert [late or None for late in with_later] == [
        None if late is None else early for late, early in zip(with_later, without, strict=True)
    ]
    assert time // DAY < CUTOFF or with_later == without


@given(payments(), payments())
def test_no_time_since_the_last_payment_is_negative(customer, terminal):
    """The time since the last payment is null or not negative, in whatever order the payments arrived."""
    rows, time = customer
    found = feature_vector(time, 100, history(rows), history(terminal[0]))
    ages = [found[FEATURE_NAMES.index(f"{entity}_since_last")] for entity in ("customer", "terminal")]

    assert all(math.isnan(age) or age >= 0 for age in ages)


@given(payments())
def test_only_a_late_event_lacks_inputs(world):
    """An event after the cut-off has all inputs. A late one lacks its labels and its windows of 30 days, at least."""
    rows, time = world
    found = feature_inputs(time, 100, history(rows), history(rows))

    assert found.complete == (time // DAY > CUTOFF)
    assert found.complete == ("terminal_streak_age" in found) == ("customer_30d_tx_count" in found)
    assert set(found) <= INPUT_NAMES


WINDOW_MUTANTS = {
    "later hours": ("[(first, last_hour) for first in first_hours]", "[(first, 1 << 30) for first in first_hours]"),
    "the own hour is left out": (
        "[(first, last_hour) for first in first_hours]", "[(first, last_hour - 1) for first in first_hours]",
    ),
    "the first hour is left out": (
        "[(first, last_hour) for first in first_hours]", "[(first + 1, last_hour) for first in first_hours]",
    ),
    "later closed days": ("min(self.cutoff, today - 1)", "self.cutoff"),
    "the first day is left out": (
        "[(first, last_closed) for first in first_days]", "[(first + 1, last_closed) for first in first_days]",
    ),
    "the cut-off day counts twice": ("max(first * DAY_HOURS, open_hour)", "first * DAY_HOURS"),
    "every window is known": ("if today > self.cutoff:", "if today > 0:"),
    "the cut-off day is known too well": ("if today > self.cutoff:", "if today >= self.cutoff:"),
    "windows before the oldest closed day": ("first_day > self.cutoff - LONGEST_WINDOW_DAYS and all(", "all("),
    "the oldest closed day is unknown": (
        "first_day > self.cutoff - LONGEST_WINDOW_DAYS", "first_day > self.cutoff - LONGEST_WINDOW_DAYS + 1",
    ),
    "closed days are known to the hour": ("day == self.cutoff or day not in self.days", "True"),
    "the cut-off day is not known to the hour": ("day == self.cutoff or day not in self.days", "day not in self.days"),
    "yesterday is known to the hour": ("range(first_day, today + 1) if days == 1 else (today,)", "(today,)"),
    "every closed day has to be known to the hour": (
        "range(first_day, today + 1) if days == 1 else (today,)", "range(first_day, today + 1)",
    ),
    "a last time after the event": ("if found[0].last_time <= time:", "if found:"),
    "the last time at the event's second is dropped": ("found[0].last_time <= time", "found[0].last_time < time"),
    "the hour before the own one has no last time": ("(first_hours, last_hour - 1)", "(first_hours, last_hour - 2)"),
    "a sum leaves its last bucket out": ("bisect_right(numbers, last)", "bisect_left(numbers, last)"),
    "a sum forgets its largest amount": ("max(largest[start:end])", "largest[start]"),
}  # fmt: skip


@pytest.mark.parametrize("name", WINDOW_MUTANTS)
def test_a_mistake_about_windows_is_found(name):
    """The comparison is meaningful: it finds each of these mistakes, planted in a copy of the code."""
    wrong = mutant(buckets, *WINDOW_MUTANTS[name])

    assert find(payments(), lambda world: differs_in_windows(world, wrong), settings=SEARCH)

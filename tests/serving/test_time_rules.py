"""No feature depends on a later event or on a label before it was learnt, whatever the order of arrival."""

import inspect
import textwrap

import numpy as np
import pytest

from antifraud.clock import HOUR_SECONDS
from antifraud.features.buckets import History
from antifraud.features.labels import Changes, LabelHistory, Learnt
from antifraud.features.reference import feature_vector, vector_of
from serving.decisions import live
from serving.store import labels, live_labels
from serving.store.port import Wanted
from serving.store.records import Place
from tests.serving.row_loop import Row, Rows, Said
from tests.serving.scene import Scorer, export_state, stored
from tests.serving.worlds import DELAY_DAYS, FIRST_DAY, LATE_DAYS, generate_world, state_of


class Run:
    """A scorer that lives through a generated world, and the rows that it was told."""

    def __init__(self, home, seed):
        self.home = home
        self.feed, self.feed_labels, self.happenings = generate_world(seed)
        self.rows = Rows(DELAY_DAYS, self.feed, self.feed_labels, FIRST_DAY - 1)
        self.scorer = Scorer(home, late_event_days=LATE_DAYS)
        self.numbers = 10_000
        self.wrong = []
        self.incomplete = 0
        self.previews = 0

    def live_through(self):
        """Let everything happen until a vector is not that of the row loop; return the number of its decision."""
        self.load(self.rows.cutoff)
        for time, happening in self.happenings:
            self.scorer.clock.time = time
            if isinstance(happening, Row):
                self.decide(happening)
            elif isinstance(happening, Said):
                self.post(happening)
            else:
                self.load(happening)
            if self.wrong:
                break
        self.scorer.close()
        return self.wrong

    def load(self, cutoff):
        """Export the state of a cut-off, and follow it."""
        self.rows.cutoff = cutoff
        entities = state_of(self.feed, self.feed_labels, cutoff)
        export_state(self.home / "state", cutoff, entities, sequence=2 + cutoff, label_delay_days=DELAY_DAYS)
        self.scorer.poller.poll()

    def decide(self, row):
        """Decide an event, a late one after later events and labels, and compare its vector with the row loop's."""
        before = None
        if self.scorer.clock.time - row.time > 2 * HOUR_SECONDS and self.previews < 40:
            before = self.preview(row)
            self.add_what_comes_later(row)
            self.previews += 1
        self.compare(row, before)

    def compare(self, row, before=None):
        """Send an event; its logged vector has the bits of the row loop, and of the vector `before` later rows came."""
        inputs = self.rows.inputs(row)
        names = ("event_time", "customer", "terminal", "amount")
        answer = self.scorer.decide(transaction_id=row.number, **dict(zip(names, row[1:], strict=True)))
        assert answer.status_code == 200
        assert ("history_incomplete" in answer.json["reasons"]) == (not inputs.complete)
        self.incomplete += not inputs.complete
        logged = stored(self.scorer.store, row.number)[1].vector
        expected = {bits_of(vector_of(inputs)), logged if before is None else before}
        if expected != {logged}:
            self.wrong.append(row.number)
        self.rows.arrived.append(row)

    def preview(self, row):
        """The vector that the event would get now, without a decision."""
        state = self.scorer.services.serving.state
        hours = live.label_hours_of(state, row.time)
        wanted = Wanted(Place("", "preview"), row.customer, row.terminal, hours)
        (customer, _), (terminal, _) = live.histories_of(state, wanted, self.scorer.store.look_up(wanted))
        return bits_of(feature_vector(row.time, row.amount, customer, terminal))

    def add_what_comes_later(self, row):
        """Send events of later hours about the same parties, and labels that were not learnt before the event."""
        now, next_hour = self.scorer.clock.time, (row.time // HOUR_SECONDS + 1) * HOUR_SECONDS
        for time in (next_hour, now):
            self.numbers += 1
            self.compare(Row(self.numbers, time, row.customer, row.terminal, 49_999))
        this_hour = row.time - row.time % HOUR_SECONDS
        others = [other for other in self.rows.arrived if other.terminal == row.terminal][-20:]
        self.post(*(Said(other.number, max(this_hour, other.time), "fraud") for other in others))

    def post(self, *said):
        """Send labels; the scorer drops those of transactions that it has not decided yet."""
        bodies = [dict(zip(("transaction_id", "learned_at", "status"), label, strict=True)) for label in said]
        answer = self.scorer.post("/v1/labels", {"labels": bodies})
        assert answer.status_code == 200
        dropped = answer.json["unknown_transactions"]
        new = [label for label in said if str(label.number) not in dropped and label not in self.rows.posted]
        self.rows.posted += new


def bits_of(vector):
    return np.array(vector, dtype="<f8").tobytes()


LONG = [pytest.param(seed, marks=pytest.mark.prove) for seed in range(2, 40)]


@pytest.mark.parametrize("seed", [0, 1, *LONG])
def test_every_vector_is_that_of_the_row_loop(home, seed):
    """Events late by up to five days, labels in any order, changes of the cut-off: every bit is the row loop's."""
    run = Run(home, seed)

    assert run.live_through() == []
    assert run.incomplete > 10
    assert run.previews == 40


MUTANTS = [
    (Changes, "learnt_before", "bisect_left(columns[0], hour)", "bisect_left(columns[0], hour + 1)"),
    (LabelHistory, "risk", "if today <= self.cutoff", "if today < self.cutoff"),
    (Learnt, "in_time", "[hour == place for", "[place for"),
    (History, "_total_hours", "first_live), last_hour)", "first_live), 1 << 30)"),
    (History, "_sum_hours", "if found[0].last_time <= time", "if found"),
    (History, "windows", "if today > self.cutoff", "if today >= self.cutoff"),
    (History, "windows", "min(self.cutoff, today - 1)", "self.cutoff"),
    (History, "_total_hours", "max(first, first_live)", "first"),
    (
        live,
        "label_hours_of",
        "range(first_counted_hour(state.cutoff, state.label_delay_days, hour), hour)",
        "range(hour)",
    ),
    (live, "first_counted_hour", "min(hour - delay, ", "max(hour - delay, "),
    (live_labels, "_changes", "sorted(labels, key=_learned_at)", "labels"),
    (labels, "add_live_label", "if label in before", "if not before and stored"),
]


@pytest.mark.parametrize(("place", "name", "rule", "mutated"), MUTANTS)
def test_a_broken_rule_is_found(home, monkeypatch, place, name, rule, mutated):
    """Each rule about time, changed in the code that runs, gives a vector that is not the row loop's."""
    function = getattr(live_labels if place is labels else place, name)
    source = textwrap.dedent(inspect.getsource(function))
    assert source.count(rule) == 1
    names = dict(function.__globals__)
    exec(source.replace(rule, mutated), names)  # noqa: S102 the source is the project's own
    monkeypatch.setattr(place, name, names[name])

    assert Run(home, 0).live_through() != []

"""The benchmark of a decision's processor time: its records, its requests, and the ratio that it writes down."""

import json
import struct

import pytest

from antifraud.artifacts.state_export import Entity
from antifraud.features.buckets import Bucket, Buckets
from antifraud.features.labels import Counts, LabelHistory
from bench.serving import cpu
from bench.serving.calls import call, constant_app, environ_of, microseconds_of
from bench.serving.cpu import Spent, record_ratio
from bench.serving.world import BATCH, CUTOFF, FILLING, LABELLED, encode_format_2, make_requests


def test_the_earlier_record_of_an_entity():
    """Commit b393281 kept a header with the labels as nine sums, then 52 bytes for each bucket."""
    day, hour = Bucket(2, 12, 74, 7, 60), Bucket(1, 5, 25, 5, 60)
    labels = LabelHistory.of(CUTOFF, {CUTOFF: Counts(3, 1), CUTOFF - 7: Counts(5, 2)})
    found = encode_format_2(Entity(Buckets.of({7: day}), Buckets.of({8: hour}), labels))

    assert struct.unpack_from("<BHH9q", found) == (2, 1, 1, 3, 1, 3, 1, 8, 3, 0, 0, 0)
    assert list(struct.iter_unpack("<iqqQQqq", found[77:])) == [(7, 2, 12, 0, 74, 7, 60), (8, 1, 5, 0, 25, 5, 60)]


def test_requests_have_different_ids_and_come_in_batches():
    """The day is filled with decisions, then with labels; each measured batch has decisions only."""
    filling, *batches = (batch.splitlines() for batch in make_requests(2).split("\n\n"))
    paths = [line.split(" ", 1)[0] for line in filling]
    bodies = [json.loads(line.split(" ", 1)[1]) for batch in batches for line in batch]

    assert [paths.count("/v1/decisions"), paths.count("/v1/labels")] == [FILLING, LABELLED]
    assert [len(batch) for batch in batches] == [BATCH, BATCH]
    assert {body["transaction_id"] for body in bodies} == set(range(FILLING, FILLING + 2 * BATCH))


def test_the_median_of_the_turns_is_recorded(monkeypatch):
    """Ratios of 0.25, 0.5 and 0.4 give 0.4; the constant view's microseconds stand beside it."""
    recorded = []
    monkeypatch.setattr(cpu, "record", lambda *entry: recorded.append(entry))
    record_ratio([Spent(50, 40), Spent(60, 42), Spent(40, 41)], [Spent(200, 40), Spent(120, 40), Spent(100, 40)])
    name, value, unit, command, baseline, spread = recorded[0]

    assert (name, value, unit, spread) == ("scorer.cpu_ratio", 0.4, "1", (0.25, 0.5))
    assert command == "make bench-cpu BEFORE=checkout"
    assert baseline == ("50 of 120 microseconds at commit b393281, in 3 turns; a view that returns a constant needs 41")


def test_a_call_is_a_whole_request():
    """The constant view answers 200, its requests take some time, and a request that fails ends the measurement."""
    app = constant_app()

    assert call(app, environ_of("POST", "/v1/decisions", b"{}", "token")) == ("200 OK", b"{}")
    assert microseconds_of(app, [b"/v1/decisions {}"] * 50, "token") > 0
    with pytest.raises(SystemExit, match="1 of 1 requests failed"):
        microseconds_of(app, [b"/v1/nothing {}"], "token")

"""Requests leave when they are due, and are timed from then."""

import threading
import time

import pytest

from bench.serving import power
from bench.serving.open_loop import Timed, send_all


def test_a_pause_is_charged_to_every_request_that_was_due():
    """While the first request takes 0.3 s and nothing else is sent, the next ones wait, and their times say so."""

    def send(number):
        time.sleep(0.3 if number == 0 else 0)
        return 200

    timed = sorted(send_all(send, range(4), rate=20.0, senders=1), key=lambda each: each.number)
    assert [each.status for each in timed] == [200] * 4
    assert [each.seconds for each in timed] == pytest.approx([0.3, 0.25, 0.2, 0.15], abs=0.1)
    assert timed[1].seconds > timed[3].seconds


def test_nobody_waits_for_an_answer_to_send_the_next():
    """With two senders, the second request leaves while the first is on its way."""
    second = threading.Event()

    def send(number):
        if number == 1:
            second.set()
        return 200 if second.wait(timeout=20) else 0

    assert {each.status for each in send_all(send, [0, 1], rate=100.0, senders=2)} == {200}


def test_the_ratio_is_the_median_over_turns(monkeypatch):
    """The recorded ratio is the median of the turns' ratios, with their spread."""
    recorded = []
    monkeypatch.setattr(power, "record", lambda *values: recorded.append(values))
    found = {
        "process": [turn(200, 0.01, 1.5), turn(200, 0.02, 1.0), turn(200, 0.01, 1.0)],
        "power": [turn(200, 0.02, 2.0), turn(503, 0.1, 3.0), turn(200, 0.04, 4.0)],
    }
    power.record_ratio(found, redis=False)
    power.record_ratio(found, redis=True)
    assert recorded == [
        (
            "scorer.power_400_ratio",
            4.0,
            "1",
            "make bench-serving-power",
            (
                "p99 40.0 ms over 10.0 ms, in 3 turns at 400 decisions a second; requests that were not decided: 1; "
                "decisions in a transaction: 3.0 over 1.0"
            ),
            (2.0, 5.0),
        ),
        ("scorer.redis_power_400_ratio", 4.0, "1", "make bench-redis-power", recorded[0][4], (2.0, 5.0)),
    ]


def turn(status, seconds, batch):
    """A turn with one answer."""
    return power.Turn([Timed(0, status, seconds)], batch)

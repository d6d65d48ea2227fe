"""The traffic of the parity bench has what a replay could get wrong, in the shares that are promised."""

from collections import Counter

from antifraud.clock import DAY_SECONDS, day_of
from bench.serving.parity_world import FIRST, LAST, MIDNIGHT, make_payment, time_of
from bench.serving.world import CUTOFF

COUNT = 20_000


def test_payments_go_over_a_midnight():
    """Half of them are sent on each of two days, in the order of their numbers."""
    times = [time_of(number, COUNT) for number in range(COUNT)]

    assert times == sorted(times)
    assert (times[0], times[COUNT // 2], times[-1] < LAST) == (FIRST, MIDNIGHT, True)
    assert {day_of(FIRST), day_of(LAST)} == {CUTOFF + 1, CUTOFF + 2}


def test_some_are_late_some_are_declined():
    """2 % come up to four days late, 1 % are declined, and some of these are authorised afterwards."""
    found = Counter()
    for number in range(COUNT):
        payment = make_payment(number, COUNT)
        age = time_of(number, COUNT) - payment.body["event_time"]
        assert 0 <= age < 4 * DAY_SECONDS
        said = [outcome["outcome"] for outcome in payment.outcomes]
        found.update(late=age >= 600, declined="declined" in said, restored=said == ["declined", "authorised"])
        found.update(labelled=payment.label is not None)

    shares = {name: round(count / COUNT, 3) for name, count in found.items()}
    assert shares == {"late": 0.02, "declined": 0.009, "restored": 0.002, "labelled": 0.011}


def test_a_payment_follows_from_its_number():
    """Clients that run at once need no common source of chance."""
    assert make_payment(7, COUNT) == make_payment(7, COUNT)
    assert make_payment(7, COUNT).body != make_payment(8, COUNT).body

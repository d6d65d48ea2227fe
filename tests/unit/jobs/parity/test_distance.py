"""Each difference between a logged vector and the lake's has the cause that explains it."""

import numpy as np
import pytest

from antifraud.clock import DAY_SECONDS
from antifraud.features.registry import FEATURE_NAMES
from jobs.parity.distance import measure_distance
from jobs.parity.log import Arrival, Checked, StoreLog

DAY = 20_000
TEN = DAY * DAY_SECONDS + 10 * 3_600
ZEROS = np.zeros(len(FEATURE_NAMES))


def event(arrival, number, seconds, *, customer="c", terminal="t", namespace=""):
    """An event so many seconds after ten o'clock."""
    return Arrival(arrival, namespace, str(number), TEN + seconds, customer, terminal, 100, counted=True)


def with_other(*names):
    """The zeros with another value of some features."""
    vector = ZEROS.copy()
    vector[[FEATURE_NAMES.index(name) for name in names]] = 1.0
    return vector


def found(events, decided, *, lake, complete=True, scope="global"):
    """Measure the distance of the decision about the event with arrival number `decided`."""
    log = StoreLog(list(events), [], {decided: Checked(ZEROS.tobytes(), DAY - 1, complete)})
    return measure_distance(log, lake, scope)


WINDOW, LABEL = "customer_1d_count", "terminal_fraud_7d"
CASES = {
    "history_incomplete": ([event(1, 5, 0)], [WINDOW, LABEL], False),
    "late": ([event(1, 5, 0), event(2, 4, -60)], [WINDOW], True),
    "concurrent": ([event(0, 9, 60), event(1, 5, 0)], [WINDOW, LABEL], True),
    "label_later": ([event(1, 5, 0), event(2, 4, -60)], [LABEL], True),
    "other": ([event(0, 9, 3_700), event(1, 5, 0), event(2, 4, -60, customer="d", terminal="u")], [WINDOW], True),
}


@pytest.mark.parametrize("cause", CASES)
def test_a_difference_has_its_cause(cause):
    """An earlier event that came later, a later one of the same hour, labels alone, a late event, or nothing of it."""
    events, names, complete = CASES[cause]

    distance = found(events, 1, lake={(DAY, 5): with_other(*names)}, complete=complete)

    assert (distance.compared, distance.same, dict(distance.causes)) == (1, 0, {cause: 1})
    assert dict(distance.features) == dict.fromkeys(names, 1)


def test_events_of_one_second_are_in_the_order_of_their_numbers():
    """Transaction 9 comes before 10, although its text does not."""
    lake = {(DAY, 10): with_other(WINDOW)}

    assert dict(found([event(1, 10, 0), event(2, 9, 0)], 1, lake=lake).causes) == {"late": 1}
    assert dict(found([event(0, 11, 0), event(1, 10, 0)], 1, lake=lake).causes) == {"concurrent": 1}


def test_null_equals_null_and_nothing_else():
    """A feature that is null on both sides is no difference, one that is null on one side is."""
    log = StoreLog([event(1, 5, 0)], [], {1: Checked(np.full_like(ZEROS, np.nan).tobytes(), DAY - 1, True)})

    assert measure_distance(log, {(DAY, 5): np.full_like(ZEROS, np.nan)}, "global").same == 1
    assert measure_distance(log, {(DAY, 5): ZEROS}, "global").features.total() == len(FEATURE_NAMES)


@pytest.mark.parametrize(
    ("name", "scope", "compared"),
    [
        ("5", "global", 1),
        ("05", "global", 0),
        ("2024-10-04:5", "day", 1),
        ("5", "day", 0),
        ("2024-10-04:5", "global", 0),
    ],
)
def test_an_id_is_that_of_the_lake_s_transaction_or_of_none(name, scope, compared):
    """The scope of ids says how a client spells the number of a transaction of the feed."""
    assert found([event(1, name, 0)], 1, lake={(DAY, 5): ZEROS}, scope=scope).compared == compared


def test_ids_of_another_namespace_are_none_of_the_lake_s():
    """Two clients may use one number for two transactions."""
    assert found([event(1, 5, 0, namespace="shop")], 1, lake={(DAY, 5): ZEROS}).compared == 0

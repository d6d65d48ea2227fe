"""States and features can be made day by day in any order: the rows equal those of one load, bit for bit."""

import random

import pytest

from antifraud.lake.catalog import open_catalog, published
from antifraud.lake.schemas import FEATURES, STATE
from antifraud.settings.core import JobSettings
from jobs.day import STAGES
from jobs.lake.checksums import checksums
from tests.spark.state_lake import day, fill

pytestmark = pytest.mark.prove
DAYS = range(12)
LATE = [8, 9, 10, 11]
"""These days are loaded one at a time. Labels of the first days have matured by then."""
ORDERS = {"backwards": LATE[::-1], "shuffled": random.Random(2).sample(LATE, len(LATE))}  # noqa: S311 - test data


def run(session, settings, stages, numbers):
    for stage in stages:
        STAGES[stage](session, settings, [day(number) for number in numbers])


def made(settings):
    """Return checksums of states and features of the late days, and of the state before the first of them."""
    found = checksums(settings, day(LATE[0] - 1), day(LATE[-1]))
    return {key: value for key, value in found.items() if key[0] in {STATE.name, FEATURES.name}}


@pytest.fixture(scope="module")
def at_once(tmp_path_factory, open_lake):
    """Return settings of a lake that was loaded in one go."""
    settings = JobSettings(home=tmp_path_factory.mktemp("at_once"))
    session = open_lake(settings)
    fill(session, settings, DAYS)
    run(session, settings, ["totals", "state", "features"], DAYS)
    return settings


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_the_order_of_days_changes_nothing(at_once, settings, open_lake, order):
    """Late days that are made one at a time, backwards or shuffled, get the rows of a lake loaded at once.

    As in the `lake` DAG, all totals exist before the first state and features are made.
    """
    session = open_lake(settings)
    fill(session, settings, DAYS)
    run(session, settings, ["totals"], DAYS)
    for number in order:
        run(session, settings, ["state", "features"], [number])

    expected = made(at_once)
    assert {key for key in expected if key[0] == FEATURES.name} >= {(FEATURES.name, day(number)) for number in LATE}
    assert made(settings) == {key: value for key, value in expected.items() if key != (FEATURES.name, day(LATE[0] - 1))}


def test_a_day_makes_the_state_that_its_features_start_from(at_once, settings, open_lake):
    """A day also makes the state of the day before if that is missing; the first day of the lake needs none."""
    session = open_lake(settings)
    fill(session, settings, DAYS[:3])
    run(session, settings, ["totals"], DAYS[:3])

    run(session, settings, ["state"], [2])
    assert sorted(published(open_catalog(settings), STATE, day(0), day(2))) == [day(1), day(2)]
    run(session, settings, ["state"], [0])
    assert sorted(published(open_catalog(settings), STATE, day(-1), day(2))) == [day(0), day(1), day(2)]
    found, whole = (checksums(each, day(0), day(2)) for each in (settings, at_once))
    assert [found[STATE.name, day(n)] for n in (0, 1, 2)] == [whole[STATE.name, day(n)] for n in (0, 1, 2)]

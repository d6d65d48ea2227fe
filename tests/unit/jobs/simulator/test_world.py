"""The simulated world is reproducible day by day, and has the fraud and the changes it promises."""

import dataclasses
import datetime as dt

import numpy as np
import pytest

from antifraud.errors import SettingsError
from jobs.simulator.config import Change, WorldConfig
from jobs.simulator.days import day_rows, ids_a_day
from jobs.simulator.defects import MIDNIGHT, NONE
from jobs.simulator.fraud import TERMINAL, TERMINAL_DAYS, compromised
from jobs.simulator.presets import PRESETS
from jobs.simulator.world import MOST_TERMINALS, build_world

WORLD = build_world(PRESETS["small"])
FIELDS = ("transaction", "second", "customer", "terminal", "amount", "scenario", "defect")


def changed(kind, day, **more):
    change = Change(PRESETS["small"].date(day), kind, **more)
    return build_world(dataclasses.replace(PRESETS["small"], change=change))


def test_a_day_made_alone_equals_the_day_made_in_a_row():
    """A day is the same whether or not the days before it are made first."""
    in_a_row = [day_rows(WORLD, index) for index in (40, 41, 42)][-1]
    alone = day_rows(build_world(PRESETS["small"]), 42)

    assert all(np.array_equal(getattr(alone, name), getattr(in_a_row, name)) for name in FIELDS)


def test_another_seed_is_another_world():
    """Another seed changes customers and days."""
    other = build_world(dataclasses.replace(PRESETS["small"], seed=8))

    assert not np.array_equal(other.mean_amount, WORLD.mean_amount)
    assert len(day_rows(other, 3)) != len(day_rows(WORLD, 3))


def test_transaction_ids_rise_with_time_and_never_meet_the_next_day():
    """Apart from repeated rows, ids rise with time, and each day has a range of its own."""
    for index in range(10):
        kept = day_rows(WORLD, index)
        first = kept.transaction[kept.defect == NONE]
        in_order = np.unique(first)

        assert in_order[0] >= index * ids_a_day(WORLD)
        assert in_order[-1] < (index + 1) * ids_a_day(WORLD)
        assert np.array_equal(first, in_order)
        assert (np.diff(kept.second) >= 0).all()


def test_there_is_no_cold_start():
    """On day 0 as many terminals are compromised as later, because some were compromised before the world began."""
    sizes = [len(compromised(WORLD, TERMINAL, 4_000, 0.001, TERMINAL_DAYS, index)) for index in range(0, 280, 28)]

    assert sizes[0] == pytest.approx(28 * 4, abs=3 * np.sqrt(28 * 4))
    assert np.mean(sizes) == pytest.approx(28 * 4, rel=0.1)


def test_a_compromised_terminal_stays_so_for_28_days():
    """A terminal that is compromised on one day stays so for 28 days, and some are clean on the 29th."""
    first = compromised(WORLD, TERMINAL, 4_000, 0.001, 1, 100)
    on_day = {day: compromised(WORLD, TERMINAL, 4_000, 0.001, TERMINAL_DAYS, day) for day in (100, 127, 128)}

    assert np.isin(first, on_day[100]).all()
    assert np.isin(first, on_day[127]).all()
    assert not np.isin(first, on_day[128]).all()


def test_about_two_per_cent_of_the_rows_are_fraud_in_all_three_scenarios():
    """Over 60 days of the small world about 2 % of the rows are fraud, and every scenario occurs."""
    scenario = np.concatenate([day_rows(WORLD, index).scenario for index in range(60)])

    assert (scenario > 0).mean() == pytest.approx(0.02, abs=0.006)
    assert set(np.unique(scenario)) == {0, 1, 2, 3}


def test_large_amounts_are_fraud_and_honest():
    """Frauds of scenario 1 have large amounts, but honest rows with such amounts outnumber them."""
    lowest = 22_000 * PRESETS["small"].price_level
    days = [day_rows(WORLD, index) for index in range(30)]
    amount, scenario = (np.concatenate([getattr(day, name) for day in days]) for name in ("amount", "scenario"))

    assert amount[scenario == 1].min() >= lowest
    assert (amount[scenario == 0] > lowest).sum() > 10 * (scenario == 1).sum()


def test_customers_use_terminals_near_home():
    """Every honest row of a customer is at one of the terminals in reach."""
    day = day_rows(WORLD, 5)
    honest = day.scenario == 0
    reach = WORLD.reach[day.customer[honest]]

    assert reach.shape[1] == MOST_TERMINALS
    assert (reach == day.terminal[honest, None]).any(axis=1).all()


def test_spend3x_triples_honest_amounts_from_its_day_on():
    """From its day on, `spend3x` makes the honest amounts three times as large, and changes nothing before."""
    after = changed("spend3x", 50)
    same, plain, dear = day_rows(after, 49), day_rows(WORLD, 50), day_rows(after, 50)
    honest = plain.scenario == 0

    assert np.array_equal(same.amount, day_rows(WORLD, 49).amount)
    assert dear.amount[honest].sum() / plain.amount[honest].sum() == pytest.approx(3, rel=0.01)
    assert np.array_equal(dear.transaction, plain.transaction)


def test_double_prices_double_every_amount_from_their_day_on():
    """Amounts of thieves double, too, and nothing else changes; a kopeck is rounded."""
    after = changed("double-prices", 50)
    same, plain, dear = day_rows(after, 49), day_rows(WORLD, 50), day_rows(after, 50)

    assert np.array_equal(same.amount, day_rows(WORLD, 49).amount)
    assert np.abs(dear.amount - 2 * plain.amount).max() <= 1
    assert np.array_equal(dear.scenario, plain.scenario)


def test_a_new_pattern_adds_frauds_at_night():
    """From its day on, `new-pattern` adds frauds of scenario 4, all of them before 05:00."""
    before, after = (day_rows(changed("new-pattern", 50), index) for index in (49, 50))

    assert 4 not in before.scenario
    assert 0 < (after.scenario == 4).mean() < 0.03
    assert after.second[after.scenario == 4].max() < 5 * 3_600


def test_trade_at_night_adds_honest_payments():
    """A tenth as many payments come before 05:00, all honest, and every fraud is the one of the unchanged day."""
    plain, after = day_rows(WORLD, 50), day_rows(changed("night-trade", 50, share=0.1), 50)

    more = (after.second < 5 * 3_600).sum() - (plain.second < 5 * 3_600).sum()
    assert more == len(after) - len(plain) == pytest.approx(0.1 * len(plain), rel=0.2)
    assert (after.scenario > 0).sum() == (plain.scenario > 0).sum()


def test_a_change_with_a_strange_share_is_refused():
    """The error names the share and its range."""
    with pytest.raises(SettingsError, match=r"share of a change is -0\.5"):
        changed("night-trade", 50, share=-0.5)


def test_sparse_identifiers_are_different_12_digit_numbers():
    """Sparse identifiers are different 12-digit numbers, and the others start at 0."""
    sparse = build_world(dataclasses.replace(PRESETS["small"], sparse_ids=True))

    assert len(np.unique(sparse.customer_ids)) == len(sparse.customer_ids)
    assert {len(str(number)) for number in [*sparse.customer_ids, *sparse.terminal_ids]} == {12}
    assert WORLD.terminal_ids[0] == 0


def test_a_midnight_defect_is_at_midnight_but_not_on_day_0():
    """Midnight defects lie at midnight, but never on day 0, because they would be printed before the world's start."""
    config = dataclasses.replace(WORLD.config, defects=dataclasses.replace(WORLD.config.defects, midnight=0.05))
    world = build_world(config)
    second = day_rows(world, 1)

    assert (second.second[second.defect == MIDNIGHT] == 0).all()
    assert (second.defect == MIDNIGHT).sum() > 10
    assert (day_rows(world, 0).defect == MIDNIGHT).sum() == 0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"customers": 0}, "customers is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"terminals": 10**8}, "terminals is"),
        ({"busiest_share": 1.0}, "busiest_share is 1.0"),
    ],
)
def test_a_world_that_cannot_be_is_refused(wrong, message):
    """A world with an impossible value is refused, and the error names the value."""
    with pytest.raises(SettingsError, match=message):
        WorldConfig(**{"customers": 10, "terminals": 10, "start": dt.date(2026, 1, 1), **wrong})


def test_lake_shape_is_mostly_terminal_fraud_and_terminal_0_is_busiest():
    """Most fraud of `lake-shape` is at terminals, but none at terminal 0, which has 4.3 % of the rows."""
    world = build_world(PRESETS["lake-shape"])
    days = [day_rows(world, index) for index in range(30)]
    terminal, scenario = (np.concatenate([getattr(day, name) for day in days]) for name in ("terminal", "scenario"))

    assert (terminal == 0).mean() == pytest.approx(0.043, abs=0.004)
    assert not (scenario[terminal == 0] == TERMINAL).any()
    assert (scenario == TERMINAL).sum() / (scenario > 0).sum() > 0.7
    assert (scenario > 0).mean() == pytest.approx(0.024, abs=0.006)

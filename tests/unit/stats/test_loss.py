"""The loss bound covers the next month, respects episodes, scales with volume, and repeats itself."""

import numpy as np
import pytest

from antifraud.errors import NotEnoughRows
from antifraud.stats.episodes import Frauds, episode_totals
from antifraud.stats.loss import Volume, loss_bound

WINDOW, MONTH = 28, 30
EXACT = Volume(relative_sd=0.0)


def frauds(amount, terminal=None, customer=None, days=WINDOW):
    """Make missed frauds; without terminals and customers each is an episode of its own."""
    amount = np.asarray(amount, np.int64)
    own = np.arange(amount.size)
    return Frauds(
        score=np.zeros(amount.size, np.int64),
        amount=amount,
        customer=own if customer is None else np.asarray(customer),
        terminal=own if terminal is None else np.asarray(terminal),
        days=days,
    )


def history(rng):
    """Draw missed frauds of window and next month: terminals compromised for 28 days, most missed in the first 7."""
    start = rng.uniform(-28, WINDOW + MONTH, rng.poisson(2.5 * (28 + WINDOW + MONTH)))
    early, late = rng.poisson(4, start.size), rng.poisson(1, start.size)
    terminal = np.repeat(np.arange(start.size), early + late)
    offset = np.concatenate(
        [np.append(7 * rng.random(a), 7 + 21 * rng.random(b)) for a, b in zip(early, late, strict=True)]
    )
    amount = rng.lognormal(np.log(15_000), 0.7, terminal.size).astype(int) + 1
    return start[terminal] + offset, amount, terminal


def test_the_bound_covers_the_next_month_and_is_not_far_above_it():
    """At level 0.99 at most three of 60 months exceed the bound, and the bound's median is within 1.6 mean months.

    The months of this world are alike. Not to rely on it, as the default does, costs a tenth.
    """
    covered, bounds, careful, months = [], [], [], []
    for seed in range(60):
        day, amount, terminal = history(np.random.default_rng(seed))
        window, month = (day >= 0) & (day < WINDOW), (day >= WINDOW) & (day < WINDOW + MONTH)
        missed = frauds(amount[window], terminal[window])
        bound = loss_bound(missed, volume=Volume(month_sd=0.0), seed=seed).bound
        careful.append(loss_bound(missed, seed=seed).bound)
        covered.append(amount[month].sum() <= bound)
        bounds.append(bound)
        months.append(amount[month].sum())

    assert sum(covered) >= 57
    assert 1.0 < np.median(bounds) / np.mean(months) <= 1.6
    assert 1.0 < np.median(careful) / np.median(bounds) <= 1.1


def test_the_mean_is_the_window_scaled_to_a_month():
    """28 days with 2,800 kopecks missed mean 3,000 in 30 days, 6,000 at twice the volume."""
    missed = frauds([1_000, 1_800])

    assert loss_bound(missed, volume=EXACT).mean == pytest.approx(3_000)
    assert loss_bound(missed, volume=Volume(factor=2.0)).mean == pytest.approx(6_000)


def test_the_same_money_in_fewer_episodes_is_riskier():
    """A hundred frauds at ten terminals give a wider bound than at a hundred terminals."""
    amount = [5_000] * 100
    clustered, spread = frauds(amount, terminal=np.arange(100) % 10), frauds(amount)

    assert episode_totals(clustered).tolist() == [50_000.0] * 10
    assert loss_bound(clustered).bound > 1.3 * loss_bound(spread).bound


def test_a_fraud_belongs_to_the_entity_with_more_of_them():
    """Three frauds of customer 7 at three terminals are one episode; two of terminal 3 are another."""
    missed = frauds([1, 10, 100, 1_000, 10_000], terminal=[0, 1, 2, 3, 3], customer=[7, 7, 7, 8, 9])

    assert sorted(episode_totals(missed).tolist()) == [111.0, 11_000.0]


def test_each_source_of_error_is_smaller_than_all_together():
    """Window, month and volume each lift the bound by less than they do together, and by more than nothing."""
    bound = loss_bound(frauds(np.full(60, 10_000)), volume=Volume(relative_sd=0.1))
    together = bound.bound - bound.mean
    parts = (bound.parameter, bound.month, bound.volume)

    assert all(0 < part < together for part in parts)
    assert together < sum(parts)


def test_month_noise_of_single_frauds_is_poisson():
    """For equal amounts the month's part is the Poisson quantile: 84 at a mean of 60 * 30 / 28 = 64.29."""
    bound = loss_bound(frauds(np.full(60, 100)))

    assert (bound.mean + bound.month) / 100 == pytest.approx(84, abs=1)


def test_a_larger_volume_may_bring_larger_episodes_instead_of_more():
    """Ten times the volume has ten times the mean, and the bound of ten times as large episodes."""
    missed = frauds(np.full(60, 10_000))
    once, tenfold = loss_bound(missed), loss_bound(missed, volume=Volume(factor=10.0))

    assert 10 * once.mean < tenfold.bound
    assert tenfold.bound == pytest.approx(10 * once.bound, rel=0.03)
    assert (once.larger, tenfold.larger) == (False, True)


def test_a_smaller_volume_may_bring_fewer_episodes_instead_of_smaller():
    """A tenth of the volume has a tenth of the mean, and the wide bound of six episodes a month."""
    missed = frauds(np.full(60, 10_000))
    once, tenth = loss_bound(missed), loss_bound(missed, volume=Volume(factor=0.1))

    assert tenth.mean == pytest.approx(once.mean / 10)
    assert tenth.bound > 1.2 * once.bound / 10
    assert not tenth.larger


def test_no_fraud_at_all_is_no_loss():
    """Without any fraud mean and bound are zero: nothing tells how large one would be."""
    bound = loss_bound(frauds([]))

    assert (bound.mean, bound.bound, bound.episodes) == (0.0, 0.0, 0)


def test_what_was_caught_shows_what_may_be_missed():
    """Twenty caught compromises of 50,000 and nothing missed: the mean is 0, the bound more than one of them.

    At a volume that has a hundred times the frauds it is more than a hundred times half of one.
    """
    caught = frauds(np.full(200, 5_000), terminal=np.arange(200) % 20)
    nothing = frauds([])
    bound = loss_bound(nothing, known=caught)
    large = loss_bound(nothing, known=caught, volume=Volume(factor=100.0))

    assert (bound.mean, bound.episodes) == (0.0, 0)
    assert bound.bound > 50_000
    assert large.bound > 100 * 25_000


def test_the_more_was_missed_the_less_the_caught_ones_matter():
    """Beside one missed fraud the caught compromises lift the bound, beside three hundred hardly."""
    caught = np.full(20, 50_000)

    def lift(number):
        missed = frauds(np.full(number, 1_000))
        known = frauds(np.append(np.full(number, 1_000), caught))
        return loss_bound(missed, known=known).bound / loss_bound(missed).bound

    assert lift(1) > 3
    assert lift(300) == pytest.approx(1, abs=0.05)


def test_a_single_missed_fraud_is_bounded_by_more_than_itself():
    """One episode tells little: the bound lies far above it."""
    assert loss_bound(frauds([1_000])).bound > 3_000


def test_the_same_seed_gives_the_same_bound():
    """Two calls agree to the last bit, another seed differs a little."""
    missed = frauds(np.full(60, 10_000))

    assert loss_bound(missed, seed=1) == loss_bound(missed, seed=1)
    assert loss_bound(missed, seed=2).bound == pytest.approx(loss_bound(missed, seed=1).bound, rel=0.05)


def test_a_short_window_is_refused():
    """Ten days say too little about a month."""
    with pytest.raises(NotEnoughRows, match="needs 14 days, found 10: 4 missing"):
        loss_bound(frauds([1], days=10))


def test_missed_are_those_at_or_below_the_threshold():
    """A score equal to the threshold is not flagged, so that fraud is missed."""
    all_frauds = Frauds(np.array([5, 6, 7]), np.array([10, 20, 40]), np.arange(3), np.arange(3), WINDOW)

    assert all_frauds.missed(6).amount.tolist() == [10, 20]

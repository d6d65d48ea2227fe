"""The search stays within its budget, records each trial, and never ends worse than it began."""

import numpy as np
import pytest

from antifraud.errors import SettingsError
from jobs.rows.sample import Sample
from jobs.training import search
from jobs.training.fitting import PARAMETERS, Parameters
from jobs.training.search import Budget, choose

SMALL = Parameters(iterations=15, depth=3, learning_rate=0.3)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Use small trees, because these tests look at the search and not at the models."""
    monkeypatch.setattr(search, "PARAMETERS", SMALL)


def sample(rows, seed):
    generator = np.random.default_rng(seed)
    vectors = generator.normal(size=(rows, 4)).astype(np.float32)
    is_fraud = vectors[:, 0] * vectors[:, 1] + generator.normal(scale=0.5, size=rows) > 1.5
    return Sample(vectors, is_fraud, np.full(rows, 700), np.ones(rows))


TRAIN, SELECT = sample(1_500, 1), sample(800, 2)


def test_the_number_of_trials_binds_and_all_are_told():
    """Four trials in addition to the tuned parameters are recorded, within their ranges, and the best is chosen."""
    found = choose(TRAIN, SELECT, 7, Budget(4, 600))
    values = [trial["select_average_precision"] for trial in found.record["tried"]]
    assert (found.record["done"], found.record["stopped_by"], len(values)) == (4, "trials", 5)
    assert found.best.value == max(values) >= values[0]
    assert found.record["tried"][0]["parameters"]["learning_rate"] == 0.3
    for trial in found.record["tried"]:
        assert 1 <= trial["parameters"]["depth"] <= 5
        assert 0.1 <= trial["parameters"]["learning_rate"] <= 0.9
        assert trial["parameters"]["iterations"] == 15
    assert len({trial["parameters"]["learning_rate"] for trial in found.record["tried"]}) == 5


def test_the_same_seed_tries_the_same():
    """Two searches with one seed have equal records, and another seed has another one."""
    records = [choose(TRAIN, SELECT, seed, Budget(2, 600)).record for seed in (7, 7, 8)]
    assert records[0] == records[1]
    assert records[0] != records[2]


def test_the_time_budget_cuts_short_and_says_so():
    """Without any time only the tuned parameters are fitted, and the record says that time ran out."""
    found = choose(TRAIN, SELECT, 7, Budget(4, 0))
    assert (found.record["trials"], found.record["done"], found.record["stopped_by"]) == (4, 0, "seconds")
    assert found.best.parameters == SMALL


def test_no_search_is_the_tuned_model():
    """With a budget of no trials only the tuned parameters are fitted."""
    found = choose(TRAIN, SELECT, 7, Budget(0, 600))
    assert (len(found.record["tried"]), found.record["stopped_by"]) == (1, "trials")


def test_the_tuned_values_lie_inside_the_space(monkeypatch):
    """The search begins with the tuned parameters, which Optuna would refuse outside its space."""
    monkeypatch.setattr(search, "PARAMETERS", PARAMETERS)
    study = search._study(7, 0.5)
    assert study.trials[0].params == {name: getattr(PARAMETERS, name) for name in search._space()}


@pytest.mark.parametrize("budget", [(-1, 10), (1, -10)])
def test_a_negative_budget_is_refused(budget):
    """A negative budget is refused, and the message names the settings."""
    with pytest.raises(SettingsError, match="ANTIFRAUD_SEARCH_TRIALS or ANTIFRAUD_SEARCH_SECONDS"):
        Budget(*budget)

"""A bounded, recorded search of hyper-parameters around the values that were tuned by hand.

The number of trials normally ends the search, so two runs make the same trials. The time budget only keeps a slow
machine from missing its night; the record says if it cut the search short. Trials are compared on the select window
only: the certify window stays unseen.

Source: Akiba et al. (2019), Optuna; Bergstra et al. (2011), the tree-structured Parzen estimator.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from catboost import CatBoostClassifier

from antifraud.errors import SettingsError
from jobs.rows.sample import Sample
from jobs.spark.runtime import Stopwatch
from jobs.training.fitting import PARAMETERS, Parameters, fit
from jobs.training.quality import OBJECTIVE, ranking

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution

RANDOM_TRIALS: Final = 5
"""Trials drawn at random before the estimator has seen enough to propose."""
DEEPER: Final = 2
"""Levels by which the search makes trees deeper or shallower."""
FACTORS: Final = {"learning_rate": 3.0, "l2_leaf_reg": 10.0}
"""Factors by which the search departs from the tuned values, up and down."""


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `trials` in addition to the tuned parameters; no trial starts after `seconds`."""

    trials: int
    seconds: float

    def __post_init__(self) -> None:
        """Refuse a budget that means nothing.

        Raises:
            SettingsError: A number is negative.
        """
        if self.trials < 0 or self.seconds < 0:
            raise SettingsError(
                f"a search of {self.trials} trials in {self.seconds:g} s: expected 0 or more of both, "
                "correct ANTIFRAUD_SEARCH_TRIALS or ANTIFRAUD_SEARCH_SECONDS"
            )


@dataclass(frozen=True, slots=True)
class Tried:
    """A trial: its parameters, the fitted model, and the value of the objective on the select window."""

    parameters: Parameters
    model: CatBoostClassifier
    value: float


@dataclass(frozen=True, slots=True)
class Choice:
    """The best trial, and the record of all of them."""

    best: Tried
    record: dict[str, Any]


def choose(train: Sample, select: Sample, seed: int, budget: Budget, rising: Sequence[int] = ()) -> Choice:
    """Fit `PARAMETERS` and the proposals of the search; the best on `select` wins, the earlier one of equals.

    Raises:
        NoFraud: A window has no fraud.
        OnlyFraud: A window has no legitimate row.
    """

    def attempt(parameters: Parameters) -> Tried:
        model = fit(train, select, seed, parameters, rising)
        margin = model.predict(select.vectors, prediction_type="RawFormulaVal")
        return Tried(parameters, model, ranking(select, margin)[OBJECTIVE])

    watch, tried = Stopwatch(), [attempt(PARAMETERS)]
    study = _study(seed, tried[0].value) if budget.trials else None
    while study and len(tried) <= budget.trials and watch.seconds < budget.seconds:
        trial = study.ask(_space())
        tried.append(attempt(replace(PARAMETERS, **trial.params)))
        study.tell(trial, tried[-1].value)
    return Choice(max(tried, key=lambda each: each.value), _record(tried, budget))


def _study(seed: int, tuned: float) -> "Study":
    """Return an Optuna study that knows the value of the tuned parameters."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=RANDOM_TRIALS)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    space = _space()
    at = {name: getattr(PARAMETERS, name) for name in space}
    study.add_trial(optuna.trial.create_trial(params=at, distributions=space, value=tuned))
    return study


def _space() -> "dict[str, BaseDistribution]":
    """Return the search space around the tuned values, which therefore always lie inside."""
    from optuna.distributions import FloatDistribution, IntDistribution

    depth = PARAMETERS.depth
    space: dict[str, BaseDistribution] = {"depth": IntDistribution(max(1, depth - DEEPER), depth + DEEPER)}
    for name, factor in FACTORS.items():
        tuned = getattr(PARAMETERS, name)
        space[name] = FloatDistribution(tuned / factor, tuned * factor, log=True)
    return space


def _record(tried: Sequence[Tried], budget: Budget) -> dict[str, Any]:
    """Return the record for `candidate.json`, without times, so that equal runs have equal records."""
    done = len(tried) - 1
    trials = [
        {"parameters": asdict(each.parameters), f"select_{OBJECTIVE}": each.value, "trees": each.model.tree_count_}
        for each in tried
    ]
    stopped = "trials" if done == budget.trials else "seconds"
    return {**asdict(budget), "done": done, "stopped_by": stopped, "sampler": "TPE", "tried": trials}

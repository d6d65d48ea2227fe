"""The feature registry: every feature's name, entity, window, unit, null meaning and formula.

For an event, only events before it in the order (time, transaction id) count, and only labels learnt before its hour.

A formula is written once, against `Arithmetic`. The features job evaluates it on Spark columns, and
`antifraud.features.reference` on Python numbers; `tests/parity` demands the same bits from both. So formulas use only
exact integers and + - * / sqrt, in a stated order. Languages differ in log and exp.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from antifraud.clock import DAY_SECONDS, HOUR_SECONDS
from antifraud.features.buckets import LONG_WINDOWS, NEVER

WINDOWS: Final = (1, *LONG_WINDOWS)
PRIOR_KNOWN: Final = 50
PRIOR_FRAUD: Final = 1
"""Smoothing of the terminal's fraud share: as if 50 labelled transactions with 1 fraud (2 %) had been seen before."""

Inputs = Mapping[str, Any]


class Arithmetic(Protocol):
    """Operations that a formula may use in addition to exact integer ``+ - *``; null gives null."""

    def ratio(self, numerator: Any, denominator: Any) -> Any:
        """Divide both as IEEE doubles; return null if the denominator is not positive."""

    def root(self, value: Any) -> Any:
        """Return the square root of an exact non-negative integer as a double."""

    def exact(self, value: Any) -> Any:
        """Return the integer in a type that is wide enough for products of sums."""

    def floor_divide(self, value: Any, divisor: int) -> Any:
        """Divide integers, rounding down."""

    def when(self, condition: Any, value: Any) -> Any:
        """Return `value` as a double if `condition` holds, else null."""

    def flag(self, condition: Any) -> Any:
        """Return 1.0 if `condition` holds, else 0.0."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of the feature vector, always a double.

    Attributes:
        name: Name of the column.
        entity: Event, customer or terminal.
        window: Window in days, if the feature has one.
        unit: Unit of the value.
        null: Meaning of null; empty if the value is never null.
        meaning: Description for docs/features.md and for reason codes.
        formula: Function from the inputs (`antifraud.features.reference.feature_inputs`) to the value.
    """

    name: str
    entity: str
    window: int | None
    unit: str
    null: str
    meaning: str
    formula: Callable[[Arithmetic, Inputs], Any]


def _count(prefix: str) -> Callable[[Arithmetic, Inputs], Any]:
    return lambda a, x: a.ratio(x[f"{prefix}_tx_count"], 1)


def _mean(prefix: str) -> Callable[[Arithmetic, Inputs], Any]:
    return lambda a, x: a.ratio(x[f"{prefix}_amount_sum"], x[f"{prefix}_tx_count"] * 100)


def _amount_to_mean(prefix: str) -> Callable[[Arithmetic, Inputs], Any]:
    return lambda a, x: a.ratio(a.exact(x["amount"]) * x[f"{prefix}_tx_count"], x[f"{prefix}_amount_sum"])


def _amount_to_max(prefix: str) -> Callable[[Arithmetic, Inputs], Any]:
    return lambda a, x: a.ratio(x["amount"], x[f"{prefix}_amount_max"])


def _z_score(prefix: str) -> Callable[[Arithmetic, Inputs], Any]:
    """Return (amount - mean) / sd = (n*amount - S) / sqrt(n*Q - S*S), with integers up to the root."""

    def formula(a: Arithmetic, x: Inputs) -> Any:
        n, s, q = (
            a.exact(x[f"{prefix}_tx_count"]),
            a.exact(x[f"{prefix}_amount_sum"]),
            a.exact(x[f"{prefix}_amount_sum_sq"]),
        )
        return a.ratio(n * a.exact(x["amount"]) - s, a.root(n * q - s * s))

    return formula


def _mean_to_mean(short: str, long: str) -> Callable[[Arithmetic, Inputs], Any]:
    return lambda a, x: a.ratio(
        a.exact(x[f"{short}_amount_sum"]) * x[f"{long}_tx_count"],
        a.exact(x[f"{long}_amount_sum"]) * x[f"{short}_tx_count"],
    )


def _spread(prefix: str) -> Callable[[Arithmetic, Inputs], Any]:
    """Return standard deviation / mean = sqrt(n*Q - S*S) / S."""

    def formula(a: Arithmetic, x: Inputs) -> Any:
        n, s, q = (a.exact(x[f"{prefix}_{name}"]) for name in ("tx_count", "amount_sum", "amount_sum_sq"))
        return a.ratio(a.root(n * q - s * s), x[f"{prefix}_amount_sum"])

    return formula


def _amount_to_rest(prefix: str) -> Callable[[Arithmetic, Inputs], Any]:
    """Divide the amount by the mean without the largest: an earlier fraud would have raised the mean."""
    return lambda a, x: a.ratio(
        a.exact(x["amount"]) * (x[f"{prefix}_tx_count"] - 1), x[f"{prefix}_amount_sum"] - x[f"{prefix}_amount_max"]
    )


def _count_to_count(short: str, long: str) -> Callable[[Arithmetic, Inputs], Any]:
    return lambda a, x: a.ratio(x[f"{short}_tx_count"], x[f"{long}_tx_count"])


def _to_habit(numerator: Callable[[Inputs], tuple[Any, Any]]) -> Callable[[Arithmetic, Inputs], Any]:
    """Divide a mean by the customer's mean amount of 8 to 30 days ago, before a compromise of a week began.

    `numerator` gives that mean as a sum and a count.
    """

    def formula(a: Arithmetic, x: Inputs) -> Any:
        # One division of exact products: two divisions would round twice.
        above, count = numerator(x)
        earlier = x["customer_30d_tx_count"] - x["customer_7d_tx_count"]
        spent = x["customer_30d_amount_sum"] - x["customer_7d_amount_sum"]
        return a.ratio(a.exact(above) * earlier, a.exact(spent) * count)

    return formula


def _positive(name: str) -> Callable[[Arithmetic, Inputs], Any]:
    """Return the input, or null if it is 0."""
    return lambda a, x: a.when(x[name] > 0, x[name])


def _since_last(prefix: str) -> Callable[[Arithmetic, Inputs], Any]:
    return lambda a, x: a.when(x[f"{prefix}_last_time"] != NEVER, x["time"] - x[f"{prefix}_last_time"])


def _fraud_count(days: int) -> Callable[[Arithmetic, Inputs], Any]:
    return lambda a, x: a.ratio(x[f"terminal_fraud_{days}d"], 1)


def _fraud_share(days: int) -> Callable[[Arithmetic, Inputs], Any]:
    return lambda a, x: a.ratio(x[f"terminal_fraud_{days}d"] + PRIOR_FRAUD, x[f"terminal_known_{days}d"] + PRIOR_KNOWN)


def _hour(a: Arithmetic, x: Inputs) -> Any:
    return a.floor_divide(x["time"] % DAY_SECONDS, HOUR_SECONDS)


def _is_weekend(a: Arithmetic, x: Inputs) -> Any:
    # Day 0 (1970-01-01) was a Thursday, so Monday is 0 after a shift of 3.
    return a.flag((a.floor_divide(x["time"], DAY_SECONDS) + 3) % 7 >= 5)  # noqa: PLR2004


def _event_features() -> list[Feature]:
    return [
        Feature("amount", "event", None, "RUB", "", "amount", lambda a, x: a.ratio(x["amount"], 100)),
        Feature("hour", "event", None, "hour, UTC", "", "hour of the day", lambda a, x: a.ratio(_hour(a, x), 1)),
        Feature("is_weekend", "event", None, "0 or 1", "", "Saturday or Sunday, UTC", _is_weekend),
        Feature("is_night", "event", None, "0 or 1", "", "before 06:00 UTC", lambda a, x: a.flag(_hour(a, x) < 6)),  # noqa: PLR2004
    ]


def _history_features(entity: str) -> list[Feature]:
    none = f"no earlier transaction of the {entity} in the window"
    features = []
    for days in WINDOWS:
        p = f"{entity}_{days}d"
        features += [
            Feature(f"{p}_count", entity, days, "transactions", "", "transactions", _count(p)),
            Feature(f"{p}_mean", entity, days, "RUB", none, "mean amount", _mean(p)),
            Feature(f"{p}_amount_to_mean", entity, days, "ratio", none, "amount over mean", _amount_to_mean(p)),
        ]
    month = f"{entity}_30d"
    return [
        *features,
        Feature(f"{month}_amount_to_max", entity, 30, "ratio", none, "amount over largest", _amount_to_max(month)),
        Feature(f"{month}_z_score", entity, 30, "sd", f"{none}, or all equal", "amount's z-score", _z_score(month)),
        Feature(
            f"{entity}_mean_1d_to_30d", entity, 30, "ratio", none, "mean of 1 over 30 days",
            _mean_to_mean(f"{entity}_1d", month),
        ),
        Feature(
            f"{entity}_mean_7d_to_30d", entity, 30, "ratio", none, "mean of 7 over 30 days",
            _mean_to_mean(f"{entity}_7d", month),
        ),
        Feature(f"{entity}_since_last", entity, 30, "seconds", none, "time since the last one", _since_last(month)),
    ]  # fmt: skip


def _risk_features() -> list[Feature]:
    features = []
    for days in WINDOWS:
        features += [
            Feature(
                f"terminal_fraud_{days}d", "terminal", days, "transactions", "", "frauds learnt",
                _fraud_count(days),
            ),
            Feature(
                f"terminal_fraud_share_{days}d", "terminal", days, "share", "", "share of frauds learnt, smoothed",
                _fraud_share(days),
            ),
        ]  # fmt: skip
    return features


def _habit_features() -> list[Feature]:
    """Return features of what a thief changes first: amounts and pace against the customer's habit."""
    none = "no earlier transaction of the customer in the window"
    before = "no transaction of the customer 8 to 30 days ago"
    month, week = "customer_30d", "customer_7d"
    return [
        Feature("customer_30d_spread", "customer", 30, "ratio", none, "standard deviation over mean", _spread(month)),
        Feature(
            "customer_30d_amount_to_rest", "customer", 30, "ratio", "fewer than two earlier transactions",
            "amount over the mean without the largest", _amount_to_rest(month),
        ),
        Feature(
            "customer_amount_to_habit", "customer", 30, "ratio", before, "amount over the mean of 8 to 30 days ago",
            _to_habit(lambda x: (x["amount"], 1)),
        ),
        Feature(
            "customer_max_to_habit", "customer", 30, "ratio", before, "largest of 7 days over the mean before",
            _to_habit(lambda x: (x[f"{week}_amount_max"], 1)),
        ),
        Feature(
            "customer_mean_to_habit", "customer", 30, "ratio", f"{before}, or none since",
            "mean of 7 days over the mean before",
            _to_habit(lambda x: (x[f"{week}_amount_sum"], x[f"{week}_tx_count"])),
        ),
        Feature(
            "customer_count_1d_to_30d", "customer", 30, "share", none, "transactions of 1 among 30 days",
            _count_to_count("customer_1d", month),
        ),
        Feature(
            "customer_count_7d_to_30d", "customer", 30, "share", none, "transactions of 7 among 30 days",
            _count_to_count(week, month),
        ),
    ]  # fmt: skip


def _streak_features() -> list[Feature]:
    """Return features of a terminal's streak: a compromise shows as frauds without a legitimate transaction between."""
    return [
        Feature(
            "terminal_streak_fraud", "terminal", 30, "transactions", "",
            "frauds learnt since the last legitimate label",
            lambda a, x: a.ratio(x["terminal_streak_fraud"], 1),
        ),
        Feature(
            "terminal_streak_age", "terminal", 30, "hours", "no such fraud", "hours since the first of these frauds",
            _positive("terminal_streak_age"),
        ),
        Feature(
            "terminal_legit_age", "terminal", 30, "hours", "no legitimate label learnt",
            "hours since the last legitimate label", _positive("terminal_legit_age"),
        ),
    ]  # fmt: skip


REGISTRY: Final[tuple[Feature, ...]] = (
    *_event_features(),
    *_history_features("customer"),
    *_history_features("terminal"),
    *_risk_features(),
    *_habit_features(),
    *_streak_features(),
)
FEATURE_NAMES: Final[tuple[str, ...]] = tuple(feature.name for feature in REGISTRY)

FORMULA_VERSION: Final = 2
"""Raise it when a formula changes its value but not its name: releases trained on the old one must not serve."""


def feature_set_hash() -> str:
    """Return the hash of the feature set; a scorer refuses a release that was trained on another one."""
    # Meanings are left out: better words must not make releases useless.
    text = f"{FORMULA_VERSION}:" + ",".join(f"{f.name}/{f.entity}/{f.window}/{f.unit}" for f in REGISTRY)
    return hashlib.sha256(text.encode()).hexdigest()[:16]

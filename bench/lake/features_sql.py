"""Features of a day in DuckDB's SQL: its own joins and windows, the registry's formulas as text."""

from dataclasses import dataclass
from typing import Any, Final

from antifraud.clock import DAY_SECONDS, HOUR_SECONDS
from antifraud.features.buckets import NEVER
from antifraud.features.registry import REGISTRY, WINDOWS
from bench.lake.labels_sql import LABEL_COLUMNS, STATE_COLUMNS, label_inputs

SUMS: Final = {"tx_count": "0", "amount_sum": "0", "amount_sum_sq": "0"}
LARGEST: Final = {"amount_max": "0", "last_time": str(NEVER)}
TODAY: Final = {
    "tx_count": "count(*)",
    "amount_sum": "sum(amount)",
    "amount_sum_sq": "sum(amount::HUGEINT * amount)",
    "amount_max": "max(amount)",
    "last_time": "max(event_time)",
}


@dataclass(frozen=True, slots=True, eq=False)
class Sql:
    """An expression as text, put together by Python's operators; not hashable, because ``==`` gives an expression."""

    text: str
    __hash__ = None  # type: ignore[assignment]

    def __add__(self, other: Any) -> "Sql":
        return _joined(self, "+", other)

    def __sub__(self, other: Any) -> "Sql":
        return _joined(self, "-", other)

    def __mul__(self, other: Any) -> "Sql":
        return _joined(self, "*", other)

    def __mod__(self, other: Any) -> "Sql":
        return _joined(self, "%", other)

    def __gt__(self, other: Any) -> "Sql":
        return _joined(self, ">", other)

    def __ge__(self, other: Any) -> "Sql":
        return _joined(self, ">=", other)

    def __lt__(self, other: Any) -> "Sql":
        return _joined(self, "<", other)

    def __eq__(self, other: object) -> "Sql":  # type: ignore[override]
        return _joined(self, "=", other)

    def __ne__(self, other: object) -> "Sql":  # type: ignore[override]
        return _joined(self, "<>", other)


def _joined(one: Sql, operator: str, other: object) -> Sql:
    return Sql(f"({one.text} {operator} {_text(other)})")


def _text(value: object) -> str:
    return value.text if isinstance(value, Sql) else str(value)


class SqlArithmetic:
    """`antifraud.features.registry.Arithmetic` as text."""

    def ratio(self, numerator: Any, denominator: Any) -> Sql:
        """Divide both as doubles; null where the denominator is not positive."""
        below = _text(denominator)
        return Sql(f"CASE WHEN {below} > 0 THEN {_text(numerator)}::DOUBLE / ({below})::DOUBLE END")

    def root(self, value: Any) -> Sql:
        """Return the square root as a double."""
        return Sql(f"sqrt(({_text(value)})::DOUBLE)")

    def exact(self, value: Any) -> Sql:
        """Return the value as an integer of 128 bits."""
        return Sql(f"({_text(value)})::HUGEINT")

    def floor_divide(self, value: Any, divisor: int) -> Sql:
        """Divide an integer that is not negative, rounding down."""
        return Sql(f"({_text(value)} // {divisor})")

    def when(self, condition: Any, value: Any) -> Sql:
        """Return `value` as a double where `condition` holds, otherwise null."""
        return Sql(f"CASE WHEN {_text(condition)} THEN ({_text(value)})::DOUBLE END")

    def flag(self, condition: Any) -> Sql:
        """Return 1.0 where `condition` holds, otherwise 0.0."""
        return Sql(f"CASE WHEN {_text(condition)} THEN 1.0::DOUBLE ELSE 0.0::DOUBLE END")


def features_query(events: str, state: str) -> str:
    """Return the query for the features of a day, from two relations: its events, and the state of the day before."""
    inputs = {"time": Sql("event_time"), "amount": Sql("amount")}
    inputs |= {f"terminal_{name}": Sql(text) for name, text in label_inputs().items()}
    for entity in ("customer", "terminal"):
        inputs |= _windows(entity)
    arithmetic = SqlArithmetic()
    formulas = [f"{feature.formula(arithmetic, inputs).text} AS {feature.name}" for feature in REGISTRY]
    labels = ", ".join(f"{text} AS {name}" for name, text in LABEL_COLUMNS.items())
    return f"""
        WITH events AS (SELECT *, {_today("customer")}, {_today("terminal")} FROM {events}),
        customer_state AS ({_closed("customer", state)}),
        terminal_state AS ({_closed("terminal", state, *STATE_COLUMNS)}),
        joined AS (
            SELECT *, {labels}
            FROM events LEFT JOIN customer_state USING (customer) LEFT JOIN terminal_state USING (terminal)
        )
        SELECT day, transaction_id, event_time, customer, terminal, amount AS amount_minor, {", ".join(formulas)}
        FROM joined
        ORDER BY event_time, transaction_id"""


def _closed(entity: str, state: str, *others: str) -> str:
    names = ("hours", *(f"closed_{days}d" for days in WINDOWS if days > 1))
    columns = (f"entity AS {entity}", *(f"{name} AS {entity}_{name}" for name in names), *others)
    return f"SELECT {', '.join(columns)} FROM {state} WHERE kind = '{entity}'"


def _today(entity: str) -> str:
    earlier = (
        f"(PARTITION BY {entity} ORDER BY event_time, transaction_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    )
    nothing = SUMS | LARGEST
    return ", ".join(
        f"coalesce({total} OVER {earlier}, {nothing[name]}) AS {entity}_today_{name}" for name, total in TODAY.items()
    )


def _total(buckets: str, condition: str, name: str) -> str:
    seen = f"list_transform(list_filter({buckets}, lambda b: {condition}), lambda b: b.{name})"
    if name in SUMS:
        return f"coalesce(list_sum({seen}), 0)::HUGEINT"
    return f"coalesce(list_max({seen}), {LARGEST[name]})"


def _windows(entity: str) -> dict[str, Sql]:
    first_hour = f"(event_time - {DAY_SECONDS}) // {HOUR_SECONDS}"
    found = {}
    for days in WINDOWS:
        for name in TODAY:
            hours = _total(f"{entity}_hours", f"b.hour >= {first_hour}", name)
            nothing = (SUMS | LARGEST)[name]
            closed = f"coalesce({entity}_closed_{days}d.{name}, {nothing})"
            before = hours if days == 1 else f"{closed}::HUGEINT" if name in SUMS else closed
            today = f"{entity}_today_{name}"
            both = f"({before} + {today})" if name in SUMS else f"greatest({before}, {today})"
            found[f"{entity}_{days}d_{name}"] = Sql(both)
    return found

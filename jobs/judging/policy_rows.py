"""Decide the rows of past days by policies, on the cluster, with the rulebook and the evaluator of the scorer."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import pyarrow as pa
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from antifraud.artifacts.bundle import Bundle
from antifraud.clock import ONE_DAY
from antifraud.features.registry import FEATURE_NAMES
from antifraud.lake.schemas import CLEAN
from antifraud.model.evaluator import Calibration, Evaluator, read_model_files
from antifraud.policy.reading import read_policy
from antifraud.policy.rulebook import NO_POLICY, Payment, Rulebook, Scored, compile_policy
from jobs.judging.reduction import require_equal_chances
from jobs.publishing.tables import read_table
from jobs.rows.decisions import repeat_rows
from jobs.rows.hour_sums import hour_sums
from jobs.rows.ids import KEYS
from jobs.rows.inputs import Inputs
from jobs.rows.source import labelled_rows
from jobs.rows.vectors import vectors_of

ENTITIES: Final = ("customer", "terminal")
CLOSED_WINDOWS: Final = (1, 7)
"""Windows in days that a velocity rule may have; features hold them as count and mean."""
WHOLE: Final = -1
"""Stands for the payment itself, in place of a rule that it hits."""
FIELDS: Final = ("day", "transaction_id", "customer", "terminal", "amount_minor", "status")
TALLIES: Final = (
    "way int, rule int, said string, let_through boolean, status string, payments bigint, amount bigint"
)  # fmt: skip
Batches = Iterable[pa.RecordBatch]


class Tally(NamedTuple):
    """Payments that one way to decide has treated alike, or that hit one of its rules.

    `way` is the position of a policy, `rule` the place of a rule or `WHOLE`; `amount` is in minor units.
    """

    way: int
    rule: int
    said: str
    let_through: bool
    status: str
    payments: int
    amount: int


def tally_rows(spark: SparkSession, inputs: Inputs, bundle: Bundle, policies: Sequence[bytes | None]) -> list[Tally]:
    """Decide each row of the window ``certify`` by each policy (TOML; None: by the model alone), and count.

    Raises:
        DataError: A label of a payment that was not flagged came by chance.
    """
    rows = labelled_rows(spark, inputs).where("window = 'certify'")
    require_equal_chances(rows)
    rows = repeat_rows(rows)
    sums = _sums_of_days()
    rows = rows.select(*FIELDS, *FEATURE_NAMES, *(column.alias(name) for name, column in sums.items()))
    hourly = {entity for rulebook in _compile(policies) for entity in rulebook.hourly}
    span = inputs.spans["certify"]
    clean = read_table(spark, CLEAN).where(F.col("day").between(F.lit(span.first - ONE_DAY), F.lit(span.last)))
    for entity in sorted(hourly):
        rows = rows.join(hour_sums(clean, entity), list(KEYS), "left")
    names = [*sums, *(f"{entity}_1h_{name}" for entity in sorted(hourly) for name in ("tx_count", "amount_sum"))]
    decide = decide_batches(read_model_files(bundle), int(bundle.manifest["threshold"]), policies, names)
    keys = [F.col(name) for name in Tally._fields[:-2]]
    found = rows.mapInArrow(decide, TALLIES).groupBy(*keys).agg(F.sum("payments"), F.sum("amount"))
    return [Tally(*row) for row in found.collect()]


def _sums_of_days() -> dict[str, Column]:
    """Return counts and sums of whole days by the names of the scorer's inputs, from the features made of them."""
    found: dict[str, Column] = {}
    for entity in ENTITIES:
        for days in CLOSED_WINDOWS:
            window = f"{entity}_{days}d"
            count = F.col(f"{window}_count")
            # The mean is the sum over the count, in roubles: rounding the product gives the very sum back.
            spent = F.round(F.coalesce(F.col(f"{window}_mean") * count * 100, F.lit(0.0)))
            found |= {f"{window}_tx_count": count.cast("bigint"), f"{window}_amount_sum": spent.cast("bigint")}
    return found


def _compile(policies: Iterable[bytes | None]) -> list[Rulebook]:
    return [
        NO_POLICY if content is None else compile_policy(read_policy(content, "the policy")) for content in policies
    ]


def decide_batches(
    model: tuple[bytes, str], threshold: int, policies: Sequence[bytes | None], names: Sequence[str]
) -> Callable[[Batches], Batches]:
    """Return a function from Arrow batches of `FIELDS`, features and sums to batches of `Tally`."""

    def decide(batches: Batches) -> Batches:
        evaluator, rulebooks = Evaluator(model[0], Calibration.from_json(model[1])), _compile(policies)
        for batch in batches:
            scores = evaluator.score(vectors_of(batch)).tolist()
            columns = {name: batch.column(name).to_pylist() for name in (*FIELDS, *names)}
            rows = (dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True))
            counted = _count(zip(scores, rows, strict=True), threshold, rulebooks, names)
            tallies = [(*key, *sums) for key, sums in counted.items()]
            arrays = [pa.array(values) for values in zip(*tallies, strict=True)]
            if tallies:
                yield pa.RecordBatch.from_arrays(arrays, schema=_schema())

    return decide


def _schema() -> pa.Schema:
    kinds = (pa.int32(), pa.int32(), pa.string(), pa.bool_(), pa.string(), pa.int64(), pa.int64())
    return pa.schema(list(zip(Tally._fields, kinds, strict=True)))


def _count(
    rows: Iterable[tuple[int, Mapping[str, Any]]], threshold: int, rulebooks: Sequence[Rulebook], names: Sequence[str]
) -> dict[tuple[Any, ...], tuple[int, int]]:
    """Return payments and amount by the other fields of a tally."""
    payments: Counter[tuple[Any, ...]] = Counter()
    amounts: Counter[tuple[Any, ...]] = Counter()
    for score, row in rows:
        for key in _decide_row(row, Scored(score, threshold), rulebooks, names):
            payments[key] += 1
            amounts[key] += row["amount_minor"]
    return {key: (count, amounts[key]) for key, count in payments.items()}


def _decide_row(
    row: Mapping[str, Any], scored: Scored, rulebooks: Sequence[Rulebook], names: Sequence[str]
) -> Iterator[tuple[Any, ...]]:
    sums = {name: row[name] for name in names}
    payment = Payment(row["customer"], row["terminal"], row["amount_minor"], sums)
    for way, rulebook in enumerate(rulebooks):
        # Not the draw of the scorer, which knows an id that the lake does not have, but one as random.
        ruling = rulebook.decide(payment, scored, lambda: f"{row['day']}:{row['transaction_id']}")
        yield way, WHOLE, ruling.said, ruling.let_through, row["status"]
        yield from ((way, place, "", False, row["status"]) for place in ruling.hits)

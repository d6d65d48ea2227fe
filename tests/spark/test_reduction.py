"""Scored rows are reduced on the cluster to the counts that hand and NumPy give."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from antifraud.clock import DAY_SECONDS, Span, day_number
from antifraud.errors import DataError, NotANumber
from antifraud.lake.schemas import LABELS, SCORES
from antifraud.stats.score_tables import ScoreTable
from jobs.judging.paired import paired_rows
from jobs.judging.reduction import (
    customer_blocks,
    frauds_of,
    group_blocks,
    largest_difference,
    maturation_of,
    require_equal_chances,
    require_numbers,
    score_table_rows,
    table_of,
    terminal_blocks,
    unknown_of,
)
from jobs.judging.scoring import SCORED

DAY = dt.date(2026, 3, 1)
HAND_MADE = [
    ("certify", DAY, "k1.a", "k1.x", 700, "fraud", 50, 50),
    ("certify", DAY, "k1.b", "k1.x", 900, "fraud", 50, 51),
    ("certify", DAY, "k1.c", "k1.x", 100, "legitimate", 10, 10),
    ("certify", DAY, "k1.c", "k1.y", 100, "legitimate", 60, 60),
    ("certify", DAY, "k1.c", "k1.y", 100, "legitimate", 60, 60),
    ("certify", DAY, "k1.c", "k1.y", 100, "unknown", 60, 60),
    ("select", DAY, "k1.c", "k1.y", 100, "legitimate", 60, 60),
]


def test_reduction_by_hand(spark):
    """The certify rows become one table.

    Unknown rows are counted apart, and sums, squares and maxima are over frauds.
    """
    rows = score_table_rows(spark.createDataFrame(HAND_MADE, SCORED), "r").toArrow()
    columns = table_of(rows, "certify").columns()
    assert columns["score"] == [10, 50, 60]
    assert columns["legit"] == [1, 0, 2]
    assert columns["fraud"] == [0, 2, 0]
    assert columns["fraud_amount"] == [0, 1_600, 0]
    assert columns["fraud_amount_sq"] == [0, 700**2 + 900**2, 0]
    assert columns["fraud_amount_max"] == [0, 900, 0]
    days = [DAY - dt.timedelta(days=1), DAY]
    assert unknown_of(rows, "certify", days).tolist() == [0, 1]
    assert unknown_of(rows, "select", days).tolist() == [0, 0]


def test_reduction_of_many_rows_equals_a_recount(spark):
    """For random rows of three windows, the table and the unknown rows of each window equal NumPy's own count."""
    draw = np.random.default_rng(5)
    count, names = 3_000, np.array(["train", "select", "certify"])
    window, status = (
        names[draw.integers(0, 3, count)],
        draw.choice(["fraud", "legitimate", "unknown"], count, p=[0.3, 0.6, 0.1]),
    )
    day, score, amount = draw.integers(0, 9, count), draw.integers(0, 40, count), draw.integers(1, 10**9, count)
    dates = [DAY + dt.timedelta(days=int(n)) for n in day]
    columns = {
        "window": window,
        "day": dates,
        "amount_minor": amount,
        "status": status,
        "score": score.astype(np.int32),
    }
    rows = score_table_rows(spark.createDataFrame(pa.table(columns)), "r").toArrow()
    assert rows.schema.names == [column.name for column in SCORES.columns]
    for name in names:
        kept = (window == name) & (status != "unknown")
        expected = ScoreTable.from_rows(day[kept] + day_number(DAY), score[kept], status[kept] == "fraud", amount[kept])
        assert table_of(rows, name).columns() == expected.columns()
        left = day[(window == name) & (status == "unknown")]
        days = [DAY + dt.timedelta(days=n) for n in range(9)]
        assert unknown_of(rows, name, days).tolist() == np.bincount(left, minlength=9).tolist()


def test_reduction_at_the_edges_of_its_numbers(spark):
    """Extreme scores, days before 1970 and far ahead, and large squares do not spill into each other."""
    first, last = dt.date(1969, 12, 31), dt.date(2199, 12, 31)
    rows = [(window, day, "c", "t", 10**9, "fraud", score, score)
            for window in ("train", "certify") for day in (first, last) for score in (0, 1_000_000)
            for _ in range(12 if window == "certify" else 1)]  # fmt: skip
    found = score_table_rows(spark.createDataFrame(rows, SCORED), "r").toArrow()
    columns = table_of(found, "certify").columns()
    assert columns["day"] == [-1, -1, 84_005, 84_005]
    assert columns["score"] == [0, 1_000_000, 0, 1_000_000]
    assert (columns["legit"], columns["fraud"]) == ([0] * 4, [12] * 4)
    assert columns["fraud_amount_sq"] == [12 * 10**18] * 4
    assert table_of(found, "train").columns()["fraud_amount_sq"] == [10**18] * 4

    unknown = spark.createDataFrame([(*row[:5], "unknown", *row[6:]) for row in rows], SCORED)
    counted = score_table_rows(unknown, "r").toArrow()
    assert unknown_of(counted, "certify", [first, last]).tolist() == [24, 24]
    assert unknown_of(counted, "train", [last, first]).tolist() == [2, 2]
    assert table_of(counted, "certify").transactions == 0


@pytest.mark.parametrize("score", [-1, 1_000_001])
def test_a_score_out_of_range_is_refused(spark, score):
    """A score out of range is refused, because it could pass for another score or another day."""
    rows = spark.createDataFrame([("certify", DAY, "c", "t", 100, "legitimate", score, score)], SCORED)
    with pytest.raises(NotANumber, match="1 of 1 scores are not in"):
        table_of(score_table_rows(rows, "r").toArrow(), "certify")


def test_terminal_blocks_fold_what_is_never_flagged(spark):
    """With 50 as the lowest threshold, the row with score 10 counts at 50, in its own terminal's block."""
    rows = spark.createDataFrame(HAND_MADE, SCORED).where("window = 'certify'")
    blocks = terminal_blocks(rows, lowest=50)
    assert sorted(zip(blocks.score.tolist(), blocks.legit.tolist(), strict=True)) == [(50, 1), (60, 2)]
    assert sorted(set(blocks.block.tolist())) == [0, 1]


def test_an_export_that_differs_is_refused(spark):
    """Evaluator and CatBoost may differ by at most 2 ppm: 1 ppm passes, and 3 ppm stop the validation."""
    rows = spark.createDataFrame(HAND_MADE, SCORED)
    assert largest_difference(rows) == 1
    with pytest.raises(DataError, match="by up to 3 ppm, at most 2"):
        largest_difference(rows.selectExpr("score", "score + 3 as peer"))


def test_customer_blocks_are_counted_like_terminal_blocks(spark):
    """All three legitimate rows are one customer's, so they make one block with two scores, counted from 50 up."""
    rows = spark.createDataFrame(HAND_MADE, SCORED).where("window = 'certify'")
    blocks = customer_blocks(rows, lowest=50)
    assert (blocks.name, blocks.lowest, blocks.totals.tolist()) == ("customers", 50, [3.0])
    assert list(zip(blocks.score.tolist(), blocks.legit.tolist(), strict=True)) == [(50, 1), (60, 2)]


def test_groups_are_blocks_where_a_row_names_one(spark):
    """Terminals of one group are one block, one without a group is its own block, and without groups there is none."""
    columns = f"{SCORED}, terminal_group string"
    chained = [(*row, "k1.g" if row[3] == "k1.y" else None) for row in HAND_MADE]
    rows = spark.createDataFrame([*chained, (*HAND_MADE[2][:3], "k1.z", *HAND_MADE[2][4:], "k1.g")], columns)

    [blocks] = group_blocks(rows.where("window = 'certify'"), lowest=50)
    assert (blocks.name, blocks.within, sorted(blocks.totals.tolist())) == ("groups", "terminals", [1.0, 3.0])
    alone = spark.createDataFrame([(*row, None) for row in HAND_MADE], columns)
    assert group_blocks(alone, lowest=50) == []


def test_frauds_keep_their_day_and_lose_their_tokens(spark):
    """Two frauds keep their day, and codes replace the tokens of one terminal and two customers."""
    rows = [(*row, 7 if row[5] == "fraud" else None) for row in HAND_MADE]
    found = frauds_of(spark.createDataFrame(rows, f"{SCORED}, delay int"), 28)
    assert found.day.tolist() == [day_number(DAY)] * 2
    assert found.delay.tolist() == [7] * 2
    assert (len(set(found.terminal.tolist())), len(set(found.customer.tolist()))) == (1, 2)


def test_maturation_counts_when_a_fraud_was_first_called_one(spark):
    """The curve counts when a fraud was first labelled so: half of the two frauds after two days, both after four.

    A fraud that is first labelled after the day of knowledge does not count.
    """

    def said(number, event, days, status, source="feed"):
        learned = (day_number(DAY) + event + days) * DAY_SECONDS + 7
        return (DAY + dt.timedelta(days=event), number, status, learned, source, number, 0)

    rows = [
        *(said(1, 0, 2, "fraud"), said(1, 0, 5, "fraud", "client"), said(2, 0, 4, "fraud")),
        *(said(3, 0, 1, "legitimate"), said(4, 5, 2, "fraud"), said(5, 5, 9, "fraud")),
    ]
    labels = spark.createDataFrame(rows, ", ".join(f"{c.name} {c.type}" for c in LABELS.columns))
    curve = maturation_of(labels, DAY + dt.timedelta(days=7))
    assert curve.known[[1, 2, 3, 4, 7]].tolist() == pytest.approx([0.0, 0.5, 0.5, 1.0, 1.0])


def test_features_that_are_no_numbers_are_refused(spark):
    """A null is allowed as unknown, but NaN and infinity are refused with their counts by column."""
    rows = spark.createDataFrame([(1.0, None), (2.0, 3.0)], "a double, b double")
    require_numbers(rows, ["a", "b"])
    odd = rows.union(spark.createDataFrame([(float("nan"), 1.0), (float("-inf"), 1.0)], "a double, b double"))
    with pytest.raises(NotANumber, match=r"features: \{'a': 2\}"):
        require_numbers(odd, ["a", "b"])


def test_labels_that_came_by_chance_are_refused(spark):
    """Two labelled rows of a control share are refused by number; a row without a label has no weight to count."""
    columns = "status string, propensity double"
    certain = spark.createDataFrame([("fraud", 1.0), ("legitimate", 1.0), ("unknown", 0.1)], columns)
    require_equal_chances(certain)
    by_chance = certain.union(spark.createDataFrame([("legitimate", 0.1), ("fraud", None)], columns))
    with pytest.raises(DataError, match="2 rows have a label that came by chance"):
        require_equal_chances(by_chance)


def test_squares_of_the_largest_amounts_are_exact(spark):
    """The sum of squares of forty of the largest amounts needs 66 bits and is exact."""
    rows = [("certify", DAY, "k1.a", "k1.x", 10**9 - index, "fraud", 50, 50) for index in range(40)]
    columns = table_of(score_table_rows(spark.createDataFrame(rows, SCORED), "r").toArrow(), "certify").columns()
    assert columns["fraud_amount_sq"] == [sum((10**9 - index) ** 2 for index in range(40))]


def test_rows_that_only_one_model_flags_are_counted_by_block(spark):
    """Three of the seven rows of the paired day are flagged by one model alone; frauds and other days do not count."""
    rows = [
        (DAY, "k1.c", "k1.x", "legitimate", 60, 40),
        (DAY, "k1.c", "k1.y", "legitimate", 60, 40),
        (DAY, "k1.d", "k1.y", "legitimate", 40, 60),
        (DAY, "k1.d", "k1.z", "legitimate", 60, 60),
        (DAY, "k1.e", "k1.z", "legitimate", 40, 40),
        (DAY, "k1.f", "k1.x", "fraud", 60, 40),
        (DAY, "k1.f", "k1.x", "unknown", 60, 40),
        (DAY + dt.timedelta(days=1), "k1.f", "k1.x", "legitimate", 60, 40),
    ]
    columns = "day date, customer string, terminal string, status string, score int, other_0 int"
    found = paired_rows(spark.createDataFrame(rows, columns), "other_0", 50, Span(DAY, DAY), 50)
    assert (found.added, found.removed, found.rescored) == (2, 1, 5)
    blocks = {
        kind.name: list(zip(kind.legit.tolist(), kind.net.tolist(), kind.times.tolist(), strict=True))
        for kind in found.blocks
    }
    assert blocks == {
        "terminals": [(1, 1, 1), (2, 0, 2)],
        "customers": [(1, 0, 1), (2, -1, 1), (2, 2, 1)],
    }

"""Score tables add up like the rows they stand for, and their curves equal scikit-learn's."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from antifraud.errors import DataError, NoFraud, OnlyFraud
from antifraud.stats.score_tables import FLAG_ALL, ScoreTable, curve, merge

row = st.tuples(st.integers(0, 3), st.sampled_from([0, 5, 7, 1_000_000]), st.booleans(), st.integers(1, 10**9))
rows_ = st.lists(row, max_size=30)


def table_of(rows):
    return ScoreTable.from_rows(*([list(column) for column in zip(*rows, strict=True)] if rows else [[]] * 4))


def naive(rows):
    """Make the table with a dictionary of lists, ordered as a table is."""
    groups = {}
    for day, score, fraud, amount in rows:
        groups.setdefault((day, score), []).append((fraud, amount))
    found = []
    for (day, score), members in sorted(groups.items()):
        amounts = [amount for fraud, amount in members if fraud]
        found.append((
            day, score, len(members) - len(amounts), len(amounts),
            sum(amounts), sum(a * a for a in amounts), max(amounts, default=0),
        ))  # fmt: skip
    return found


@given(rows_)
def test_a_table_holds_what_counting_by_hand_gives(rows):
    """Counts, sums, exact squares and maxima per (day, score) equal a naive restatement."""
    assert list(zip(*table_of(rows).columns().values(), strict=True)) == naive(rows)


@given(rows_, rows_, rows_)
def test_merging_is_associative_commutative_and_equal_to_concatenation(first, second, third):
    """However tables are added up, the result is the table of all rows."""
    a, b, c = map(table_of, (first, second, third))
    expected = table_of(first + second + third).columns()

    assert merge(merge(a, b), c).columns() == expected
    assert merge(a, merge(c, b)).columns() == expected


@given(rows_)
def test_stored_columns_come_back_the_same(rows):
    """Columns survive storage, also with the squares as decimals and the rows in another order."""
    columns = table_of(rows).columns()
    stored = {name: values[::-1] for name, values in columns.items()}
    stored["fraud_amount_sq"] = [Decimal(value) for value in stored["fraud_amount_sq"]]

    assert ScoreTable.from_columns(stored).columns() == columns


def test_squares_beyond_64_bits_are_exact():
    """Twenty frauds of the largest amount have squares that no 64-bit integer holds."""
    table = ScoreTable.from_rows([0] * 20, [7] * 20, [True] * 20, [10**9] * 20)

    assert table.columns()["fraud_amount_sq"] == [20 * 10**18]


def test_where_days_includes_both_ends():
    """Days 2 to 3 of 1..4 are kept."""
    table = ScoreTable.from_rows([1, 2, 3, 4], [7] * 4, [False] * 4, [1] * 4)

    assert table.where_days(2, 3).day.tolist() == [2, 3]


def test_refuses_columns_that_do_not_fit():
    """Columns of different lengths, or too few of them, are named as such."""
    with pytest.raises(DataError, match="differ in length"):
        ScoreTable.from_rows([1, 2], [7], [True], [100])
    kept = {name: values for name, values in table_of([]).columns().items() if name != "fraud_amount_sq"}
    with pytest.raises(DataError, match="lacks fraud_amount_sq"):
        ScoreTable.from_columns(kept)


@pytest.fixture(scope="module")
def sample():
    """Draw 3,000 rows with overlapping scores and many ties."""
    rng = np.random.default_rng(11)
    is_fraud = rng.random(3_000) < 0.1
    score = np.clip(rng.normal(400 + 200 * is_fraud, 150), 0, 1000).astype(int) * 1000
    return rng.integers(0, 7, 3_000), score, is_fraud, rng.integers(1, 10**6, 3_000)


def test_the_curve_equals_scikit_learn_at_every_threshold(sample):
    """FPR, recall, precision, F2 and value recall equal scikit-learn's, to 1e-12."""
    day, score, is_fraud, amount = sample
    found = curve(ScoreTable.from_rows(day, score, is_fraud, amount))
    for index in range(0, found.threshold.size - 1, 10):
        flagged = score > found.threshold[index]
        _, flags_of_legit, _, _ = metrics.confusion_matrix(is_fraud, flagged).ravel()
        expected = (
            flags_of_legit / (~is_fraud).sum(),
            metrics.recall_score(is_fraud, flagged),
            metrics.recall_score(is_fraud, flagged, sample_weight=amount),
            metrics.precision_score(is_fraud, flagged),
            metrics.fbeta_score(is_fraud, flagged, beta=2),
            flagged.sum() / 7,
        )
        columns = (found.fpr, found.recall, found.value_recall, found.precision, found.f_beta(2), found.alerts_a_day)

        assert [column[index] for column in columns] == pytest.approx(expected, abs=1e-12)


def test_the_curve_runs_from_all_flagged_to_none(sample):
    """Flagging all catches everything; the highest score as threshold flags nothing, where precision has no meaning."""
    found = curve(ScoreTable.from_rows(*sample))

    assert (found.threshold[0], found.fpr[0], found.recall[0], found.missed_amount[0]) == (FLAG_ALL, 1.0, 1.0, 0)
    assert (found.fpr[-1], found.recall[-1], found.value_recall[-1]) == (0.0, 0.0, 0.0)
    assert np.isnan(found.precision[-1])


@given(st.integers(-1, 1_000_000))
def test_at_finds_the_candidate_that_flags_the_same(threshold):
    """Any threshold flags the same rows as the candidate at its index."""
    rows = [(0, 5, False, 1), (0, 7, True, 2), (0, 7, False, 1), (0, 900_000, True, 4)]
    found = curve(table_of(rows))

    assert found.false_positives[found.at(threshold)] == sum(s > threshold and not f for _, s, f, _ in rows)


def test_a_curve_needs_both_kinds_of_rows():
    """No fraud, or nothing else, is an error that says what was found."""
    with pytest.raises(NoFraud, match="found 1 and 0"):
        curve(table_of([(0, 5, False, 1)]))
    with pytest.raises(OnlyFraud, match="found 0 and 1"):
        curve(table_of([(0, 5, True, 1)]))

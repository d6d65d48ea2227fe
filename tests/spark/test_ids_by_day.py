"""Ids that restart every day: whatever joins transactions with their labels names the day, too."""

from bench.model.rows import load_rows
from tests.spark.model_lake import DAYS, ROWS


def test_a_benchmark_loads_each_row_once(judged):
    """In the small lake, id 17 is one transaction a day: 36 days of 400 rows are loaded, without 4 unlabelled ones."""
    rows = load_rows(judged[1])
    assert (DAYS, ROWS, rows.time.size) == (36, 400, 36 * 396)
    assert len(set(zip(rows.day.tolist(), rows.time.tolist(), strict=True))) == 36 * 396

"""Samples are read in time order, column by column, and a feature without any value is refused."""

import dataclasses

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from antifraud.errors import DataError
from antifraud.features.registry import FEATURE_NAMES
from jobs.rows.dataset import SAMPLED, read_sample, require_values


def write(folder, file, rows):
    """Write rows of (time, transaction id, amount, is fraud, propensity, first feature)."""
    columns = dict(zip(SAMPLED, [list(column) for column in zip(*rows, strict=True)][:5], strict=True))
    features = {name: pa.array([row[5] for row in rows] if not n else [float(n)] * len(rows), pa.float32())
                for n, name in enumerate(FEATURE_NAMES)}  # fmt: skip
    (folder / "window=train").mkdir(exist_ok=True)
    pq.write_table(pa.table(columns | features), folder / "window=train" / file)


@pytest.fixture
def sample(tmp_path):
    write(tmp_path, "b.parquet", [(7, 3, 500, False, 1.0, 0.1), (5, 9, 600, True, 0.5, None)])
    write(tmp_path, "a.parquet", [(5, 2, 700, False, 0.25, 3.0)])
    return read_sample(tmp_path, "train", share=0.2)


def test_rows_come_in_time_order(sample):
    """Rows of all files come by time, then by id, with nulls as NaN and every feature in its place."""
    assert sample.amount.tolist() == [700, 600, 500]
    assert sample.vectors[:, 0].tolist() == pytest.approx([3.0, np.nan, 0.1], nan_ok=True)
    assert sample.vectors[0, 1:].tolist() == list(range(1, len(FEATURE_NAMES)))


def test_rows_weigh_what_they_stand_for(sample):
    """A row weighs 1 / share / propensity, here 1 / 0.2 / 0.25 = 20; frauds are not downsampled."""
    assert sample.weight.tolist() == [20.0, 2.0, 5.0]
    assert sample.propensity.tolist() == [0.25, 0.5, 1.0]


def test_the_matrix_is_what_catboost_takes_without_a_copy(sample):
    """The matrix has single precision and whole columns in memory, so that CatBoost needs no copy."""
    assert sample.vectors.dtype == np.float32
    assert sample.vectors.flags.f_contiguous


def test_a_window_without_rows_is_empty(tmp_path):
    """A window that no rows were written for is read as empty, without an error."""
    found = read_sample(tmp_path, "select", share=0.2)
    assert (found.vectors.shape, found.frauds) == ((0, len(FEATURE_NAMES)), 0)


def test_a_feature_without_any_value_is_refused(sample):
    """A feature with nothing but nulls is refused as broken data, with window and feature named."""
    require_values("train", sample)
    vectors = sample.vectors.copy()
    vectors[:, 1] = np.nan
    broken = dataclasses.replace(sample, vectors=vectors)
    with pytest.raises(DataError, match=f"in the select window {FEATURE_NAMES[1]} has no value in any of 3 rows") as no:
        require_values("select", broken)
    assert no.value.exit_code == 20

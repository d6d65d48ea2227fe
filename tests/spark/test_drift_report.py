"""The drift page reports only features that moved."""

import json

import numpy as np
import pytest

from antifraud.features.registry import FEATURE_NAMES
from jobs.adapters.evidently import compare


@pytest.mark.filterwarnings("ignore")
def test_finds_the_feature_that_moved(tmp_path):
    """Among features of one distribution, some with nulls, only the shifted feature is reported as drifted."""
    generator = np.random.default_rng(1)
    current, reference = (generator.normal(size=(2_000, len(FEATURE_NAMES))) for _ in range(2))
    reference[::7, 1] = current[::7, 1] = np.nan
    current[:, 0] += 2

    figures = compare(current, reference, tmp_path / "drift.html")

    assert figures["drifted_features"] == 1
    assert max(figures["drift"], key=figures["drift"].__getitem__) == FEATURE_NAMES[0]
    assert set(figures["drift"]) == set(FEATURE_NAMES)
    assert json.loads(json.dumps(figures)) == figures
    assert (tmp_path / "drift.html").stat().st_size > 10_000

"""Compare a day's features with the days that the serving release was trained on."""

from typing import Final

import numpy as np
import numpy.typing as npt

from antifraud.clock import Span
from antifraud.features.registry import FEATURE_NAMES
from antifraud.lake.catalog import open_catalog, read_days, require_days
from antifraud.lake.schemas import FEATURES
from antifraud.settings.core import JobSettings
from jobs.rows.vectors import vectors_of

SAMPLE_ROWS: Final = 50_000
"""Largest number of rows of each side, because Evidently works in memory."""


def sample_of(settings: JobSettings, span: Span) -> npt.NDArray[np.float64]:
    """Return up to `SAMPLE_ROWS` feature vectors of some days, the same for the same seed.

    Raises:
        MissingDay: A day has no features.
    """
    catalog = open_catalog(settings)
    require_days(catalog, FEATURES, span.days)
    vectors = vectors_of(read_days(catalog, FEATURES, span.first, span.last, FEATURE_NAMES))
    chosen = np.random.default_rng(settings.seed).permutation(len(vectors))[:SAMPLE_ROWS]
    return vectors[np.sort(chosen)].astype(np.float64)

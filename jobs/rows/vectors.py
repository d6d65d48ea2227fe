"""Arrow rows as the feature matrix that models take."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from antifraud.features.registry import FEATURE_NAMES


def vectors_of(table: pa.Table | pa.RecordBatch) -> npt.NDArray[np.float32]:
    """Return the feature matrix (n, features) in the order of `FEATURE_NAMES`, in single precision; null is NaN."""
    vectors = np.empty((table.num_rows, len(FEATURE_NAMES)), np.float32)
    for position, name in enumerate(FEATURE_NAMES):
        vectors[:, position] = table.column(name).to_numpy(zero_copy_only=False)
    return vectors

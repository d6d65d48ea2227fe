"""Labelled rows as models take them: one matrix and what stands beside it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from jobs.rows.weights import inverse_propensity


@dataclass(frozen=True, slots=True)
class Sample:
    """Labelled rows in the order (time, transaction id).

    `vectors` (n, features) with NaN for null, in single precision: the trees and the evaluator compare in it anyway
    (`tests/unit/jobs/training/test_fitting.py`), and columns that lie together (Fortran order) reach CatBoost without a
    copy. `is_fraud`, `amount` (minor units) and `weight` (rows of the population that each stands for) have shape (n,),
    as has `propensity`, the chance with which the row got a label; None means that every row had it for certain.
    """

    vectors: npt.NDArray[np.float32]
    is_fraud: npt.NDArray[np.bool_]
    amount: npt.NDArray[np.int64]
    weight: npt.NDArray[np.float64]
    propensity: npt.NDArray[np.float64] | None = None

    @property
    def frauds(self) -> int:
        """Rows that are fraud."""
        return int(self.is_fraud.sum())

    @property
    def inverse_propensity(self) -> npt.NDArray[np.float64]:
        """Rows that each labelled row stands for (n,), before downsampling."""
        return np.ones(self.is_fraud.size) if self.propensity is None else inverse_propensity(self.propensity)

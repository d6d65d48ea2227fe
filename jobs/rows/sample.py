"""Labelled rows as models take them: one matrix, and the labels, amounts and weights of its rows."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from jobs.rows.weights import inverse_propensity


@dataclass(frozen=True, slots=True)
class Sample:
    """Labelled rows in the order (time, transaction id).

    `vectors` (n, features) has NaN for null. It is in single precision, because trees and evaluator compare in it
    anyway (`tests/unit/jobs/training/test_fitting.py`). Its columns are contiguous (Fortran order), so that they reach
    CatBoost without a copy.

    `is_fraud`, `amount` (minor units), `weight` and `propensity` have shape (n,). `weight` is the number of rows of the
    population that a row stands for. `propensity` is the chance with which a row got its label; None means 1 for all.
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

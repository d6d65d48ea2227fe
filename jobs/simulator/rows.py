"""Transactions of a day as arrays of equal length."""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Rows:
    """Transactions before they get identifiers.

    Attributes:
        second: Second of the day.
        customer: Index of the customer in the world.
        terminal: Index of the terminal in the world.
        amount: Kopecks.
        scenario: Fraud scenario, 0 for honest transactions.
    """

    second: NDArray[np.int64]
    customer: NDArray[np.int64]
    terminal: NDArray[np.int64]
    amount: NDArray[np.int64]
    scenario: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.second)

    def take(self, index: NDArray[np.int64]) -> Self:
        """Return the rows at `index`, in that order."""
        return type(self)(*(getattr(self, field.name)[index] for field in fields(self)))

    @classmethod
    def concatenate(cls, parts: list[Self]) -> Self:
        """Return all rows of `parts`, one part after the other."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))


@dataclass(frozen=True, slots=True)
class Day:
    """The raw rows of a day in the order of the file.

    Identifiers are the raw ones, `second` counts from midnight, `amount` is in kopecks, `defect` is a code of
    `defects`, and `chain` is the identifier of the terminal's chain.
    """

    index: int
    transaction: NDArray[np.int64]
    second: NDArray[np.int64]
    customer: NDArray[np.int64]
    terminal: NDArray[np.int64]
    amount: NDArray[np.int64]
    scenario: NDArray[np.int64]
    defect: NDArray[np.int8]
    chain: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.second)

    def take(self, index: NDArray[np.int64]) -> Self:
        """Return the rows at `index`, in that order."""
        return type(self)(self.index, *(getattr(self, field.name)[index] for field in fields(self)[1:]))

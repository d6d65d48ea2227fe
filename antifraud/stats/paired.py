"""Legitimate rows that two models decided about: what only one of them flags, by row and by block.

Rows that both models flag, or neither, say nothing about their difference. So each block needs two numbers: all of its
legitimate rows, and by how many the candidate flags more of them than the champion.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from antifraud.errors import DataError
from antifraud.stats.score_tables import Ints


@dataclass(frozen=True, slots=True, eq=False)
class PairedBlocks:
    """Blocks of one kind; blocks with equal numbers are one entry, and the columns have shape ``(n,)``.

    Attributes:
        name: Kind of the blocks, such as terminals.
        legit: Legitimate rows of the block, at least 1.
        net: By how many legitimate rows the candidate flags more than the champion.
        times: Blocks that the entry stands for.
    """

    name: str
    legit: Ints
    net: Ints
    times: Ints

    @classmethod
    def from_rows(cls, name: str, block: Any, champion_flags: Any, candidate_flags: Any) -> Self:
        """Count legitimate rows by block; all columns have shape ``(rows,)``.

        >>> blocks = PairedBlocks.from_rows("terminals", [7, 7, 8, 9], [0, 1, 0, 0], [1, 1, 0, 0])
        >>> [column.tolist() for column in (blocks.legit, blocks.net, blocks.times)]
        [[1, 2], [0, 1], [2, 1]]
        """
        numbers = np.unique(np.asarray(block), return_inverse=True)[1]
        both = np.asarray(candidate_flags, np.int64) - np.asarray(champion_flags, np.int64)
        legit, net = np.bincount(numbers), np.bincount(numbers, both).astype(np.int64)
        # One number a pair, because single numbers are sorted much faster than pairs.
        lowest = int(net.min(initial=0))
        width = int(net.max(initial=0)) - lowest + 1
        found, times = np.unique(legit * width + net - lowest, return_counts=True)
        return cls(name, found // width, found % width + lowest, times.astype(np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class PairedRows:
    """Legitimate rows by what two models do with them.

    Attributes:
        added: Rows that only the candidate flags.
        removed: Rows that only the champion flags.
        rescored: Rows of any status to which the models give different scores; None where nobody counted them.
        blocks: The same rows by blocks other than days, one entry a kind.

    Raises:
        DataError: The blocks of a kind do not add up to the rows.
    """

    added: int
    removed: int
    rescored: int | None = None
    blocks: Sequence[PairedBlocks] = ()

    def __post_init__(self) -> None:
        for kind in self.blocks:
            if (found := int(kind.net @ kind.times)) != self.added - self.removed:
                raise DataError(
                    f"the candidate flags {self.added - self.removed:+} legitimate rows more than the champion, but "
                    f"{found:+} by {kind.name}: validate again"
                )

    @classmethod
    def from_rows(cls, champion_flags: Any, candidate_flags: Any, **blocks: Any) -> Self:
        """Count legitimate rows; each of `blocks` numbers the block of every row, by the name of its kind.

        >>> rows = PairedRows.from_rows([0, 1, 0, 0], [1, 0, 0, 1], terminals=[7, 7, 8, 9])
        >>> rows.added, rows.removed, [kind.name for kind in rows.blocks]
        (2, 1, ['terminals'])
        """
        first, second = np.asarray(champion_flags, bool), np.asarray(candidate_flags, bool)
        kinds = [PairedBlocks.from_rows(name, block, first, second) for name, block in blocks.items()]
        return cls(int((second & ~first).sum()), int((first & ~second).sum()), None, kinds)

    @classmethod
    def of_days(cls, net: Ints) -> Self:
        """Take each day's difference for all that is known: rows of one day that cancel out are overlooked.

        >>> rows = PairedRows.of_days(np.array([3, -1, 0]))
        >>> rows.added, rows.removed
        (3, 1)
        """
        return cls(int(net[net > 0].sum()), -int(net[net < 0].sum()))

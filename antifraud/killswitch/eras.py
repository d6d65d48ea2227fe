"""Eras of evidence: the periods over which evidence is added up. They are apart from the epochs of the switch.

Every change of the switch begins an epoch, but only a trip begins an era. So a pause, a drill or a resume throws no
evidence away. The era of a decision follows from the epoch that it was made in. Decisions of earlier eras still mature,
and what they show only warns: a person has decided about them.
"""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Eras:
    """The eras of a store; each is named by the epoch of the switch that it began with.

    >>> eras = Eras().begin(4)
    >>> eras.era_of(3), eras.era_of(4), eras.era_of(9), eras.present
    (0, 4, 4, 4)
    """

    starts: tuple[int, ...] = (0,)

    @property
    def present(self) -> int:
        """The era of decisions that are made now."""
        return self.starts[-1]

    def era_of(self, epoch: int) -> int:
        """Return the era of the decisions that were made in an epoch."""
        return self.starts[bisect_right(self.starts, epoch) - 1]

    def begin(self, epoch: int) -> "Eras":
        """Return the eras after a trip that has begun this epoch.

        Raises:
            ValueError: The present era began later.
        """
        if epoch < self.present:
            raise ValueError(f"era {self.present} has begun, so none can begin with epoch {epoch}")
        return self if epoch == self.present else Eras((*self.starts, epoch))


FIRST: Final = Eras()
"""The eras of a new store."""

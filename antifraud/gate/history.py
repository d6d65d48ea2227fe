"""Days before the training window, scored by the candidate: what a certify window is too short to show."""

from dataclasses import dataclass

from antifraud.errors import DataError
from antifraud.stats.episodes import Frauds
from antifraud.stats.months import MissedDays
from antifraud.stats.score_tables import Floats, ScoreTable


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Scored rows of the days before the training window.

    The model has not seen them, so they are out of sample, but they are older than what it was trained on. So they
    warn and widen, and no bound becomes narrower by them.

    Attributes:
        table: A sample of the legitimate rows, and frauds. Only rates of its days mean anything.
        frauds: All frauds, with their days and the first day.
        transactions_a_day: All transactions of each day, shape ``(days,)``.

    Raises:
        DataError: There is not one number of transactions for each day.
    """

    table: ScoreTable
    frauds: Frauds
    transactions_a_day: Floats

    def __post_init__(self) -> None:
        if self.transactions_a_day.size != self.frauds.days:
            raise DataError(
                f"the history has {self.frauds.days} days, but {self.transactions_a_day.size} numbers of transactions: "
                "validate again"
            )

    def missed(self, threshold: int) -> MissedDays:
        """Return the frauds that a threshold (ppm) misses, with the days that they come from."""
        return MissedDays(self.frauds.missed(threshold), self.transactions_a_day)

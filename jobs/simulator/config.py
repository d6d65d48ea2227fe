"""What describes a simulated world; two equal configurations give the same rows."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Final, Literal

from antifraud.errors import SettingsError

ChangeKind = Literal["spend3x", "new-pattern"]
CHANGE_KINDS: Final[tuple[ChangeKind, ...]] = ("spend3x", "new-pattern")
MOST_ENTITIES: Final = 9_000_000
"""Beyond it the arithmetic of sparse identifiers would leave 64 bits."""
HIGHEST_DEFECT_RATE: Final = 0.1


@dataclass(frozen=True, slots=True)
class DefectRates:
    """Expected share of rows with each defect; a row has at most one."""

    terminal_invalid: float = 4e-5
    customer_invalid: float = 2e-5
    amount_not_positive: float = 4e-5
    duplicate: float = 1e-5
    unparsable: float = 1e-5
    midnight: float = 1e-5


@dataclass(frozen=True, slots=True)
class Change:
    """From `day` on honest customers spend three times more, or thieves work in a way not seen before."""

    day: dt.date
    kind: ChangeKind


@dataclass(frozen=True, slots=True)
class WorldConfig:
    """A world. `start` is day 0, the base of `tx_time_seconds`; the seed settles everything else.

    All amounts are multiplied by `price_level`, so that a small world can hold as much money as a larger one.
    `terminal_starts` and `customer_starts` are the shares of them whose compromise begins on a day. Terminal 0 takes
    `busiest_share` of all honest transactions beside its own, and is not compromised then: it stands for a system.
    """

    customers: int
    terminals: int
    start: dt.date = dt.date(2026, 1, 1)
    seed: int = 7
    sparse_ids: bool = False
    price_level: float = 1.0
    terminal_starts: float = 0.00055
    customer_starts: float = 0.0004
    busiest_share: float = 0.0
    change: Change | None = None
    defects: DefectRates = field(default_factory=DefectRates)

    def __post_init__(self) -> None:
        """Refuse a world that cannot be made.

        Raises:
            SettingsError: A size, the seed or a rate is out of range.
        """
        for name, size in (("customers", self.customers), ("terminals", self.terminals)):
            if not 1 <= size <= MOST_ENTITIES:
                raise SettingsError(f"{name} is {size}, expected 1..{MOST_ENTITIES}")
        if self.seed < 0:
            raise SettingsError(f"seed is {self.seed}, expected 0 or more")
        for name in ("terminal_starts", "customer_starts", "busiest_share"):
            if not 0 <= getattr(self, name) < 1:
                raise SettingsError(f"{name} is {getattr(self, name)}, expected a share, 0 or more and below 1")
        for name in DefectRates.__slots__:
            rate = getattr(self.defects, name)
            if not 0 <= rate <= HIGHEST_DEFECT_RATE:
                raise SettingsError(f"defect rate {name} is {rate}, expected 0..{HIGHEST_DEFECT_RATE}")

    def date(self, index: int) -> dt.date:
        """Return the calendar day of a day index; 0 is `start`."""
        return self.start + dt.timedelta(days=index)

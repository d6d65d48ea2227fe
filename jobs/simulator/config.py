"""Configuration of a simulated world; equal configurations give equal rows."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from antifraud.errors import SettingsError

ChangeKind = Literal["spend3x", "double-prices", "new-pattern", "night-trade"]
CHANGE_KINDS: Final[tuple[ChangeKind, ...]] = get_args(ChangeKind)
NIGHT_SHARE: Final = 0.01
MOST_ENTITIES: Final = 9_000_000
"""With more entities the arithmetic of sparse identifiers would exceed 64 bits."""
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
    """A change of behaviour from `day` on.

    - ``spend3x``: honest customers spend three times more.
    - ``double-prices``: all amounts double, those of thieves, too.
    - ``new-pattern``: thieves pay ordinary amounts at night, anywhere.
    - ``night-trade``: honest customers do, in the same way.

    Attributes:
        day: First day of the change.
        kind: What changes.
        share: Payments at night as a share of the honest ones of the day; changes of amounts have none.
    """

    day: dt.date
    kind: ChangeKind
    share: float = NIGHT_SHARE

    def __post_init__(self) -> None:
        """Refuse a share that no day has.

        Raises:
            SettingsError: It is not between 0 and 1.
        """
        if not 0 <= self.share <= 1:
            raise SettingsError(f"share of a change is {self.share}, expected 0..1")


@dataclass(frozen=True, slots=True)
class WorldConfig:
    """A world.

    Attributes:
        customers: Number of customers.
        terminals: Number of terminals.
        start: Day 0, the base of `tx_time_seconds`.
        seed: Seed of everything random.
        sparse_ids: Whether identifiers have 12 digits, instead of 0, 1, 2 and so on.
        price_level: Factor of all amounts, with which a small world holds as much money as a larger one.
        terminal_starts: Share of terminals that begin to be compromised on a day.
        customer_starts: Share of customers that begin to be compromised on a day.
        busiest_share: Share of all honest transactions that terminal 0 takes in addition to its own. It stands for a
            payment system then, and is never compromised.
        chains: Number of chains that the terminals belong to; 0 for raw files that name none.
        change: Change of behaviour, if any.
        defects: Shares of rows with defects.
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
    chains: int = 0
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
        if not 0 <= self.chains <= self.terminals:
            raise SettingsError(f"chains is {self.chains}, expected 0 to the {self.terminals} terminals")
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

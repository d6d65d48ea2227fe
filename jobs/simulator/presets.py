"""Worlds by name."""

from typing import Final

from jobs.simulator.config import DefectRates, WorldConfig

SMALL_DEFECTS: Final = DefectRates(1e-4, 1e-4, 1e-4, 1e-4, 1e-4, 1e-4)
"""Higher than in the default world, so that a hundred thousand rows hold every defect."""

PRESETS: Final = {
    "default": WorldConfig(customers=5_000, terminals=4_000),
    "small": WorldConfig(customers=1_000, terminals=800, price_level=2.5, defects=SMALL_DEFECTS),
}
"""About 10,000 and 2,000 transactions a day.

The default world gives the business limits a meaning: fraud worth about 2,000,000 RUB a month, of which the loss limit
lets a quarter pass. The small one is for tests and demonstrations; with prices 2.5 times as high the same limits still
say something (fraud worth about 1,000,000 RUB a month), but its months differ more from each other.
"""

"""Worlds by name."""

from typing import Final

from jobs.simulator.config import DefectRates, WorldConfig

SMALL_DEFECTS: Final = DefectRates(1e-4, 1e-4, 1e-4, 1e-4, 1e-4, 1e-4)
"""Higher than in the default world, so that a hundred thousand rows hold every defect."""

PRESETS: Final = {
    "default": WorldConfig(customers=5_000, terminals=4_000),
    "small": WorldConfig(customers=1_000, terminals=800, price_level=2.5, defects=SMALL_DEFECTS),
    "lake-shape": WorldConfig(
        customers=2_500, terminals=2_000, terminal_starts=0.001, customer_starts=0.0001, busiest_share=0.043
    ),
}
"""About 10,000, 2,000 and 5,000 transactions a day.

The default world gives the business limits a meaning: fraud worth about 2,000,000 RUB a month, of which the loss limit
lets a quarter pass. The small one is for tests and demonstrations; with prices 2.5 times as high the same limits still
say something (fraud worth about 1,000,000 RUB a month), but its months differ more from each other. The third has the
shape of the historical lake at a small size: most fraud is done at compromised terminals, and 4.3 % of all rows are
terminal 0.
"""

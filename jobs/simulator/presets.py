"""Named worlds."""

from typing import Final

from jobs.simulator.config import DefectRates, WorldConfig

SMALL_DEFECTS: Final = DefectRates(1e-4, 1e-4, 1e-4, 1e-4, 1e-4, 1e-4)
"""Higher rates than in the default world, so that a hundred thousand rows hold every defect."""

PRESETS: Final = {
    "default": WorldConfig(customers=5_000, terminals=4_000),
    "small": WorldConfig(customers=1_000, terminals=800, price_level=2.5, defects=SMALL_DEFECTS),
    "lake-shape": WorldConfig(
        customers=2_500, terminals=2_000, terminal_starts=0.001, customer_starts=0.0001, busiest_share=0.043
    ),
}
"""Worlds of about 10,000, 2,000 and 5,000 transactions a day.

In the default world the business limits have a meaning: fraud is about 2,000,000 RUB a month, and the loss limit is a
quarter of that. The small world is for tests and demonstrations. Its prices are 2.5 times as high, so that the same
limits still mean something (about 1,000,000 RUB a month), but its months differ more. `lake-shape` is shaped like the
historical lake, at a small size: most fraud happens at compromised terminals, and terminal 0 has 4.3 % of all rows.
"""

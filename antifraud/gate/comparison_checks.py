"""The assumption that a comparison with the champion is checked for."""

from typing import Final

from scipy import stats

from antifraud.gate.assumptions import Assumption, Promise
from antifraud.settings.assumptions import AssumptionName
from antifraud.stats.comparison import Comparison
from antifraud.stats.differences import SLOW_WAVES

ENOUGH_DAYS: Final = 28
"""So many paired days keep the promise with an autocorrelation of 0.8 (`bench/gate/concentrated.py`)."""
FALSE_ALARMS: Final = 0.025
"""Share of independent windows that the check warns about."""


def check_comparison(compared: Comparison | None) -> list[Assumption]:
    """Return the assumption of a comparison, as its paired days measure it; none without a comparison."""
    if compared is None:
        return []
    short = compared.days < ENOUGH_DAYS
    limit = float(stats.f.ppf(1 - FALSE_ALARMS, SLOW_WAVES, compared.days - 1))
    return [
        Assumption(
            name=AssumptionName.COMPARISON_DAYS,
            promise=Promise.COMPARISON,
            assumed=f"fewer than {ENOUGH_DAYS} paired days do not resemble the days before",
            measured=compared.slow_variance if short else None,
            limit=limit,
            words=(
                f"The slowest waves of {compared.days} paired days vary {compared.slow_variance:.1f} times as much as "
                "those of independent days would."
            ),
        )
    ]

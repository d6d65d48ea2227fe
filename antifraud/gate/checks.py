"""The assumptions that a window is checked for, one function for each promise."""

from antifraud.gate.assumptions import Assumption, Promise
from antifraud.gate.certify import Certify
from antifraud.settings.assumptions import AssumptionName
from antifraud.stats.steadiness import half_difference

TREND_LIMIT = 3.5
"""Standard errors."""


def check_rate(certify: Certify, threshold: int) -> list[Assumption]:
    """Return the assumptions of the false-positive rate's bound at a threshold."""
    table = certify.table
    rows, flagged = table.by_day(table.legit), table.by_day(table.legit * (table.score > threshold))
    known = rows > 0
    first, second, errors = half_difference(flagged[known], rows[known])
    return [
        Assumption(
            name=AssumptionName.RATE_TREND,
            promise=Promise.RATE,
            assumed="both halves of the window have one rate",
            measured=errors,
            limit=TREND_LIMIT,
            words=f"The first half has {first:.2%}, the second {second:.2%}: {errors:.1f} standard errors apart.",
        )
    ]

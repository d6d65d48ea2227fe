"""The promise of the kill-switch about a release, and the noise that it rests on."""

from typing import Final

from antifraud.gate.report import GateReport
from antifraud.killswitch.detectors.noise import Noise
from jobs.reporting.formats import number, plain, share

PROMISE: Final = (
    "The kill-switch suspends a service within its limits in at most 5 % of years. This is proved for independent "
    "rows, and simulated where terminals, weekdays and days differ."
)
EXCEPTIONS: Final = (
    "It is not kept for a rate that stays above its limit for weeks, nor for kinds of day that the certify window did "
    "not show: a single one above 16 %, or several in a row."
)


def promise(report: GateReport) -> list[str]:
    """Return the promise in sentences; none for a replay, which promotes nothing."""
    if report.is_replay:
        return []
    limit = report.limits.fpr_limit
    return [PROMISE, EXCEPTIONS, _measured(report.noise, limit) if report.noise else _assumed(limit)]


def _measured(noise: Noise, limit: float) -> str:
    return (
        f"On the certify window, a day of {number(noise.rows)} legitimate transactions varies at most "
        f"{plain(noise.inflation(noise.rows, limit))} times as much as independent ones: {plain(noise.within)} times "
        f"within the day, and days differ by {share(noise.day_variance**0.5)} at the limit of {share(limit)}."
    )


def _assumed(limit: float) -> str:
    noise = Noise.assumed(limit)
    return (
        "The certify window is too short, or flags too little, to measure how much days vary. The kill-switch assumes "
        f"that they differ by {share(noise.day_variance**0.5)} at the limit of {share(limit)}. It finds an excess "
        "later."
    )

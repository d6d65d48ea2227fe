"""The streams that the guard is tried on: the ones of its promise, our own, and some that break it."""

from dataclasses import replace
from typing import Final

from bench.switch.streams import Stream

RHYTHM: Final = (0.73, 0.80, 0.87, 0.93, 1.02, 1.23, 1.42)
"""From 3.3 to 6.4 % of a mean of 4.5 %."""
WEEKEND: Final = (1.2, 1.2, 1.2, 1.2, 1.2, 0.5, 0.5)
GIANTS: Final = (0.043, 0.03, 0.02)
AT_LIMIT: Final = (
    Stream("independent"),
    Stream("terminal-days", clustering=0.1),
    Stream("28-day terminals", compromised=0.02),
    Stream("lake-shaped", sizes_sd=0.8, clustering=0.05, compromised=0.03, compromised_rate=0.4),
    Stream("giants", giants=GIANTS, giant_rate=0.3, clustering=0.05),
    Stream("2,000 a day", rows=2_000, terminals=200, clustering=0.1),
    Stream("200,000 a day", rows=200_000, clustering=0.01, day_sd=0.02),
)
"""Streams at exactly the limit, as the promise names them."""
INSIDE: Final = (
    *(replace(stream, name=f"{stream.name}, 4.5 %", rate=0.045) for stream in AT_LIMIT),
    Stream("weekly rhythm", rate=0.045, rhythm=RHYTHM),
    Stream("days differ by 10 %", rate=0.045, day_sd=0.10),
    Stream("rhythm and days", rate=0.045, rhythm=RHYTHM, day_sd=0.10, clustering=0.1),
)
"""Streams within the limit."""
OWN: Final = (
    Stream("harsh 28-day terminals", compromised=0.05, compromised_rate=0.4),
    Stream("days differ by 3 %", day_sd=0.03),
    Stream("days differ by 10 %, at the limit", day_sd=0.10, clustering=0.1),
    Stream("heavy-tailed days", day_sd=0.05, day_tail=3),
    Stream("pay-days", odd_every=30, odd_rate=0.08),
    Stream("wild giant", giants=(0.10,), giant_spread=0.3),
    Stream("Zipf terminals", sizes_sd=1.8, clustering=0.1),
    Stream("chains", chains=20, chain_sd=0.5, clustering=0.05),
    Stream("quiet weekends", volume=WEEKEND, clustering=0.1),
    Stream("holidays", quiet_every=20, clustering=0.1),
    Stream("volume grows tenfold", growth=10.0, clustering=0.1),
    Stream("volume shrinks to a tenth", growth=0.1, clustering=0.1),
    Stream("rhythm at the limit", rhythm=RHYTHM, volume=WEEKEND, clustering=0.1),
    Stream("300 a day", rows=300, terminals=100, clustering=0.2),
    Stream("14-day bursts", compromised=0.03, compromised_days=14),
    Stream("wandering days, 5 %", day_sd=0.05, day_memory=0.8),
)
"""Streams of our own at exactly the limit."""
DECLARED: Final = (
    Stream("wandering days, 10 %", day_sd=0.10, day_memory=0.8),
    Stream("rare days at 20 %", odd_every=28, odd_rate=0.20),
)
"""Streams at exactly the limit that may break the promise, as the documents say."""
EVERY: Final = (*AT_LIMIT, *INSIDE, *OWN, *DECLARED)

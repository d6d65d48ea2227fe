"""What each numeric setting may be: outside its range a value means nothing, and the process ends before it begins."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `least` to `most`, both included if `ends`; `said` describes them in an error.

    Every range has two ends, so that neither infinity nor NaN lies in one.

    >>> 7 in Range(7, 9), float("nan") in Range(7, 9), str(Range(1, 1_000))
    (True, False, '1 to 1,000')
    """

    least: float
    most: float
    said: str = ""
    ends: bool = True

    def __contains__(self, value: float) -> bool:
        return self.least <= value <= self.most and (self.ends or value not in {self.least, self.most})

    def __str__(self) -> str:
        return self.said or f"{self.least:,} to {self.most:,}"


INNER_SHARE: Final = Range(0, 1, "a share between 0 and 1, such as 0.05 for 5 %", ends=False)
SHARE: Final = Range(0, 1, "a share from 0 to 1, such as 0.05 for 5 %")
MOST_DAYS: Final = 3_650
MOST_SECONDS: Final = 86_400
MOST_MINOR: Final = 10**15
CENTURY_SECONDS: Final = 3_155_760_000

RANGES: Final[Mapping[str, Range]] = {
    "clock_offset_seconds": Range(-CENTURY_SECONDS, CENTURY_SECONDS),
    "fpr_limit": INNER_SHARE,
    "s3_timeout_seconds": Range(1, MOST_SECONDS),
    "s3_attempts": Range(1, 100),
    "label_delay_days": Range(0, MOST_DAYS),
    "state_keep_days": Range(31, MOST_DAYS),  # so many rotating keys takes along (`jobs/rotate_keys.py`)
    "quarantine_limit": SHARE,
    "train_days": Range(1, MOST_DAYS),
    "select_days": Range(7, MOST_DAYS),  # beta is tuned on no fewer (`antifraud.stats.threshold.MIN_BLOCKS`)
    "certify_days": Range(14, MOST_DAYS),  # a loss is bounded from no fewer (`antifraud.stats.loss.MIN_DAYS`)
    "search_trials": Range(0, 10_000),
    "search_seconds": Range(0, MOST_SECONDS),
    "baseline_rows": Range(0, 10**9),
    "declared_transactions_a_month": Range(0, 10**12),
    "volume_error": SHARE,
    "declared_fraud_share": INNER_SHARE,
    "fraud_share_error": SHARE,
    "fpr_target": INNER_SHARE,
    "loss_limit_minor": Range(1, MOST_MINOR),
    "attainable_value_recall": INNER_SHARE,
    "alerts_a_day": Range(1, 10**9),  # with none allowed no release could pass
    "delta": INNER_SHARE,
    "delta_a_year": SHARE,
    "margin_loss_minor": Range(0, MOST_MINOR),
    "margin_fpr": SHARE,
    "seed": Range(0, 2**32 - 1),  # what scikit-learn takes
    "store_map_bytes": Range(1 << 18, 1 << 46),  # LMDB maps it; processors address 47 bits
    "poll_seconds": Range(0.001, MOST_SECONDS),
    "retry_after_seconds": Range(0, MOST_SECONDS),
    "max_body_bytes": Range(1 << 10, 1 << 30),  # a decision's request is below a kilobyte
    "interval_seconds": Range(0.001, MOST_SECONDS),
}
"""By the name of the field in `antifraud.settings.core`; a test demands an entry for every number there."""

"""The Handbook's protocol: a week is tested after 7 days of delay, and measured by four figures.

Source: Le Borgne et al. (2022), Reproducible Machine Learning for Credit Card Fraud Detection, ch. 3 (training and
test set) and ch. 4 (card precision top-k).
"""

import datetime as dt
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from antifraud.clock import ONE_DAY, Span
from bench.model.rows import Rows

TRAIN_DAYS: Final = 7
DELAY_DAYS: Final = 7
TEST_DAYS: Final = 7
CARDS: Final = 100
FPR: Final = 0.05
FIGURES: Final = ("auc", "ap", "cp100", "tpr5")

Doubles = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Week:
    """Seven test days from `first`, trained on labels that were known the day before."""

    first: dt.date

    @property
    def train(self) -> Span:
        """The seven newest days whose labels have matured."""
        last = self.first - dt.timedelta(days=DELAY_DAYS + 1)
        return Span(last - dt.timedelta(days=TRAIN_DAYS - 1), last)

    @property
    def days(self) -> list[dt.date]:
        """The test days."""
        return [self.first + dt.timedelta(days=n) for n in range(TEST_DAYS)]

    def test(self, rows: Rows) -> Mask:
        """Return which rows are tested: all of the test days, but for cards that are known to be compromised.

        A card is known on a day if it had a fraud since the first training day, and the label arrived before the day.
        """
        kept = np.zeros(rows.day.size, bool)
        for day in self.days:
            learnt = rows.between(self.train.first, day - dt.timedelta(days=DELAY_DAYS + 1))
            today = np.flatnonzero(rows.between(day, day))
            kept[today] = ~np.isin(rows.card[today], rows.card[rows.is_fraud & learnt])
        return kept

    def figures(self, rows: Rows, score: Doubles) -> dict[str, float]:
        """Return `FIGURES` on the rows that are tested, from scores of all rows, shape ``(n,)``."""
        test = self.test(rows)
        found = ranking(rows.is_fraud[test], score[test])
        return found | {"cp100": card_precision(rows.day[test], rows.card[test], rows.is_fraud[test], score[test])}


def last_weeks(rows: Rows, count: int, before: dt.date | None = None) -> list[Week]:
    """Return the last `count` whole weeks of the rows, or the last ones before a day, in time order."""
    end = before or rows.day.max().astype(dt.date) + ONE_DAY
    return [Week(end - dt.timedelta(days=TEST_DAYS * back)) for back in range(count, 0, -1)]


def ranking(fraud: Mask, score: Doubles) -> dict[str, float]:
    """Return the area under the ROC curve, average precision, and recall at a false-positive rate of 5 %."""
    fpr, tpr, _ = roc_curve(fraud, score)
    return {
        "auc": float(roc_auc_score(fraud, score)),
        "ap": float(average_precision_score(fraud, score)),
        "tpr5": float(tpr[np.searchsorted(fpr, FPR, side="right") - 1]),
    }


def card_precision(
    day: npt.NDArray[np.datetime64], card: npt.NDArray[np.int64], fraud: Mask, score: Doubles, top: int = CARDS
) -> float:
    """Return the card precision: defrauded cards among the `top` of highest score, over `top`, as a mean over days.

    A card's score is that of its highest transaction of the day. It is defrauded if any of these transactions is a
    fraud. A card that was found is left out of the days that follow.
    """
    precision, found = [], np.array([], dtype=np.int64)
    for date in np.unique(day):
        here = (day == date) & ~np.isin(card, found)
        cards, position = np.unique(card[here], return_inverse=True)
        highest, defrauded = np.full(cards.size, -np.inf), np.zeros(cards.size, bool)
        np.maximum.at(highest, position, score[here])
        np.logical_or.at(defrauded, position, fraud[here])
        checked = np.argsort(-highest, kind="stable")[:top]
        precision.append(defrauded[checked].sum() / top)
        found = np.union1d(found, cards[checked][defrauded[checked]])
    return float(np.mean(precision))

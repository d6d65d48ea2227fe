"""Ranking on raw files of another generator: the real path to features, then weekly training and the week after it.

    make bench-handbook DATA=folder

For each of the last four weeks a model is trained on what was known on the day before: every day from the eighth of the
data up to the newest whose labels have matured, of which the last seven choose the number of trees. The figures are
means over the weeks. Card precision at 100 follows Le Borgne et al. (2022), ch. 4: of the 100 cards with the highest
score of a day, the share that were defrauded that day; as there, rows of cards whose recent compromise is known are
left out of the test.
"""

import argparse
import datetime as dt
import gzip
import os
import subprocess
import sys
import tempfile
from collections import deque
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from antifraud.pseudonym import generate_keyring
from antifraud.settings import JobSettings
from bench.lake_rows import Rows, load_rows
from bench.record import record
from jobs.model.fitting import fit

WEEKS: Final = 4
WARM_UP_DAYS: Final = 7
SELECT_DAYS: Final = 7
CARDS: Final = 100
FPR: Final = 0.05
STAGES: Final = "ingest,totals,state,features"
COMMAND: Final = "make bench-handbook DATA=folder"
FIGURES: Final = ("auc", "ap", "cp100", "tpr5")


def build_features(data: Path, settings: JobSettings) -> None:
    """Run the data jobs on the files of `data`; days that are published already are skipped."""
    if not settings.keyring_path.exists():
        generate_keyring(settings.keyring_path)
    first, last = _range(data)
    command = [sys.executable, "-m", "jobs.day", "--from", first, "--to", last, "--stages", STAGES]
    places = {"ANTIFRAUD_HOME": str(settings.home), "ANTIFRAUD_RAW_DIR": str(data.resolve())}
    subprocess.run(command, env={**os.environ, **places}, check=True)


def week(rows: Rows, monday: dt.date, settings: JobSettings) -> dict[str, float]:
    """Train on what was known the day before `monday`, rank the seven days from it."""
    newest = monday - dt.timedelta(days=1 + settings.label_delay_days)
    chosen = newest - dt.timedelta(days=SELECT_DAYS - 1)
    start = rows.day.min().astype(dt.date) + dt.timedelta(days=WARM_UP_DAYS)
    train = rows.sample(start, chosen - dt.timedelta(days=1))
    model = fit(train, rows.sample(chosen, newest), settings.seed)
    days = [monday + dt.timedelta(days=n) for n in range(7)]
    unknown = [rows.between(day, day) & ~_known(rows, chosen, day, settings) for day in days]
    test = np.logical_or.reduce(unknown)
    margin = model.predict(rows.vectors[test], prediction_type="RawFormulaVal")
    return ranking(rows.is_fraud[test], margin) | {"cp100": card_precision(rows, test, margin)}


def _known(rows: Rows, first: dt.date, day: dt.date, settings: JobSettings) -> npt.NDArray[np.bool_]:
    """Rows of cards with a fraud since `first` whose label has arrived before `day`: such cards are blocked already."""
    last = day - dt.timedelta(days=1 + settings.label_delay_days)
    return np.isin(rows.card, rows.card[rows.is_fraud & rows.between(first, last)])


def ranking(fraud: npt.NDArray[np.bool_], margin: npt.NDArray[np.float64]) -> dict[str, float]:
    """Area under the ROC curve, average precision, recall at a false-positive rate of 5 %."""
    fpr, tpr, _ = roc_curve(fraud, margin)
    return {
        "auc": float(roc_auc_score(fraud, margin)),
        "ap": float(average_precision_score(fraud, margin)),
        "tpr5": float(tpr[np.searchsorted(fpr, FPR, side="right") - 1]),
    }


def card_precision(rows: Rows, test: npt.NDArray[np.bool_], margin: npt.NDArray[np.float64]) -> float:
    """Mean over days of the share of defrauded cards among the `CARDS` of highest score; a card found is blocked."""
    day, card, fraud = rows.day[test], rows.card[test], rows.is_fraud[test]
    found, blocked = [], np.array([], dtype=np.int64)
    for date in np.unique(day):
        here = (day == date) & ~np.isin(card, blocked)
        cards, where = np.unique(card[here], return_inverse=True)
        top, hit = np.full(cards.size, -np.inf), np.zeros(cards.size, bool)
        np.maximum.at(top, where, margin[here])
        np.logical_or.at(hit, where, fraud[here])
        first = np.argsort(-top, kind="stable")[:CARDS]
        found.append(hit[first].mean())
        blocked = np.union1d(blocked, cards[first][hit[first]])
    return float(np.mean(found))


def main(arguments: argparse.Namespace) -> None:
    """Measure and record."""
    with tempfile.TemporaryDirectory(prefix="handbook-") as scratch:
        settings = JobSettings(home=arguments.home or Path(scratch))
        build_features(arguments.data, settings)
        rows = load_rows(settings)
    last = rows.day.max().astype(dt.date)
    mondays = [last - dt.timedelta(days=7 * weeks - 1) for weeks in range(WEEKS, 0, -1)]
    weeks = [week(rows, monday, settings) for monday in mondays]
    for monday, figures in zip(mondays, weeks, strict=True):
        print(monday, {name: round(value, 4) for name, value in figures.items()})
    for name in FIGURES:
        values = [figures[name] for figures in weeks]
        record(f"model.handbook_{name}", float(np.mean(values)), "1", COMMAND, spread=(min(values), max(values)))


def _range(data: Path) -> tuple[str, str]:
    """First day, and the last that has rows: that of the last line of the last file."""
    files = sorted(data.glob("*.txt*"))
    opener = gzip.open if files[-1].suffix == ".gz" else open
    with opener(files[-1], "rt") as lines:
        (line,) = deque(lines, maxlen=1)
    return files[0].name[:10], line.split(",")[1][:10]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of raw files")
    parser.add_argument("--home", type=Path, help="keep the lake here and use it again")
    main(parser.parse_args())

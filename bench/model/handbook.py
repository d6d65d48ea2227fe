"""Measure ranking on raw files of another generator: the real path to features, then the Handbook's protocol.

    make bench-handbook DATA=folder

Three contestants are tested on each of the last six weeks:
- our model on 7 training days;
- the tutorial's features with XGBoost on the same 7 days, tuned on the weeks before these six;
- our model on every day from the eighth of the data to the newest with matured labels.

Nothing is chosen by the weeks that are measured.
"""

import argparse
import datetime as dt
import gzip
import os
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

import numpy as np

from antifraud.keys.pseudonym import generate_keyring
from antifraud.settings.core import JobSettings
from bench.model.protocol import FIGURES, Doubles, Week, last_weeks
from bench.model.rows import Rows, load_rows
from bench.model.tutorial import reference, tuned, tutorial_features
from bench.record import record
from jobs.rows.dataset import LEGIT_PER_FRAUD
from jobs.rows.sample import Sample
from jobs.training.fitting import PARAMETERS, THREADS

WEEKS: Final = 6
TUNING_WEEKS: Final = 3
WARM_UP_DAYS: Final = 7
FIXED: Final = replace(PARAMETERS, iterations=250, learning_rate=0.05)
"""No days are kept for early stopping, because the newest say most about who is compromised now (bench/IDEAS.md)."""
STAGES: Final = "ingest,totals,state,features"
COMMAND: Final = "make bench-handbook DATA=folder"

Contestant = Callable[[Week], Doubles]


def build_features(data: Path, settings: JobSettings) -> None:
    """Run the data jobs on the files of `data`; days that are published already are skipped."""
    if not settings.keyring_path.exists():
        generate_keyring(settings.keyring_path)
    first, last = _range(data)
    command = [sys.executable, "-m", "jobs.day", "--from", first, "--to", last, "--stages", STAGES]
    places = {"ANTIFRAUD_HOME": str(settings.home), "ANTIFRAUD_RAW_DIR": str(data.resolve())}
    subprocess.run(command, env={**os.environ, **places}, check=True)


def seven_days(rows: Rows, week: Week, seed: int) -> Doubles:
    """Return scores ``(n,)`` of our model trained on the week's seven training days; rows not tested get 0."""
    return _scores(rows.sample(week.train.first, week.train.last), rows, week, seed)


def all_history(rows: Rows, week: Week, seed: int) -> Doubles:
    """Return scores ``(n,)`` of our model trained on all that was known before the week; rows not tested get 0."""
    start = rows.day.min().astype(dt.date) + dt.timedelta(days=WARM_UP_DAYS)
    return _scores(thinned(rows.sample(start, week.train.last), seed), rows, week, seed)


def _scores(sample: Sample, rows: Rows, week: Week, seed: int) -> Doubles:
    from catboost import CatBoostClassifier

    fixed = {"random_seed": seed, "thread_count": THREADS, "verbose": 0, "allow_writing_files": False}
    model = CatBoostClassifier(**asdict(FIXED), **fixed).fit(sample.vectors, sample.is_fraud)
    test, score = week.test(rows), np.zeros(rows.day.size)
    score[test] = model.predict(rows.vectors[test], prediction_type="RawFormulaVal")
    return score


def thinned(sample: Sample, seed: int) -> Sample:
    """Keep all frauds and `LEGIT_PER_FRAUD` legitimate rows for each, as training does."""
    share = min(1.0, LEGIT_PER_FRAUD * sample.frauds / max(int((~sample.is_fraud).sum()), 1))
    kept = sample.is_fraud | (np.random.default_rng(seed).random(sample.is_fraud.size) < share)
    weight = np.where(sample.is_fraud[kept], 1.0, 1.0 / share)
    return Sample(sample.vectors[kept], sample.is_fraud[kept], sample.amount[kept], weight)


def measure(rows: Rows, seed: int) -> dict[str, list[dict[str, float]]]:
    """Return the figures of each contestant, week by week."""
    weeks = last_weeks(rows, WEEKS)
    features = tutorial_features(rows)
    parameters = tuned(rows, features, last_weeks(rows, TUNING_WEEKS, before=weeks[0].first))
    print("tuned XGBoost:", parameters)
    contestants: dict[str, Contestant] = {
        "7 days": lambda week: seven_days(rows, week, seed),
        "XGBoost": lambda week: reference(rows, features, week, parameters),
        "all history": lambda week: all_history(rows, week, seed),
    }
    found: dict[str, list[dict[str, float]]] = {name: [] for name in contestants}
    for week in weeks:
        for name, scores in contestants.items():
            found[name].append(week.figures(rows, scores(week)))
            print(
                week.first, f"{name:12}", {key: round(value, 4) for key, value in found[name][-1].items()}, flush=True
            )
    return found


def record_all(found: dict[str, list[dict[str, float]]]) -> None:
    """Record means over the weeks beside the reference's, and the paired gain in average precision."""
    values = {name: {key: np.array([each[key] for each in weeks]) for key in FIGURES} for name, weeks in found.items()}
    for key in FIGURES:
        beside = "; ".join(f"{name} {_described(values[name][key])}" for name in ("7 days", "XGBoost"))
        _record(f"model.handbook_{key}", values["all history"][key], beside)
    for name in FIGURES:
        _record(f"model.handbook7_{name}", values["7 days"][name], f"XGBoost {_described(values['XGBoost'][name])}")
    gain = values["7 days"]["ap"] - values["XGBoost"]["ap"]
    _record("model.handbook7_ap_over_xgb", gain, "tuned XGBoost on the tutorial's features, same weeks")


def _record(name: str, values: Doubles, beside: str) -> None:
    baseline = f"{WEEKS} weeks, sd {values.std(ddof=1):.4f}; {beside}"
    record(name, float(values.mean()), "1", COMMAND, baseline, (values.min(), values.max()))


def _described(values: Doubles) -> str:
    return f"{values.mean():.4f} ± {values.std(ddof=1):.4f}"


def main(arguments: argparse.Namespace) -> None:
    """Measure and record."""
    with tempfile.TemporaryDirectory(prefix="handbook-") as scratch:
        settings = JobSettings(home=arguments.home or Path(scratch))
        build_features(arguments.data, settings)
        rows = load_rows(settings)
    record_all(measure(rows, settings.seed))


def _range(data: Path) -> tuple[str, str]:
    """Return the first day, and the last one with rows, which is the day of the last line of the last file."""
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

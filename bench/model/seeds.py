"""Record the verdicts on six worlds, and the loss of the month after: model, amount rule, model without history.

    make bench-seeds
    python -m bench.model.seeds --preset lake-shape --seeds 7 11

Each world goes through the real path: raw files, data jobs, train, validate. The two baselines are judged by the same
gate on the same windows. The realised loss is the fraud that the frozen threshold misses in the 30 days after the day
of training, by the labels of the simulator. Ranking is measured on the certify window, which no model has seen.
"""

import argparse
import datetime as dt
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from antifraud.clock import ONE_DAY, Span
from antifraud.features.registry import FEATURE_NAMES
from antifraud.gate.judge import Certify, Judgement, judge
from antifraud.gate.limits import Limits
from antifraud.keys.pseudonym import generate_keyring
from antifraud.model.evaluator import read_evaluator, to_ppm
from antifraud.settings.core import JobSettings
from antifraud.stats.episodes import Frauds
from antifraud.stats.score_tables import MONTH_DAYS, ScoreTable, curve
from antifraud.stats.threshold import LegitBlocks
from bench.model.protocol import FIGURES, card_precision, ranking
from bench.model.rows import Rows, load_rows
from bench.record import record
from jobs.rows.sample import Sample
from jobs.rows.windows import Windows, windows_of
from jobs.training.candidate import candidate_path
from jobs.training.fitting import fit

SEEDS: Final = (7, 11, 23, 42, 101, 2026)
START: Final = dt.date(2026, 1, 1)
HISTORY_DAYS: Final = 135
"""Warm-up (30 days), the windows (28, 7 and 63) and the label delay (7)."""
LARGEST_PPM: Final = 1_000_000
NO_HISTORY: Final = ("amount", "hour", "is_weekend", "is_night")
RUB: Final = 100
FPR: Final = 0.05
DEFAULT: Final = "default"
RECORDED: Final = (
    ("world.loss_month_realised", "realised", "RUB"),
    ("model.value_recall_fpr5", "value_recall_fpr5", "1"),
    *((f"model.world_{figure}", figure, "1") for figure in FIGURES),
)
WANTED: Final = {"model": "PASS", "amount rule": "INFEASIBLE", "no history": "INFEASIBLE"}
"""Verdicts on the default preset; for other presets the limits have no such meaning."""
AS_OF: Final = START + dt.timedelta(days=HISTORY_DAYS - 1)
MONTH: Final = Span(AS_OF + ONE_DAY, AS_OF + dt.timedelta(days=MONTH_DAYS))

Scores = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class World:
    """One seed's rows and windows."""

    seed: int
    settings: JobSettings
    rows: Rows
    windows: Windows

    def table(self, span: Span, score: Scores) -> ScoreTable:
        """Return the score table of some days."""
        kept = self.rows.between(span.first, span.last)
        day = self.rows.day[kept].astype("datetime64[D]").astype(np.int32)
        return ScoreTable.from_rows(day, score[kept], self.rows.is_fraud[kept], self.rows.amount[kept])

    def judge(self, score: Scores) -> Judgement:
        """Return the gate's judgement of scores of all rows."""
        certify, rows = self.windows.certify, self.rows
        kept = rows.between(certify.first, certify.last)
        fraud, legit = kept & rows.is_fraud, kept & ~rows.is_fraud
        frauds = Frauds(
            score[fraud].astype(np.int64), rows.amount[fraud], rows.card[fraud], rows.terminal[fraud],
            len(certify.days), rows.day[fraud].astype("datetime64[D]").astype(np.int64),
        )  # fmt: skip
        blocks = [self.blocks(name, codes[legit], score[legit]) for name, codes in self.entities.items()]
        evidence = Certify(self.table(certify, score), frauds, blocks)
        return judge(self.table(self.windows.select, score), evidence, Limits(), seed=self.settings.seed)

    @property
    def entities(self) -> dict[str, npt.NDArray[np.int64]]:
        """Codes of the entities that form blocks, as the gate has them."""
        return {"terminals": self.rows.terminal, "customers": self.rows.card}

    @staticmethod
    def blocks(name: str, codes: npt.NDArray[np.int64], score: Scores) -> LegitBlocks:
        """Return blocks of legitimate rows, with an entry for each row."""
        return LegitBlocks(name, codes, score.astype(np.int64), np.ones(codes.size, np.int64))

    def realised(self, score: Scores, threshold: int) -> float:
        """Return the fraud missed in the month after the day of training, RUB."""
        missed = self.rows.between(MONTH.first, MONTH.last) & self.rows.is_fraud & (score <= threshold)
        return float(self.rows.amount[missed].sum()) / RUB


def model(world: World) -> Scores:
    """Score all rows with the candidate that the jobs made."""
    return read_evaluator(candidate_path(world.settings, AS_OF)).score(world.rows.vectors)


def amount_rule(world: World) -> Scores:
    """Take the amount itself as a score: any rule on the amount alone is one of its thresholds."""
    return np.minimum(world.rows.amount, LARGEST_PPM).astype(np.int32)


def without_history(world: World) -> Scores:
    """Score all rows with a model of the same kind that sees amount and time only."""
    columns = [FEATURE_NAMES.index(name) for name in NO_HISTORY]

    def sample(span: Span) -> Sample:
        whole = world.rows.sample(span.first, span.last)
        return Sample(whole.vectors[:, columns], whole.is_fraud, whole.amount, whole.weight)

    fitted = fit(sample(world.windows.train), sample(world.windows.select), world.settings.seed)
    return to_ppm(np.asarray(fitted.predict(world.rows.vectors[:, columns], prediction_type="RawFormulaVal")))


CONTESTANTS: Final[dict[str, Callable[[World], Scores]]] = {
    "model": model,
    "amount rule": amount_rule,
    "no history": without_history,
}


def build(seed: int, home: Path, preset: str) -> World:
    """Simulate a world and run the jobs on it; what is published already is kept."""
    settings = JobSettings(home=home, seed=seed)
    if not settings.keyring_path.exists():
        generate_keyring(settings.keyring_path)
        days = str(HISTORY_DAYS + MONTH_DAYS)
        _job("simulate", settings, "--out", str(settings.raw_path), "--preset", preset, "--days", days,
             "--start", str(START), "--seed", str(seed))  # fmt: skip
    stages = "ingest,totals,state,features"
    _job("day", settings, "--from", str(START), "--to", str(MONTH.last), "--stages", stages)
    _job("train", settings, "--as-of", str(AS_OF))
    _job("validate", settings, "--as-of", str(AS_OF))
    return World(seed, settings, load_rows(settings), windows_of(settings, AS_OF))


def _job(name: str, settings: JobSettings, *arguments: str) -> None:
    environment = {**os.environ, "ANTIFRAUD_HOME": str(settings.home), "ANTIFRAUD_SEED": str(settings.seed)}
    command, began = [sys.executable, "-m", f"jobs.{name}", *arguments], time.monotonic()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    print(f"{settings.seed:>6} {name} {time.monotonic() - began:.1f} s", flush=True)


def measure(world: World) -> dict[str, dict[str, Any]]:
    """Return the figures of every contestant on a world."""
    found = {}
    for name, scores in CONTESTANTS.items():
        score = scores(world)
        report = world.judge(score)
        trade_off = curve(world.table(world.windows.certify, score))
        kept = world.rows.between(world.windows.certify.first, world.windows.certify.last)
        day, card, fraud = world.rows.day[kept], world.rows.card[kept], world.rows.is_fraud[kept]
        found[name] = {
            "verdict": str(report.verdict),
            "fpr_bound": report.fpr_bound,
            "loss": report.loss.mean / RUB,
            "loss_bound": report.loss.bound / RUB,
            "realised": world.realised(score, report.threshold),
            "value_recall_fpr5": float(trade_off.value_recall[np.argmax(trade_off.fpr <= FPR)]),
            "cp100": card_precision(day, card, fraud, score[kept].astype(np.float64)),
            **ranking(fraud, score[kept].astype(np.float64)),
        }
    return found


def _row(seed: int, name: str, figures: dict[str, Any]) -> str:
    money = "".join(f"{figures[key]:>12,.0f}" for key in ("loss", "loss_bound", "realised"))
    shares = "".join(f"{figures[key]:8.4f}" for key in ("value_recall_fpr5", *FIGURES))
    return f"{seed:>6} {name:12} {figures['verdict']:11} {figures['fpr_bound']:8.2%}{money}{shares}"


def main(arguments: argparse.Namespace) -> int:
    """Measure every seed, print the table, record; 1 if a verdict is not what it must be."""
    results = {}
    for seed in arguments.seeds:
        with tempfile.TemporaryDirectory(prefix="seeds-") as scratch:
            home = Path(scratch) if arguments.home is None else arguments.home / f"{arguments.preset}-{seed}"
            results[seed] = measure(build(seed, home, arguments.preset))
        print(*(_row(seed, name, figures) for name, figures in results[seed].items()), sep="\n", flush=True)
    _record(results, arguments.preset)
    if arguments.preset != DEFAULT:
        return 0
    return int(any(found[name]["verdict"] != verdict for found in results.values() for name, verdict in WANTED.items()))


def _record(results: dict[int, dict[str, Any]], preset: str) -> None:
    command = "make bench-seeds" if preset == DEFAULT else f"python -m bench.model.seeds --preset {preset}"
    suffix = "" if preset == DEFAULT else f"_{preset.replace('-', '_')}"
    for name, key, unit in RECORDED:
        values = [found["model"][key] for found in results.values()]
        beside = (
            f"{len(values)} seeds; model without history {median(f['no history'][key] for f in results.values()):.4g}"
        )
        record(f"{name}{suffix}", float(median(values)), unit, command, beside, (min(values), max(values)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--preset", default=DEFAULT)
    parser.add_argument("--home", type=Path, help="keep the lakes here and use them again")
    sys.exit(main(parser.parse_args()))

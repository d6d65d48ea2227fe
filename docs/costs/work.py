"""Work out volumes: hours of clusters a night, and what is stored after some months."""

import json
import math
from pathlib import Path
from typing import Any, Final, NamedTuple

from docs.costs.inputs import MEASURED_TRAINING, shape_of, table

RESULTS: Final = Path(__file__).resolve().parents[2] / "bench" / "results.json"
SECONDS_A_DAY: Final = 86_400
SECONDS_AN_HOUR: Final = 3_600
DAYS_A_MONTH: Final = 30
CORES_OF_BENCHMARK: Final = 2
MILLION: Final = 1_000_000
GET_OR_PUT: Final = 10_000


class Night(NamedTuple):
    """Hours of the two clusters of a night.

    Attributes:
        lake: The run that ingests the day and makes its features.
        retrain: The run that trains and judges.
    """

    lake: float
    retrain: float

    @property
    def billed(self) -> int:
        """Return started hours, which Managed Service for Apache Spark bills."""
        return math.ceil(self.lake) + math.ceil(self.retrain)


def night_of(transactions_a_second: float, cluster: dict[str, Any]) -> Night:
    """Return how long the clusters of a night live, from measured core-seconds a million rows."""
    measured, assumed = table()["measured"], table()["assumed"]
    rows = transactions_a_second * SECONDS_A_DAY / MILLION
    names = ("ingest_core_seconds", "totals_core_seconds", "features_core_seconds")
    core_seconds = rows * sum(measured[name] for name in names) + measured["state_core_seconds"]
    cores = cluster["workers"] * shape_of(cluster["worker_preset"]).cores
    stages = measured["stages"] * measured["fixed_seconds"] + core_seconds / (measured["parallel_share"] * cores)
    create = assumed["create_minutes"] / 60
    training = training_minutes() * CORES_OF_BENCHMARK / shape_of(cluster["driver_preset"]).cores
    return Night(create + stages / SECONDS_AN_HOUR, create + (training + assumed["judging_minutes"]) / 60)


class History(NamedTuple):
    """Core-hours that load a history once.

    Attributes:
        rows: Ingest and totals.
        days: States and features, if every day gets them.
    """

    rows: float
    days: float


def history_core_hours(history_gb: float) -> History:
    """Return the work of loading a history, in which a raw file covers a month."""
    measured = table()["measured"]
    files = history_gb / measured["file_gb"]
    millions = files * measured["file_rows"] / MILLION
    rows = millions * (measured["ingest_core_seconds"] + measured["totals_core_seconds"])
    days = millions * measured["features_core_seconds"] + files * DAYS_A_MONTH * measured["state_core_seconds"]
    return History(rows / SECONDS_AN_HOUR, days / SECONDS_AN_HOUR)


def training_minutes() -> float:
    """Return the measured minutes of training on ten million rows."""
    figures = json.loads(RESULTS.read_text())
    return float(next(each["value"] for each in figures if each["name"] == MEASURED_TRAINING))


def stored_gb(transactions_a_second: float, history_gb: float, months: float) -> dict[str, float]:
    """Return what Object Storage holds at the end of a month, by kind."""
    measured, assumed = table()["measured"], table()["assumed"]
    files = transactions_a_second * SECONDS_A_DAY * DAYS_A_MONTH * months / measured["file_rows"]
    all_files = history_gb / measured["file_gb"] + files
    rows_a_day = transactions_a_second * SECONDS_A_DAY
    return {
        "raw files": all_files * measured["file_gb"],
        "clean rows and labels": all_files * measured["clean_gb_a_file"],
        "totals": all_files * measured["totals_gb_a_file"],
        "states": assumed["states_kept"] * measured["state_gb"],
        "features": assumed["feature_days_kept"] * rows_a_day / measured["features_rows"] * measured["features_gb"],
    }


def scorer_cores(transactions_a_second: float) -> float:
    """Return the cores that decisions need at the planned load."""
    return (
        transactions_a_second
        * table()["measured"]["decision_microseconds"]
        / MILLION
        / table()["assumed"]["scorer_load"]
    )

"""A small lake with made-up feature rows, so that training can be tested without the data jobs.

Its transaction ids restart every day, as those of some sources do, so a join must name the day, too.
"""

import dataclasses
import datetime as dt
import json

import numpy as np

from antifraud.clock import DAY_SECONDS, day_number
from antifraud.features.registry import FEATURE_NAMES
from antifraud.lake.schemas import CLEAN, FEATURES, LABELS

AS_OF = dt.date(2026, 3, 15)
FIRST = dt.date(2026, 2, 1)
DAYS = 36
ROWS = 400
DELAY = 7


def shape(settings):
    """Return settings with windows that fit: train 2026-02-02..14, select ..22, certify 2026-02-23..03-08."""
    windows = {"train_days": 13, "select_days": 8, "certify_days": 14, "label_delay_days": DELAY}
    return dataclasses.replace(settings, **windows, search_trials=1, baseline_rows=1_000)


def fill(session, seed=1, chains=0):
    """Write transactions, features and labels of `DAYS` days from `FIRST`. Every hundredth row has no label.

    With `chains`, terminals belong to so many, and legitimate rows of the first one often look like fraud.
    """
    columns = [f"{c.name} {c.type}" for c in FEATURES.columns]
    days = [FIRST + dt.timedelta(days=n) for n in range(DAYS)]
    rows = [row for n, day in enumerate(days) for row in _day(day, np.random.default_rng([seed, n]), chains)]
    session.createDataFrame([row for row, _ in rows], ", ".join(columns)).writeTo(
        name("features")
    ).overwritePartitions()
    clean = [(*row[:6], row[-1]) for row, _ in rows]
    types = ", ".join(f"{c.name} {c.type}" for c in CLEAN.columns)
    session.createDataFrame(clean, types).writeTo(name("clean")).overwritePartitions()
    said = [_label(row, fraud) for row, fraud in rows if row[1] % 100]
    types = ", ".join(f"{c.name} {c.type}" for c in LABELS.columns)
    session.createDataFrame(said, types).writeTo(name("labels")).overwritePartitions()
    runs = [(t.name, day, f"{seed}", 0, ROWS, counts_of(t), None) for t in (FEATURES, LABELS, CLEAN) for day in days]
    # Spark 3.5 refuses rows without an optional column, which 4.1 fills with null.
    schema = "`table` string, day date, inputs string, snapshot_id bigint, rows bigint, counts string, sequence bigint"
    session.createDataFrame(runs, schema).writeTo(name("runs")).append()


def counts_of(table):
    """Return what a run of this version of the table counts."""
    return json.dumps({"version": table.version})


def name(table):
    return f"lake.antifraud.{table}"


def _day(day, generator, chains):
    """Yield the rows of a day. The fifth feature separates frauds well, and the others do not at all."""
    vectors = generator.normal(size=(ROWS, len(FEATURE_NAMES)))
    fraud = generator.random(ROWS) < 0.05
    vectors[:, 4] += 6 * fraud
    if chains:
        vectors[:, 4] += 6 * ((np.arange(ROWS) % 41 % chains == 0) & (generator.random(ROWS) < 0.2))
    vectors[generator.random(vectors.shape) < 0.05] = np.nan
    amounts = generator.integers(10_000, 200_000, ROWS)
    for index in range(ROWS):
        keys = (day, index, day_number(day) * DAY_SECONDS + index, f"k1.c{index % 37}", f"k1.t{index % 41}")
        vector = [None if np.isnan(value) else float(value) for value in vectors[index]]
        yield (
            (*keys, int(amounts[index]), *vector, f"k1.g{index % 41 % chains}" if chains else None),
            bool(fraud[index]),
        )


def _label(row, fraud):
    learned = (day_number(row[0]) + DELAY) * DAY_SECONDS
    return (row[0], row[1], "fraud" if fraud else "legitimate", learned, "feed", row[1], 0)

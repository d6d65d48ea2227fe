"""Retrain on days that were served, by the jobs of every night, and tell what became of the fraud that was blocked.

Policies:
- `all`: the feed knows the truth about blocked payments, which no feed does.
- `forgotten`: it does not, and no decision was shipped, so that its word is taken for a label.
- `repaired`: it does not, a control share was let through, and the decisions were shipped.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from pyspark.sql import SparkSession

from antifraud.model.evaluator import read_evaluator
from antifraud.settings.core import JobSettings
from bench.model.served_world import AS_OF, Payments, draw_payments, fill, shape, ship
from jobs.judging.validate import validate
from jobs.publishing.tables import create_tables
from jobs.rows.inputs import Inputs
from jobs.rows.windows import windows_of
from jobs.spark.session import lake_configuration, start_session
from jobs.training.candidate import Candidate
from jobs.training.train import train

ROWS: Final = 600
"""Payments a day."""
NEW_ROWS: Final = 100_000
CONTROL_SHARE: Final = 0.25
REAL_POLICIES: Final = ("all", "forgotten", "repaired")


class Retrained(NamedTuple):
    """A retrained model at the gate's threshold, on new payments.

    `blocked_recall` is the share of the kind of fraud that the earlier model blocked. `fpr_error` is the rate that the
    gate has found minus the true one, `bound_holds` 1 if the gate's bound is not below the truth.
    """

    blocked_recall: float
    fpr_error: float
    bound_holds: float


def retrain(spark: SparkSession, policy: str, seed: int) -> Retrained:
    """Train and validate in a lake of its own under a policy."""
    with tempfile.TemporaryDirectory(prefix="served-") as home:
        settings = shape(JobSettings(home=Path(home)))
        session = _open_lake(spark, settings)
        share = CONTROL_SHARE if policy == "repaired" else 0.0
        fill(session, ROWS, share, seed, hidden=policy != "all")
        if policy == "repaired":
            ship(session, ROWS, share, seed)
        candidate = train(session, settings, AS_OF)
        inputs = Inputs.of(settings, windows_of(settings, AS_OF).spans, AS_OF)
        report = validate(session, settings, candidate, inputs)
        payments = draw_payments(NEW_ROWS, 0.0, np.random.default_rng([seed, NEW_ROWS]))
        rate, recall = (flagged_share(candidate, payments, report.threshold, kind) for kind in (0, 2))
        return Retrained(recall, report.fpr - rate, float(report.fpr_bound >= rate))


def flagged_share(candidate: Candidate, payments: Payments, threshold: int, kind: int) -> float:
    """Return the share of a kind of payments that a candidate flags."""
    score = read_evaluator(candidate.path).score(payments.vectors.astype(np.float32))
    return float((score[payments.kind == kind] > threshold).mean())


def _open_lake(spark: SparkSession, settings: JobSettings) -> SparkSession:
    session = spark.newSession()
    # Few partitions, because the lakes are small; a new session does not have those of the first one.
    for key, value in (lake_configuration(settings) | {"spark.sql.shuffle.partitions": "2"}).items():
        session.conf.set(key, value)
    create_tables(session, settings)
    return session


@contextmanager
def small_session() -> Iterator[SparkSession]:
    """Yield a session for small lakes."""
    with tempfile.TemporaryDirectory(prefix="served-") as home:
        spark = start_session("bench", JobSettings(home=Path(home)))
        try:
            yield spark
        finally:
            spark.stop()


def repeat_retraining(repetitions: int) -> dict[str, list[Retrained]]:
    """Return the figures of every policy, all in the same worlds, one world a repetition."""
    with small_session() as spark:
        return {policy: [retrain(spark, policy, seed) for seed in range(repetitions)] for policy in REAL_POLICIES}

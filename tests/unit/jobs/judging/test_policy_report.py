"""Figures of a replay from its tallies, and the batches that the tallies come from."""

import numpy as np
import pyarrow as pa
import pytest

from antifraud.features.registry import FEATURE_NAMES
from antifraud.policy.reading import read_policy
from antifraud.policy.replayed import RuleFigures
from jobs.judging import policy_rows
from jobs.judging.policy_report import figures_of, rule_figures
from jobs.judging.policy_rows import FIELDS, WHOLE, Tally, decide_batches

POLICY = b"""
version = 1
about = "a test"
control = {share = 0.5, amount_at_most = 500}
amount = [{id = "cap", above = 1_000, effect = "review"}]
velocity = [{id = "pace", entity = "customer", measure = "count", window = "1d", above = 5, effect = "flag"}]
"""


class Halves:
    """Scores the rows in turns: 0 and 900,000."""

    def __init__(self, *_):
        pass

    def score(self, vectors):
        """0 for the first row, 900,000 for the second, and so on."""
        return np.arange(len(vectors)) % 2 * 900_000


def test_rows_are_decided_by_each_policy_and_counted(monkeypatch):
    """The first way is the model alone; of the policy's, each hit of a rule is counted as well."""
    monkeypatch.setattr(policy_rows, "Evaluator", Halves)
    monkeypatch.setattr(policy_rows.Calibration, "from_json", lambda text: text)
    rows = 4
    columns = {
        "day": [1] * rows,
        "transaction_id": [1, 2, 3, 4],
        "customer": ["c"] * rows,
        "terminal": ["t"] * rows,
        "amount_minor": [2_000, 2_000, 600, 600],
        "status": ["fraud", "legitimate", "unknown", "fraud"],
        "customer_1d_tx_count": [0, 0, 5, 5],
    }
    vectors = {name: pa.array(np.zeros(rows, np.float32)) for name in FEATURE_NAMES}
    batch = pa.RecordBatch.from_pydict({**{name: pa.array(values) for name, values in columns.items()}, **vectors})

    decide = decide_batches((b"", "{}"), 500_000, [None, POLICY], ["customer_1d_tx_count"])
    (found,) = decide([batch])

    assert set(columns) == {*FIELDS, "customer_1d_tx_count"}
    assert {Tally(*row.values()) for row in found.to_pylist()} == {
        Tally(0, WHOLE, "approve", False, "fraud", 1, 2_000),
        Tally(0, WHOLE, "flag", False, "legitimate", 1, 2_000),
        Tally(0, WHOLE, "approve", False, "unknown", 1, 600),
        Tally(0, WHOLE, "flag", False, "fraud", 1, 600),
        Tally(1, WHOLE, "review", False, "fraud", 1, 2_000),
        Tally(1, WHOLE, "flag", False, "legitimate", 1, 2_000),
        Tally(1, WHOLE, "flag", False, "unknown", 1, 600),
        Tally(1, WHOLE, "flag", False, "fraud", 1, 600),
        Tally(1, 0, "", False, "fraud", 1, 2_000),
        Tally(1, 0, "", False, "legitimate", 1, 2_000),
        Tally(1, 1, "", False, "unknown", 1, 600),
        Tally(1, 1, "", False, "fraud", 1, 600),
    }


@pytest.fixture
def tallies():
    return [
        Tally(1, WHOLE, "approve", False, "legitimate", 90, 9_000),
        Tally(1, WHOLE, "flag", False, "legitimate", 6, 600),
        Tally(1, WHOLE, "approve", True, "fraud", 1, 50),
        Tally(1, WHOLE, "approve", False, "fraud", 2, 300),
        Tally(1, WHOLE, "review", False, "fraud", 1, 700),
        Tally(1, WHOLE, "flag", False, "fraud", 3, 999),
        Tally(1, WHOLE, "flag", False, "unknown", 4, 1),
        Tally(1, 1, "", False, "fraud", 3, 999),
        Tally(1, 1, "", False, "unknown", 4, 1),
    ]


def test_figures_are_sums_of_tallies(tallies):
    """Payments without a label count as volume and as alerts, and in no rate."""
    found = figures_of(tallies, days=2)

    assert (found.payments, found.flags, found.reviews, found.let_through) == (107, 13, 1, 1)
    assert (found.legitimate, found.legitimate_flags, found.fraud, found.fraud_flags) == (96, 6, 7, 3)
    assert (found.missed, found.reviewed, found.alerts_a_day) == (350, 700, 7.0)


def test_every_rule_has_figures(tallies):
    """A rule that nothing hits has zeros."""
    assert rule_figures(read_policy(POLICY, "policy.toml"), tallies) == (
        RuleFigures("cap", 0, 0, 0),
        RuleFigures("pace", 7, 0, 3),
    )

"""Replay from the lake gives the figures of logged vectors of the same rows, and of the rollback's judge."""

import dataclasses
import datetime as dt
import shutil

import numpy as np
import pytest

from antifraud.artifacts.decision_log import STATUS, About, DecisionLog, LogWriter
from antifraud.clock import DAY_SECONDS, Span, day_number
from antifraud.commands import main as commands
from antifraud.errors import MissingDay, ReleaseError
from antifraud.features.registry import feature_set_hash
from antifraud.gate.limits import Limits
from antifraud.gate.report import read_report
from antifraud.lake.catalog import open_catalog, read_days
from antifraud.lake.schemas import FEATURES, LABELS
from antifraud.model.evaluator import load_evaluator
from antifraud.model.explain import Explainer
from jobs import replay as job
from jobs.judging import rollback
from jobs.judging.logged import answer_from_log
from jobs.judging.promote import promote
from jobs.judging.replaying import answer_from_lake, question, replay_report
from jobs.reporting.words import without_promotion
from jobs.rows.vectors import vectors_of
from jobs.rows.windows import Windows
from tests.release_keys import put_keys
from tests.spark.model_lake import AS_OF, DELAY, ROWS

NEWEST = dt.date(2026, 3, 8)
DAYS = Span(dt.date(2026, 2, 16), dt.date(2026, 3, 1))


@pytest.fixture(scope="module")
def released(judged, tmp_path_factory):
    """Return session, settings and release id of the small lake, with its candidate promoted in a home of its own."""
    session, shared, candidate, _ = judged
    lake = {"catalog_uri": shared.lake_catalog_uri, "warehouse": shared.lake_warehouse}
    settings = dataclasses.replace(shared, home=tmp_path_factory.mktemp("released"), **lake)
    put_keys(settings.home)
    shutil.copytree(candidate.path, settings.under_home("candidates", str(AS_OF)))
    promote(settings, AS_OF)
    return session, settings, candidate.id


@pytest.fixture(scope="module")
def asked(released):
    _, settings, release = released
    return question(settings, release, DAYS)


@pytest.fixture(scope="module")
def answer(released, asked):
    session, settings, _ = released
    return answer_from_lake(session, settings, asked, Limits())


def as_log(settings, bundle, path):
    """Write the lake's rows of the days as a log, as if the release had decided them one by one."""
    catalog = open_catalog(settings)
    rows = read_days(catalog, FEATURES, DAYS.first, DAYS.last).sort_by(
        [("day", "ascending"), ("transaction_id", "ascending")]
    )
    said = read_days(catalog, LABELS, DAYS.first, DAYS.last)
    vectors = vectors_of(rows)
    names = ("event_time", "customer", "terminal")
    whole = {name: rows[name].combine_chunks() for name in names}
    codes = {
        name: whole[name].dictionary_encode().indices.to_numpy().astype(np.int64) for name in ("customer", "terminal")
    }
    decided = {
        "transaction_id": _api_ids(rows),
        "event_time": whole["event_time"].to_numpy(),
        **codes,
        "amount": rows["amount_minor"].to_numpy(),
        "release": np.zeros(rows.num_rows, np.int32),
        "score": load_evaluator(bundle).score(vectors),
        "threshold": np.zeros(rows.num_rows, np.int32),
        "flagged": np.zeros(rows.num_rows, bool),
        "history_complete": np.ones(rows.num_rows, bool),
        "said": np.zeros(rows.num_rows, np.int8),
        "propensity": np.ones(rows.num_rows),
        "policy": np.zeros(rows.num_rows, np.int64),
        "vector": vectors.astype(np.float64),  # as the scorer logs them
    }
    labels = {
        "label_transaction_id": _api_ids(said),
        "label_status": np.array([STATUS.index(status) for status in said["status"].to_pylist()], np.int8),
        "label_learned_at": said["learned_at"].to_numpy(),
        "label_source": np.zeros(said.num_rows, np.int32),
    }
    known = day_number(AS_OF) * DAY_SECONDS
    sizes = vectors.shape[1], rows.num_rows, said.num_rows
    about = About(str(DAYS.first), str(DAYS.last), known, feature_set_hash(), *sizes, [bundle.release], ["feed"])
    with LogWriter(path) as writer:
        writer.write(decided)
        writer.write(labels)
        writer.finish(about)
    return DecisionLog(path)


def _api_ids(rows):
    """Return the scorer's ids: those of the small lake restart every day."""
    days, numbers = rows["day"].to_pylist(), rows["transaction_id"].to_pylist()
    return np.array([f"{day}:{number}" for day, number in zip(days, numbers, strict=True)], np.bytes_)


def test_lake_and_logged_vectors_give_the_same_evidence(released, asked, answer, tmp_path):
    """Spark's reduction and NumPy's agree on score table, frauds and unknown rows, and so do the two reports."""
    _, settings, _ = released
    logged = answer_from_log(as_log(settings, asked.bundle, tmp_path / "log.npz"), asked)
    assert logged.certify.table.columns() == answer.certify.table.columns()
    assert logged.unknown == answer.unknown == len(DAYS.days) * ROWS // 100
    for name in ("score", "amount"):
        assert getattr(logged.certify.frauds, name).tolist() == getattr(answer.certify.frauds, name).tolist()
    one, two = (replay_report(asked, found, settings, Limits()) for found in (logged, answer))
    for name in ("verdict", "fpr", "fpr_bounds", "recall", "value_recall", "alerts_a_day"):
        here, there = getattr(one, name), getattr(two, name)
        assert here == pytest.approx(there) if name != "verdict" else here == there
    assert one.curve == two.curve


def test_the_report_has_the_gates_form(released, asked, answer):
    """The report judges the release's own threshold and says which of its days were used in training."""
    _, settings, release = released
    report = replay_report(asked, answer, settings, Limits())
    assert (report.threshold, report.candidate) == (asked.bundle.manifest["threshold"], release)
    assert report.as_of == NEWEST
    assert report.seen_in_training == tuple(dt.date(2026, 2, day) for day in range(16, 23))
    assert report.reasons[0].startswith("7 of the 14 days, 2026-02-16 to 2026-02-22, were used to train")


def test_a_lower_threshold_is_judged_exactly(released, answer):
    """A replay at 0 ppm counts every row above 0, because blocks are not folded at the release's own threshold."""
    session, settings, release = released
    zero = question(settings, release, DAYS, threshold=0)
    report = replay_report(zero, answer_from_lake(session, settings, zero, Limits()), settings, Limits())
    flagged = answer.certify.table.legit[answer.certify.table.score > 0].sum()
    assert report.false_positives == flagged
    assert report.threshold == 0


def test_the_rollbacks_judge_is_a_replay(released, asked, answer, monkeypatch):
    """A release judged today gets the report that a replay of the same days gives.

    A release of other features is refused.
    """
    session, settings, _ = released
    windows = Windows.from_dict(asked.bundle.manifest["windows"])
    early = dataclasses.replace(windows, select=Span(windows.train.first, dt.date(2026, 2, 10))).to_dict()
    bundle = dataclasses.replace(asked.bundle, manifest={**asked.bundle.manifest, "windows": early})
    monkeypatch.setattr(rollback, "start_session", lambda *_: Kept(session))
    judgement = rollback.judge_today(settings, bundle, Limits())
    replayed = replay_report(dataclasses.replace(asked, bundle=bundle), answer, settings, Limits())
    assert NEWEST - dt.timedelta(days=DELAY) == DAYS.last
    expected = without_promotion(judgement).by_name()  # a replay promotes nothing
    assert expected == {name: getattr(replayed, name) for name in expected}

    older = dataclasses.replace(bundle, manifest={**bundle.manifest, "feature_set": "0123"})
    with pytest.raises(ReleaseError, match="needs feature set 0123"):
        rollback.judge_today(settings, older, Limits())


class Kept:
    """The tests' session, which a job must not stop."""

    def __init__(self, session):
        self._session = session

    def __getattr__(self, name):
        return getattr(self._session, name)

    def stop(self):
        """Leave the session running for the other tests."""


def test_the_job_reads_the_lake(released, asked, answer, monkeypatch, capsys):
    """The job's main function writes the same report as the functions it calls."""
    session, settings, release = released
    monkeypatch.setattr(job, "start_session", lambda *_: Kept(session))
    line = f"--release {release} --from {DAYS.first} --to {DAYS.last}"
    job.main(settings, job.parser().parse_args(line.split()))
    folder = settings.under_home("reports", "replay", job.report_name(asked, "lake"))
    assert read_report(folder / "report.json") == replay_report(asked, answer, settings, Limits())
    assert f"release {release} at threshold" in capsys.readouterr().out


def test_days_that_are_not_there_are_refused(released, asked):
    """A replay is refused if features are missing, the lake ends too early, or labels have not matured."""
    session, settings, release = released
    before = Span(dt.date(2026, 1, 31), DAYS.last)
    with pytest.raises(MissingDay, match="features of this version has no 2026-01-31"):
        answer_from_lake(session, settings, question(settings, release, before), Limits())
    later = question(settings, release, dataclasses.replace(DAYS, last=dt.date(2026, 3, 2)))
    with pytest.raises(MissingDay, match="the lake ends on 2026-03-08, so it lacks what is known on 2026-03-09"):
        answer_from_lake(session, settings, later, Limits())
    with pytest.raises(MissingDay, match="as of 2026-03-07 the newest are of 2026-02-28"):
        question(settings, release, DAYS, as_of=dt.date(2026, 3, 7))
    unlabelled = dataclasses.replace(asked, as_of=dt.date(2026, 3, 7))
    with pytest.raises(MissingDay, match="no transaction has a label on 2026-03-01"):
        answer_from_lake(session, settings, unlabelled, Limits())


def test_the_command_starts_the_job(released, capfd):
    """`antifraud replay` passes its arguments to a process and ends with that process's exit code and error."""
    _, settings, _ = released
    line = f"replay --release nothing --from {DAYS.first} --to {DAYS.last}"
    with pytest.raises(SystemExit) as ended:
        commands.main(line.split(), {"ANTIFRAUD_HOME": str(settings.home)})
    assert ended.value.code == ReleaseError.exit_code
    assert "error: there is no release nothing" in capfd.readouterr().err


def test_a_trained_release_can_be_explained(released, asked):
    """The exported trees of a trained release give the scores of the model that serves."""
    _, settings, _ = released
    rows = read_days(open_catalog(settings), FEATURES, DAYS.last, DAYS.last)
    explainer, vectors = Explainer.of(asked.bundle), vectors_of(rows)[:20]
    expected = load_evaluator(asked.bundle).score(vectors)
    for vector, score in zip(vectors, expected, strict=True):
        found = explainer.explain(vector)
        assert 1e6 / (1 + np.exp(-found.log_odds)) == pytest.approx(score, abs=2)
    assert day_number(DAYS.last) == day_number(rows["day"][0].as_py())

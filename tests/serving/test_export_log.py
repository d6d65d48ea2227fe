"""Decisions leave a real store as codes and numbers, and a replay of them gives the scores that were logged."""

import dataclasses
import datetime as dt
import errno
import json
import stat
import zipfile

import numpy as np
import pytest

from antifraud.artifacts.decision_log import DecisionLog, LogWriter
from antifraud.clock import DAY_SECONDS, Span, date_of
from antifraud.commands.main import main as command
from antifraud.errors import DataError, MissingDay, ReleaseError, SchemaError, SettingsError
from antifraud.features.registry import FEATURE_NAMES
from antifraud.gate.limits import Limits
from antifraud.keys.pseudonym import tokenise
from antifraud.settings.core import JobSettings
from antifraud.settings.serving import ScorerSettings
from jobs.judging.logged import answer_from_log
from jobs.judging.replaying import question, replay_report
from jobs.replay import describe, parser
from jobs.replay import main as replay
from serving.export_log import export, main
from serving.store.port import Wanted
from serving.store.records import Context, Decision, Entry, NewDecision, Place
from serving.store.store import open_store
from tests.serving.conftest import furnish
from tests.serving.scene import CUSTOMER, DAY, KEY, NOON, TERMINAL, Scorer, export_state, make_release, promote

DAYS = 14
ROWS = 24
FIRST, LAST = date_of(DAY - DAYS + 1), date_of(DAY)
AS_OF = LAST + dt.timedelta(days=7)
EXPORTED = (DAY + 8) * DAY_SECONDS
"""The first second after `AS_OF`."""
WINDOWS = {name: {"first": "2024-01-01", "last": "2024-02-01"} for name in ("train", "select", "certify")}


def sent():
    """Fourteen days of transactions, the last three rows of a day large ones, which the model calls frauds."""
    generator = np.random.default_rng(4)
    for number in range(DAYS * ROWS):
        day, row = divmod(number, ROWS)
        amount = int(generator.integers(25_000, 40_000) if row >= ROWS - 3 else generator.integers(1_000, 21_000))
        yield {
            "transaction_id": 5_000 - number,
            "event_time": NOON + (day - DAYS + 1) * DAY_SECONDS + row * 60,
            "customer": tokenise(KEY, "customer", 10**11 + number % 7),
            "terminal": tokenise(KEY, "terminal", 10**11 + row),
            "amount": amount,
        }


def labels(now):
    """Labels with large amounts as frauds; row 1 of a day has none, row 2 is a fraud until its label is corrected."""
    for transaction in sent():
        row, learned = (5_000 - transaction["transaction_id"]) % ROWS, transaction["event_time"] + 6 * DAY_SECONDS
        said = {"transaction_id": transaction["transaction_id"], "learned_at": learned}
        if row == 2:
            yield {**said, "status": "legitimate", "learned_at": min(learned + DAY_SECONDS, now)}
        if row != 1:
            yield {**said, "status": "fraud" if row == 2 or transaction["amount"] > 24_000 else "legitimate"}


@pytest.fixture(scope="module")
def served(tmp_path_factory, two_releases):
    """A home whose scorer decided `sent`, half under ``first`` and half under ``second``, and learnt `labels`."""
    home = furnish(tmp_path_factory.mktemp("served"), two_releases)
    for release in ("first", "second"):
        golden = np.full((1, len(FEATURE_NAMES)), 100.0)
        make_release(
            home / "releases", two_releases.parent / "candidates" / release, golden, f"{release}-r", windows=WINDOWS
        )
    export_state(home / "state", DAY - DAYS, {}, sequence=2)
    scorer = Scorer(home)
    for number, transaction in enumerate(sent()):
        if number in {0, DAYS * ROWS // 2}:
            promote(home, "first-r" if number == 0 else "second-r")
            scorer.poller.poll()
        scorer.clock.time = transaction["event_time"]
        assert scorer.post("/v1/decisions", transaction).status_code == 200
    scorer.clock.time = NOON + 7 * DAY_SECONDS + 11 * 3_600
    sent_labels = list(labels(scorer.clock.time))
    assert scorer.post("/v1/labels", {"labels": sent_labels}).status_code == 200
    answers = {str(t["transaction_id"]): scorer.get(f"/v1/decisions/{t['transaction_id']}").get_json() for t in sent()}
    scorer.close()
    return home, answers


@pytest.fixture(scope="module")
def log(served):
    """The exported file."""
    path = served[0] / "decisions.npz"
    arguments = ["--from", str(FIRST), "--to", str(LAST), "--out", str(path)]
    assert main(arguments, {"ANTIFRAUD_HOME": str(served[0])}) == 0
    return path


def settings(served):
    return JobSettings(home=served[0])


def asked(served, release, **changes):
    given = {"span": Span(FIRST, LAST), "as_of": AS_OF, **changes}
    return question(settings(served), release, given.pop("span"), **given)


def test_the_file_holds_what_was_answered(served, log):
    """Every decision has the score, threshold, release and flag of the answer to its client, and its own vector."""
    _, answers = served
    opened = DecisionLog(log)
    (piece,) = opened.decisions()
    assert (opened.about.decisions, opened.about.labels) == (DAYS * ROWS, DAYS * ROWS)
    ids = [each.decode() for each in piece["transaction_id"].tolist()]
    assert ids == sorted(answers)
    for row, number in enumerate(ids):
        answer = answers[number]
        assert (piece["score"][row], piece["threshold"][row]) == (answer["score"], answer["threshold"])
        assert opened.about.releases[piece["release"][row]] == answer["release"]
        assert piece["flagged"][row] == (answer["decision"] == "flag")
        assert piece["vector"][row][0] == piece["amount"][row] / 100
    assert {answer["release"] for answer in answers.values()} == {"first-r", "second-r"}


def test_the_file_marks_incomplete_histories(scorer, tmp_path):
    """The decision about an event of a covered day is marked, the other one is not."""
    for number, time in enumerate((NOON, NOON - DAY_SECONDS)):
        assert scorer.decide(transaction_id=number, event_time=time).status_code == 200
    export(scorer.store, LAST - dt.timedelta(days=1), LAST, tmp_path / "late.npz", now=EXPORTED)
    (piece,) = DecisionLog(tmp_path / "late.npz").decisions()
    assert piece["history_complete"].tolist() == [True, False]


def test_a_replay_says_how_many_histories_are_incomplete(served, log, tmp_path):
    """Every fourteenth decision is marked: the report names their number, and judges the volume of all."""
    late = rewritten(log, tmp_path / "late.npz", history_complete=lambda _: np.arange(DAYS * ROWS) % DAYS > 0)
    trained = asked(served, "first-r")
    answer = answer_from_log(late, trained)
    report = replay_report(trained, answer, settings(served), Limits())
    assert report.reasons[0] == (
        "24 decisions about late events, with an incomplete history, count as volume and in no rate."
    )
    assert describe(report, answer)[0].endswith(f"{answer.unknown} rows without one are left out of the rates)")
    assert (answer.incomplete, report.observed_transactions_a_month) == (ROWS, 30 * ROWS)


def test_no_token_leaves_the_store(log):
    """No member of the unpacked file holds a token; customers and terminals are small integers."""
    tokens = {transaction[name].encode() for transaction in sent() for name in ("customer", "terminal")}
    with zipfile.ZipFile(log) as archive:
        content = b"".join(archive.read(name) for name in archive.namelist())
    assert not [token for token in tokens if token in content or token.decode().encode("utf-32-le") in content]
    (piece,) = DecisionLog(log).decisions()
    assert sorted(set(piece["customer"].tolist())) == list(range(7))
    assert sorted(set(piece["terminal"].tolist())) == list(range(ROWS))


def test_the_file_is_private_and_never_overwritten(served, log):
    """The file has mode 0600; a second export to its name ends with exit code 20 and leaves nothing behind."""
    before = log.read_bytes()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    arguments = ["--from", str(FIRST), "--to", str(LAST), "--out", str(log)]
    assert main(arguments, {"ANTIFRAUD_HOME": str(served[0])}) == 20
    assert log.read_bytes() == before
    assert [path.name for path in log.parent.glob(".decisions*")] == []


def test_a_full_disk_ends_in_one_line(served, tmp_path, monkeypatch, capsys):
    """An export that cannot be written leaves no file behind and ends with exit code 20."""

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("antifraud.artifacts.decision_log.os.fsync", full)
    arguments = ["--from", str(FIRST), "--to", str(LAST), "--out", str(tmp_path / "full.npz")]
    assert main(arguments, {"ANTIFRAUD_HOME": str(served[0])}) == 20
    assert "full.npz cannot be written (No space left on device)" in capsys.readouterr().err
    assert main([*arguments[:-1], str(tmp_path / "no" / "folder.npz")], {"ANTIFRAUD_HOME": str(served[0])}) == 20
    assert list(tmp_path.iterdir()) == []


def test_small_pieces_hold_the_same_rows(served, log, tmp_path, monkeypatch):
    """Written a hundred rows at a time, the file has four pieces and the same content."""
    monkeypatch.setattr("serving.export_log.ROWS_A_PIECE", 100)
    store = open_store(ScorerSettings(home=served[0]))
    export(store, FIRST, LAST, tmp_path / "small.npz", now=EXPORTED)
    store.close()
    (whole,), small = DecisionLog(log).decisions(), list(DecisionLog(tmp_path / "small.npz").decisions())
    assert [len(piece["score"]) for piece in small] == [100, 100, 100, 36]
    for name, values in whole.items():
        assert np.concatenate([piece[name] for piece in small]).tobytes() == values.tobytes()
    for release in ("first-r", "second-r"):
        one, two = (
            answer_from_log(DecisionLog(path), asked(served, release)) for path in (log, tmp_path / "small.npz")
        )
        assert one.certify.table.columns() == two.certify.table.columns()


@pytest.mark.parametrize("release", ["first-r", "second-r"])
def test_a_replay_gives_the_logged_scores(served, log, release):
    """The replay reproduces the logged scores of the release's own decisions and counts the latest labels."""
    _, answers = served
    answer = answer_from_log(DecisionLog(log), asked(served, release))
    columns = answer.certify.table.columns()
    own = [
        answered["score"]
        for number, answered in answers.items()
        if answered["release"] == release and (5_000 - int(number)) % ROWS != 1
    ]
    replayed = np.repeat(columns["score"], np.add(columns["legit"], columns["fraud"])).tolist()
    assert len(own) == DAYS * (ROWS - 1) // 2
    assert not [score for score in set(own) if replayed.count(score) < own.count(score)]
    frauds = [t["amount"] for t in sent() if t["amount"] > 24_000]
    assert sorted(answer.certify.frauds.amount.tolist()) == sorted(frauds)
    assert (answer.unknown, answer.certify.table.transactions) == (DAYS, DAYS * (ROWS - 1))
    assert answer.certify.blocks[0].legit.sum() == DAYS * (ROWS - 1) - len(frauds)


def test_a_correction_counts_from_its_day_on(served, log):
    """A day before the corrections of the last day arrive, its row 2 is still a fraud."""
    day_before = Span(FIRST, LAST - dt.timedelta(days=1))
    earlier = answer_from_log(
        DecisionLog(log), asked(served, "first-r", span=day_before, as_of=AS_OF - dt.timedelta(days=1))
    )
    on_time = answer_from_log(DecisionLog(log), asked(served, "first-r", span=day_before))
    assert earlier.certify.frauds.amount.size == on_time.certify.frauds.amount.size == 3 * (DAYS - 1)
    unasked = dataclasses.replace(asked(served, "first-r"), as_of=AS_OF - dt.timedelta(days=1))
    assert answer_from_log(DecisionLog(log), unasked).certify.frauds.amount.size == 3 * DAYS + 1


def test_the_job_reports_like_the_gate(served, log, capsys):
    """The job writes a report and prints a summary; a lower threshold flags more, and the report names it."""
    shown = {}
    for threshold in (500_000, 0):
        line = f"--release second-r --from {FIRST} --to {LAST} --threshold {threshold} --decisions {log}"
        replay(settings(served), parser().parse_args(line.split()))
        name = f"second-r-at-{threshold}-on-{FIRST}..{LAST}-as-of-{AS_OF}-logged-decisions"
        folder = served[0] / "reports" / "replay" / name
        shown[threshold] = json.loads((folder / "report.json").read_text())
        out = capsys.readouterr().out
        assert out.startswith(f"release second-r at threshold {threshold:,} on {FIRST} to {LAST} (logged decisions, ")
        assert f"{DAYS} rows without one are left out" in out
        assert f"{DAYS} rows without one are left out of the rates)" in out
        assert (shown[threshold]["unknown"], shown[threshold]["observed_transactions_a_month"]) == (DAYS, 30 * ROWS)
        assert f'<header class="{shown[threshold]["verdict"]}">' in (folder / "report.html").read_text()
    assert shown[0]["fpr"] > shown[500_000]["fpr"]
    assert shown[500_000]["fpr"] * shown[500_000]["legitimate"] == shown[500_000]["false_positives"]
    assert shown[0]["seen_in_training"] == []


def test_days_of_training_are_marked(served, log):
    """The first reason in the report says that a release was replayed on days that it was trained on."""
    trained = asked(served, "first-r")
    manifest = {**trained.bundle.manifest, "windows": {**WINDOWS, "train": {"first": str(FIRST), "last": str(FIRST)}}}
    manifest["windows"]["select"] = {"first": str(FIRST), "last": str(FIRST + dt.timedelta(days=1))}
    trained = dataclasses.replace(trained, bundle=dataclasses.replace(trained.bundle, manifest=manifest))
    report = replay_report(trained, answer_from_log(DecisionLog(log), trained), settings(served), Limits())
    assert report.reasons[0].startswith(f"2 of the {DAYS} days, {FIRST} to {FIRST + dt.timedelta(days=1)}, were used")


def test_a_logged_transaction_is_explained(served, log, capsys):
    """An id is explained with the score of the answer to its client; an unknown id is refused with the days."""
    home, answers = served
    number, answered = max(answers.items(), key=lambda item: item[1]["score"])
    line = ["explain", "--release", answered["release"], "--from-log", str(log), "--transaction"]
    assert command([*line, str(number)], {"ANTIFRAUD_HOME": str(home)}) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"release {answered['release']}: score {answered['score']:,} of 1,000,000, above")
    assert lines[2].startswith("  amount: ")
    assert command([*line, "77"], {"ANTIFRAUD_HOME": str(home)}) == 24
    assert f"holds no such transaction; it covers {FIRST} to {LAST}" in capsys.readouterr().err


def rewritten(log, path, **changes):
    """A copy of an export with changed columns; ``about`` changes its description."""
    source = DecisionLog(log)
    about = dataclasses.replace(source.about, **changes.pop("about", {}))
    with LogWriter(path) as writer:
        for piece in source.decisions():
            writer.write({name: changes.get(name, lambda values: values)(values) for name, values in piece.items()})
        writer.write(source.labels())
        writer.finish(about)
    return DecisionLog(path)


def test_scores_that_are_not_reproduced_stop_the_replay(served, log, tmp_path):
    """One logged score that differs by one ppm means that this is not the evaluator that served."""

    def off_by_one(score):
        return score + (np.arange(score.size) == score.size - 1).astype(np.int32)

    with pytest.raises(DataError, match="scores 1 of 168 of its own decisions differently here, by up to 1 ppm"):
        answer_from_log(rewritten(log, tmp_path / "odd.npz", score=off_by_one), asked(served, "first-r"))


def test_vectors_of_another_feature_set_are_refused(served, log, tmp_path):
    """The message names both sets."""
    other = rewritten(log, tmp_path / "other.npz", about={"feature_set": "0123"})
    with pytest.raises(ReleaseError, match="are of feature set 0123"):
        answer_from_log(other, asked(served, "first-r"))


def test_days_outside_the_export_are_refused(served, log):
    """An export of fewer days than asked for is not a replay of them."""
    more = Span(FIRST - dt.timedelta(days=1), LAST)
    with pytest.raises(MissingDay, match=f"covers {FIRST} to {LAST}"):
        answer_from_log(DecisionLog(log), asked(served, "first-r", span=more))


def test_an_export_from_before_the_day_of_knowledge_is_refused(served, log, tmp_path):
    """A second before the end of the day, labels may still be on their way; a second later all are in."""
    early = rewritten(log, tmp_path / "early.npz", about={"exported_at": EXPORTED - 1})
    with pytest.raises(MissingDay, match=f"made on {AS_OF}, before {AS_OF} had ended"):
        answer_from_log(early, asked(served, "first-r"))
    late = rewritten(log, tmp_path / "late.npz", about={"exported_at": EXPORTED})
    assert answer_from_log(late, asked(served, "first-r")).unknown == DAYS


def test_days_without_a_label_are_refused(served, log, tmp_path):
    """Days without a label are named, not skipped."""
    early = rewritten(log, tmp_path / "early.npz", event_time=lambda t: t - (t // DAY_SECONDS == DAY) * DAY_SECONDS)
    with pytest.raises(MissingDay, match=f"no transaction has a label on {LAST}: leave"):
        answer_from_log(early, asked(served, "first-r"))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"as_of": LAST}, MissingDay, "the newest are of .*: end the replay there"),
        ({"threshold": 1_000_001}, SettingsError, "is not a risk"),
        ({"span": Span(LAST, FIRST)}, SettingsError, "before they begin"),
    ],
)
def test_a_question_without_an_answer_is_refused(served, changes, error, message):
    """Labels that have not matured, a threshold that is no risk, and days in the wrong order are refused."""
    with pytest.raises(error, match=message):
        asked(served, "first-r", **changes)


def test_an_unknown_release_is_refused(served):
    """The message says how to find the ids."""
    with pytest.raises(ReleaseError, match=r"no release third: .* release list"):
        asked(served, "third")


def test_what_is_not_an_export_is_refused(log, tmp_path):
    """A missing file, other bytes, another archive, another format and a cut file are refused."""
    bytes_, archive, cut = tmp_path / "bytes.npz", tmp_path / "archive.npz", tmp_path / "cut.npz"
    bytes_.write_bytes(b"customer,terminal\n")
    np.savez(archive, score=np.zeros(3))
    cut.write_bytes(log.read_bytes()[:-500])
    for path in (tmp_path / "absent.npz", bytes_, archive, cut):
        with pytest.raises(SchemaError, match=r"is not an export of decisions \("):
            DecisionLog(path)
    with pytest.raises(SchemaError, match="has format 1, this code reads 4"):
        rewritten(log, tmp_path / "new.npz", about={"format": 1})


def test_days_without_decisions_are_not_exported(served, tmp_path, capsys):
    """Without decisions the exit code is 20, without a store 80; no file is made."""
    days = ["--from", "2001-01-01", "--to", "2001-01-02"]
    assert main([*days, "--out", str(tmp_path / "none.npz")], {"ANTIFRAUD_HOME": str(served[0])}) == 20
    assert "holds no decision about 2001-01-01" in capsys.readouterr().err
    assert main([*days, "--out", str(tmp_path / "none.npz")], {"ANTIFRAUD_HOME": str(tmp_path)}) == 80
    assert "there is no decision store" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_vectors_of_other_lengths_are_not_mixed(scorer, tmp_path):
    """A decision from before a change of the feature set stops the export and names its release."""
    seen = scorer.store.look_up(wanted := Wanted(Place("", "1"), CUSTOMER, TERMINAL, range(0)))
    context = Context("first", 500_000, "SERVING", 0, DAY - 1)
    decision = Decision(context, 7, NOON, NOON, TERMINAL, 100, bytes(16), counted=True, history_complete=True)
    entry = Entry(*wanted.place, CUSTOMER, bytes(16))
    assert scorer.store.commit_decision(wanted, seen, NewDecision(decision, entry, None, None)) == 1
    with pytest.raises(DataError, match="of release first has 2 features"):
        export(scorer.store, LAST, LAST, tmp_path / "short.npz", now=EXPORTED)
    assert list(tmp_path.glob("*short*")) == []


def test_a_flipped_byte_is_found(log, tmp_path):
    """Every member has a checksum: damage in the middle of the vectors is an error, not another score."""
    content, path = bytearray(log.read_bytes()), tmp_path / "flipped.npz"
    with zipfile.ZipFile(log) as archive:
        vectors = archive.getinfo("vector.000000.npy")
    content[vectors.header_offset + vectors.compress_size // 2] ^= 255
    path.write_bytes(bytes(content))
    with pytest.raises(SchemaError, match="the export is damaged"):
        list(DecisionLog(path).decisions())

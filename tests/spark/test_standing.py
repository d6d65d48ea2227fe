"""The standing judgement on a small lake: it is the replay's, costs one new day, and survives kills and damage."""

import datetime as dt
import shutil

import pytest

from antifraud.artifacts.bundle import open_release, write_bundle
from antifraud.artifacts.judgement import judgement_folder, read_judgement, stand
from antifraud.clock import DAY_SECONDS, day_number
from antifraud.errors import CatalogError, DataError, MissingDay
from antifraud.gate.blocked import BandDay
from antifraud.killswitch.judgement import Role, Standing
from antifraud.lake.catalog import full_name, open_catalog
from antifraud.lake.judged_table import JUDGED_SCORES
from antifraud.lake.schemas import FEATURES, LABELS, RUNS
from antifraud.lake.shipped_tables import DECISIONS
from jobs import judge as job
from jobs.judging import standing
from jobs.judging.blocked_rows import bands_of, judged_status, with_flags
from jobs.judging.kept_scores import find_kept, keep_scores, require_scored
from jobs.judging.limits import limits_of
from jobs.judging.replaying import Question, answer_from_lake
from jobs.judging.standing import Moment, judge_standing
from jobs.publish_judgement import main as publish
from jobs.publishing.tables import create_tables
from jobs.rows.inputs import Inputs
from tests.circles import for_proofs
from tests.release_keys import SIGNING
from tests.spark.standing_lake import DAYS, NEWEST, OLD, make_world


@pytest.fixture(scope="module")
def world(judged, open_lake, tmp_path_factory):
    """Return session, settings and the champion's id; the lake is this module's own, because tests change it."""
    return make_world(judged, open_lake, tmp_path_factory.mktemp("standing"))


@pytest.fixture(scope="module")
def found(world):
    """Return the judgement of the newest day, and its reports."""
    session, settings, _ = world
    return judge_standing(session, settings, Moment(NEWEST))


def test_what_serves_and_the_ladder_are_judged(world, found):
    """The champion has no day after its own window, and the old release is judged on 14 days."""
    _, _, champion = world
    judgement = found.judgement
    newest, old = judgement.releases
    assert (newest.release, newest.role, newest.passes) == (champion, Role.CHAMPION, False)
    assert newest.reason == (
        "Only 0 matured days lie after its certify window, which ended on 2026-03-08; 14 are needed, which is so after "
        "2026-03-29."
    )
    assert (old.release, old.role, old.trained) == (OLD, Role.LADDER, dt.date(2026, 2, 22))
    assert (old.long.first, old.long.last, old.long.days) == (DAYS.first, DAYS.last, 14)
    assert old.long.warning == "The bound takes days as blocks, because 14 days are fewer than 4 weeks."
    assert (judgement.made_at, judgement.as_of_day) == (day_number(dt.date(2026, 3, 9)) * DAY_SECONDS, NEWEST)
    assert judgement.terms.delta == limits_of(world[1]).delta
    assert set(found.reports) == {OLD}


def test_the_kept_scores_give_the_evidence_of_a_replay(world, found):
    """A replay of the same days gives the same rate, loss and rows as the long test."""
    session, settings, _ = world
    asked = Question(open_release(settings, OLD), DAYS, NEWEST)
    replayed = answer_from_lake(session, settings, asked, limits_of(settings)).certify
    report, old = found.reports[OLD], found.judgement.releases[1]
    assert report.legitimate == old.long.rows == replayed.table.legit.sum()
    flagged = replayed.table.legit[replayed.table.score > asked.threshold].sum()
    assert report.false_positives == flagged
    assert old.long.fpr_bound == report.fpr_bound
    assert old.long.missed_minor == pytest.approx(report.loss.bound)
    assert report.reasons[0].startswith(f"Long test, {old.long.verdict.replace('_', ' ')}: 2026-02-16 to 2026-03-01")
    assert old.onset.rows >= 5_000


def test_a_repeated_night_scores_nothing_and_finds_the_same(world, found):
    """The second run reads the scores of the first, and its judgement has the same bytes."""
    session, settings, _ = world
    wanted = {OLD: (open_release(settings, OLD), DAYS)}
    assert keep_scores(session, settings, wanted) == 0
    again = judge_standing(session, settings, Moment(NEWEST))
    assert again.judgement.to_bytes() == found.judgement.to_bytes()


@pytest.mark.usefixtures("found")
def test_only_a_day_that_was_published_again_is_scored_again(world):
    """New inputs of one day's features make its kept scores stale, and those of the other 13 days stay."""
    session, settings, _ = world
    day = dt.date(2026, 2, 20)
    rows = [row.asDict() for row in session.table(full_name(RUNS)).collect()]
    again = next(row for row in rows if (row["table"], row["day"]) == (FEATURES.name, day))
    again["inputs"] = "other"
    schema = ", ".join(f"`{column.name}` {column.type}" for column in RUNS.columns)
    session.createDataFrame(rows, schema).coalesce(1).writeTo(full_name(RUNS)).overwritePartitions()
    before = find_kept(open_catalog(settings))
    assert keep_scores(session, settings, {OLD: (open_release(settings, OLD), DAYS)}) == 1
    after = find_kept(open_catalog(settings))
    assert {key[1] for key in before ^ after} == {day}
    assert len(after) == len(before) == 14
    counted = session.table(full_name(JUDGED_SCORES)).groupBy("release").count().collect()
    assert [tuple(row) for row in counted] == [(OLD, 14 * 400)]


def test_a_label_that_comes_later_needs_no_new_score(world, found):
    """A legitimate payment that becomes fraud changes the rows of the test, and nothing is scored for it."""
    session, settings, _ = world
    said = session.table(full_name(LABELS)).where("day = '2026-02-25' AND status = 'legitimate'").first()
    later = {**said.asDict(), "status": "fraud", "learned_at": said["learned_at"] + 60}
    types = ", ".join(f"{column.name} {column.type}" for column in LABELS.columns)
    rows = [tuple(later[column.name] for column in LABELS.columns)]
    session.createDataFrame(rows, types).writeTo(full_name(LABELS)).append()
    kept = session.table(full_name(JUDGED_SCORES)).inputFiles()
    again = judge_standing(session, settings, Moment(NEWEST)).judgement.releases[1]
    assert session.table(full_name(JUDGED_SCORES)).inputFiles() == kept
    assert again.long.rows == found.judgement.releases[1].long.rows - 1


def test_a_damaged_bundle_keeps_no_other_release_from_being_judged(world, found):
    """The damaged one is on the list with its reason, and it takes no part of the delta."""
    session, settings, _ = world
    bundle = open_release(settings, OLD)
    other = "2026-02-20-0b0b0b0b"
    write_bundle(settings.releases_dir, other, bundle.files, bundle.manifest, SIGNING)
    (settings.releases_dir / other / "model.onnx").write_bytes(b"cut")
    try:
        judgement = judge_standing(session, settings, Moment(NEWEST)).judgement
    finally:
        shutil.rmtree(settings.releases_dir / other)
    damaged = next(each for each in judgement.releases if each.release == other)
    assert (damaged.passes, damaged.trained, damaged.long.verdict) == (False, None, Standing.NOT_JUDGEABLE)
    assert damaged.reason.startswith("Its bundle does not verify (model.onnx of bundle 2026-02-20-0b0b0b0b has SHA-256")
    sound = next(each for each in judgement.releases if each.release == OLD)
    assert (sound.passes, sound.long.days) == (True, 14)
    assert judgement.terms.delta == found.judgement.terms.delta


def test_an_onset_limits_the_days_of_the_onset_test(world):
    """Four days since the onset have too few rows here; an onset after the matured days has none."""
    session, settings, _ = world
    late = judge_standing(session, settings, Moment(NEWEST, onset=dt.date(2026, 2, 26))).judgement.releases[1]
    assert (late.onset.verdict, late.onset.first, late.onset.days) == (Standing.NOT_JUDGEABLE, dt.date(2026, 2, 26), 4)
    none = judge_standing(session, settings, Moment(NEWEST, onset=dt.date(2026, 3, 5))).judgement.releases[1]
    assert none.onset.sentence == (
        "No day since the estimated onset on 2026-03-05 has matured labels yet: they end with 2026-03-01."
    )


def test_a_lake_that_lacks_the_day_ends_the_job(world):
    """A judgement of a day that the lake does not know would be one of yesterday's knowledge."""
    session, settings, _ = world
    with pytest.raises(MissingDay, match="the lake ends on 2026-03-08"):
        judge_standing(session, settings, Moment(dt.date(2026, 3, 9)))


def test_a_lake_that_does_not_answer_leaves_the_old_judgement(world, found, monkeypatch):
    """The job ends with the lake's error, and the guard goes on reading the judgement of the night before."""
    session, settings, _ = world
    stand(settings.releases_dir, found.judgement)

    def away(_):
        raise CatalogError("the catalog did not answer")

    monkeypatch.setattr(standing, "newest_day", away)
    with pytest.raises(CatalogError):
        judge_standing(session, settings, Moment(NEWEST))
    assert read_judgement(settings.releases_dir).judgement == found.judgement


@pytest.mark.parametrize("step", ["keep_scores", *for_proofs("replay_report", "judge_onset")])
def test_a_kill_at_any_step_of_judging_is_made_up_for(world, monkeypatch, step):
    """The next run goes on, and its judgement and its file are those of a run that nobody has killed."""
    session, settings, _ = world
    real = getattr(standing, step)

    def die(*arguments, **options):
        real(*arguments, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(standing, step, die)
        with pytest.raises(KeyboardInterrupt):
            judge_standing(session, settings, Moment(NEWEST))
    asked = job.parser().parse_args(["--as-of", str(NEWEST)])
    job.main(session, settings, asked)
    publish(settings, asked)
    standing_now = read_judgement(settings.releases_dir).judgement
    assert standing_now == judge_standing(session, settings, Moment(NEWEST)).judgement
    assert (judgement_folder(settings, NEWEST, None) / OLD / "report.html").exists()


SHIPPED = ", ".join(f"{column.name} {column.type}" for column in DECISIONS.columns)


def _decision(number, *, flagged, would_flag, namespace="", propensity=0.0):
    fields = dict.fromkeys(column.name for column in DECISIONS.columns)
    about = {"day": DAYS.first, "transaction_id": str(number), "namespace": namespace, "arrival": number, "store": "s"}
    said = {"flagged": flagged, "would_flag": would_flag, "propensity": propensity if would_flag or flagged else 1.0}
    return tuple({**fields, **about, **said}.values())


def test_blocked_payments_count_by_what_the_release_does_with_them(world):
    """A blocked one without a label is legitimate if it is flagged, and hidden if it is passed.

    One of a control share was let through, so its label tells the share of its band. Another namespace is not the
    lake's. A payment that rules alone block is blocked again, whatever the release says.
    """
    session, settings, _ = world
    create_tables(session, settings)
    shipped = [
        _decision(1, flagged=True, would_flag=True),
        _decision(2, flagged=True, would_flag=True),
        _decision(3, flagged=False, would_flag=True, propensity=0.02),
        _decision(4, flagged=False, would_flag=False),
        _decision(5, flagged=True, would_flag=True, namespace="shop"),
        _decision(6, flagged=True, would_flag=True),
        _decision(7, flagged=True, would_flag=False),
    ]
    columns = "day date, transaction_id bigint, amount_minor bigint, status string, score int"
    rows = [
        (DAYS.first, number, 100 * number, status, score)
        for number, status, score in [
            (1, "unknown", 900_000), (2, "unknown", 40_000), (3, "fraud", 35_000), (4, "unknown", 40_000),
            (5, "unknown", 40_000), (6, "legitimate", 45_000), (7, "unknown", 900_000),
        ]
    ]  # fmt: skip
    before = Inputs.of(settings, {"certify": DAYS}, NEWEST)
    session.createDataFrame(shipped, SHIPPED).writeTo(full_name(DECISIONS)).append()
    after = Inputs.of(settings, {"certify": DAYS}, NEWEST)
    asked = session.createDataFrame(rows, columns)
    assert bands_of(with_flags(session, asked, before), 50_000) == []
    results = with_flags(session, asked, after)
    day = day_number(DAYS.first)
    assert bands_of(results, 50_000) == [
        BandDay(day, band=4, passed=1, amount=200, labelled=2, frauds=1),
        BandDay(day, band=6, passed=0, amount=0, labelled=0, frauds=0),
    ]
    judged = results.withColumn("status", judged_status(50_000)).orderBy("transaction_id").collect()
    assert [row["status"] for row in judged] == [
        "legitimate", "unknown", "fraud", "unknown", "unknown", "legitimate", "unknown",
    ]  # fmt: skip


def test_rows_that_were_published_after_the_scoring_are_refused(spark):
    """A row without a score would be missing from the evidence without a word."""
    rows = spark.createDataFrame([(1, 5), (2, None)], "transaction_id bigint, score int")
    with pytest.raises(DataError, match="1 rows have no score, because their days were published again meanwhile"):
        require_scored(rows)
    require_scored(rows.where("score = 5"))

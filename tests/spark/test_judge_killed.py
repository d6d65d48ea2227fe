"""The job `judge` as a process of its own, killed before and after everything that others can see of it."""

import dataclasses
import shutil

import pytest

from antifraud.artifacts.judgement import (
    JUDGEMENT,
    judgement_folder,
    read_any_judgement,
    read_judgement,
    write_judgement,
)
from antifraud.clock import DAY_SECONDS
from antifraud.lake.catalog import full_name, open_catalog
from antifraud.lake.judged_table import JUDGED_SCORES
from jobs import judge as job
from jobs.judging.kept_scores import find_kept
from jobs.publish_judgement import main as publish
from tests.killing import run_killed, steps_of
from tests.spark.standing_lake import DAYS, NEWEST, OLD, make_world

pytestmark = [pytest.mark.prove, pytest.mark.timeout(900)]
WORDS = ("--as-of", str(NEWEST))
SEEN = ["overwrite", *["rename"] * 4]
"""The commit of the scores, both pages of the release, the page of all, and the judgement."""
STEPS = [f"{moment} {name}" for name in SEEN for moment in ("before", "after")]
SCORED, WRITTEN = 2, len(STEPS)
"""The steps after which the scores are kept, and the judgement is whole."""


@pytest.fixture(scope="module")
def world(judged, open_lake, tmp_path_factory):
    """Return session and settings of a lake of this module's own."""
    session, settings, _ = make_world(judged, open_lake, tmp_path_factory.mktemp("killed"))
    return session, settings


@pytest.fixture(scope="module")
def undisturbed(world):
    """Return the files of a run that nobody has killed, and its judgement."""
    judge_and_publish(*world)
    return files_of(world[1]), read_judgement(world[1].releases_dir).judgement


def judge_and_publish(session, settings):
    asked = job.parser().parse_args(WORDS)
    job.main(session, settings, asked)
    publish(settings, asked)


def files_of(settings):
    """Return what a run has written, by name; a file that a killed run began and nobody reads has a dot."""
    folder = judgement_folder(settings, NEWEST, None)
    found = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    written = {str(path.relative_to(folder)): path.read_bytes() for path in found}
    return written | {"beside the pointer": (settings.releases_dir / JUDGEMENT).read_bytes()}


def forget(session, settings, judgement):
    """Let nothing be left of a run; return the judgement of the night before, which stands."""
    session.sql(f"DELETE FROM {full_name(JUDGED_SCORES)}")  # noqa: S608 - a name of our own
    shutil.rmtree(judgement_folder(settings, NEWEST, None))
    before = dataclasses.replace(judgement, made_at=judgement.made_at - DAY_SECONDS)
    write_judgement(settings.releases_dir, before)
    return before


@pytest.mark.parametrize("step", range(1, len(STEPS) + 1))
def test_a_killed_judge_is_made_up_for(world, undisturbed, step):
    """The guard reads the whole judgement of the night before. Afterwards all is as if nobody had killed anything."""
    session, settings = world
    files, judgement = undisturbed
    before = forget(session, settings, judgement)

    killed = run_killed(settings, step, "jobs.judge", *WORDS)

    assert (killed.returncode, steps_of(killed)) == (-9, STEPS[:step])
    assert read_judgement(settings.releases_dir).judgement == before
    kept = {(release, day) for release, day, _ in find_kept(open_catalog(settings))}
    assert kept == ({(OLD, day) for day in DAYS.days} if step >= SCORED else set())
    made = read_any_judgement(judgement_folder(settings, NEWEST, None)).judgement
    assert made == (judgement if step == WRITTEN else None)

    judge_and_publish(session, settings)

    assert files_of(settings) == files

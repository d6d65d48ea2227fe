"""The job `publish_judgement` as a process, killed: the guard reads the whole old judgement or the whole new one."""

import pytest

from antifraud.artifacts.judgement import JUDGEMENT, judgement_folder, read_judgement, stand
from antifraud.settings.core import JobSettings
from jobs.judging.standing import StandingFound
from jobs.judging.standing_files import write_standing
from tests.circles import for_proofs
from tests.judgement_example import AS_OF, MADE_AT, judgement
from tests.killing import run, run_killed, steps_of

WORDS = ("jobs.publish_judgement", "--as-of", str(AS_OF))
EARLIER = MADE_AT - 3_600
STEPS = ["before rename", "after rename"]


@pytest.fixture
def settings(tmp_path):
    """Return a home with the bundles that the judgement names; the judgement of an earlier hour stands."""
    for release in ("r1", "r2", "r3"):
        (tmp_path / "releases" / release).mkdir(parents=True)
        (tmp_path / "releases" / release / "manifest.json").write_text("{}")
    found = JobSettings(home=tmp_path)
    stand(found.releases_dir, judgement(made_at=EARLIER))
    write_standing(judgement_folder(found, AS_OF, None), StandingFound(judgement(), {}))
    return found


@pytest.mark.parametrize("step", [1, *for_proofs(2)])
def test_a_killed_publication_leaves_a_whole_judgement(settings, step):
    """The lock is free again, and the next run writes the bytes of a run that nobody has killed."""
    killed = run_killed(settings, step, *WORDS)
    assert (killed.returncode, steps_of(killed)) == (-9, STEPS[:step])
    assert read_judgement(settings.releases_dir).judgement == judgement(made_at=EARLIER if step == 1 else MADE_AT)

    ended = run(settings, *WORDS)

    assert (ended.returncode, ended.stderr) == (0, "")
    written = judgement_folder(settings, AS_OF, None) / JUDGEMENT
    assert (settings.releases_dir / JUDGEMENT).read_bytes() == written.read_bytes()

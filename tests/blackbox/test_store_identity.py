"""A store has an identity: an empty, moved, foreign or outdated one makes no decisions, and says why."""

import os
import shutil
import signal
import time

from bench.serving.processes import initialise_store, wait_for
from tests.blackbox.traffic import decide_all

SETTLED_SECONDS = 3


def refusal(scorer):
    """Return the reason in /readyz; no worker decides or replays anything, even after time to load everything."""
    time.sleep(SETTLED_SECONDS)
    answers = decide_all(scorer, range(40))
    assert {answer.status for answer in answers} == {503}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers)
    readiness = scorer.get("/readyz")
    assert readiness.status_code == 503
    return readiness.json()["detail"]


def test_a_scorer_without_a_store_makes_no_decisions(build, scorer_of):
    """Nothing is served by a home without an initialised store, and the reason says so."""
    with scorer_of(build(initialise=False), ready=False) as scorer:
        assert "no decision store" in refusal(scorer)


def test_an_initialised_store_serves(version, build, scorer_of):
    """The command makes a store once; a second call leaves the store alone and fails."""
    home = build(initialise=False)
    initialise_store(version, home)
    with scorer_of(home) as scorer:
        assert {answer.status for answer in decide_all(scorer, range(10))} == {200}

        assert version.run(home, "-m", "serving.store", "init").returncode not in {0, 1}
        assert {answer.replayed for answer in decide_all(scorer, range(10))} == {True}


def test_a_store_that_is_moved_away_is_noticed(build, scorer_of):
    """After `mv store` a repeat is replayed or refused, never decided anew, also by a worker that starts then."""
    home = build()
    with scorer_of(home) as scorer:
        first = decide_all(scorer, range(40))
        (home / "store").rename(home / "elsewhere")
        victim = scorer.workers()[0]
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda: victim not in scorer.workers() and len(scorer.workers()) == 2, "a new worker")

        for _ in range(10):
            again = decide_all(scorer, range(40))
            decided_anew = [n for n, answer in enumerate(again) if answer.status == 200 and not answer.replayed]
            assert decided_anew == []
            assert all(a.body == b.body for a, b in zip(first, again, strict=True) if b.status == 200)
        assert "store" in refusal(scorer)


def test_an_empty_folder_in_place_of_the_store_makes_no_decisions(build, scorer_of):
    """A lost volume that is mounted empty does not begin anew at epoch 0."""
    home = build()
    with scorer_of(home) as scorer:
        decide_all(scorer, range(40))
        scorer.switch("suspend").raise_for_status()
    shutil.rmtree(home / "store")
    (home / "store").mkdir()

    with scorer_of(home, ready=False) as scorer:
        assert "store" in refusal(scorer)


def test_the_store_of_another_home_is_refused(build, scorer_of):
    """A store with another identity than the one beside the release pointer makes no decisions."""
    home, other = build(), build()
    with scorer_of(home), scorer_of(other) as scorer:
        decide_all(scorer, range(40))
    shutil.rmtree(home / "store")
    shutil.copytree(other / "store", home / "store")

    with scorer_of(home, ready=False) as scorer:
        assert "store" in refusal(scorer)


def test_an_earlier_copy_of_the_store_is_refused(build, scorer_of):
    """A copy from before a suspension and further decisions runs behind, so it makes no decisions."""
    home = build()
    with scorer_of(home) as scorer:
        decide_all(scorer, range(20))
    shutil.copytree(home / "store", home / "copy")
    with scorer_of(home) as scorer:
        decide_all(scorer, range(20, 40))
        scorer.switch("suspend").raise_for_status()
        scorer.switch("resume").raise_for_status()
    shutil.rmtree(home / "store")
    (home / "copy").rename(home / "store")

    with scorer_of(home, ready=False) as scorer:
        assert "store" in refusal(scorer)

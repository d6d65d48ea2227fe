"""A reload: an old worker waits for as many new ones as there shall be, and for nobody when the service stops."""

import os

from serving.worker.handover import PLACES, Handover


def test_an_old_worker_waits_for_all_new_ones():
    """Two of two new workers must be able to decide; new workers wait for nobody."""
    handover = Handover()
    handover.begin(last_age=2, workers=2)

    waits = []
    for ready in (1, 2, 3, 4):
        handover.report_ready(ready)
        waits.append((handover.must_wait(1), handover.must_wait(3)))

    assert waits == [(True, False), (True, False), (True, False), (False, False)]


def test_without_a_reload_nobody_waits():
    """A worker that is one too many leaves at once."""
    assert not Handover().must_wait(1)


def test_a_stop_ends_the_waiting():
    """The master says so before it tells the workers to leave."""
    handover = Handover()
    handover.begin(last_age=2, workers=2)
    handover.stop()

    assert not handover.must_wait(1)


def test_a_second_reload_replaces_the_new_workers_too():
    """Workers of the first reload count as old ones in the second."""
    handover = Handover()
    handover.begin(last_age=2, workers=1)
    handover.report_ready(3)
    assert not handover.must_wait(2)

    handover.begin(last_age=3, workers=1)

    assert (handover.must_wait(2), handover.must_wait(3)) == (True, True)
    handover.report_ready(4)
    assert (handover.must_wait(2), handover.must_wait(3)) == (False, False)


def test_ages_go_on_for_ever():
    """Places are used again after many restarts."""
    handover = Handover()
    handover.begin(last_age=10 * PLACES, workers=2)
    for age in (10 * PLACES - 1, 10 * PLACES, 10 * PLACES + 1):
        handover.report_ready(age)

    assert handover.must_wait(10 * PLACES)
    handover.report_ready(10 * PLACES + 2)
    assert not handover.must_wait(10 * PLACES)


def test_children_share_the_memory():
    """Parent and siblings read the reports of a child."""
    handover = Handover()
    handover.begin(last_age=0, workers=1)
    handover.begin(last_age=1, workers=1)
    if (pid := os.fork()) == 0:
        handover.report_ready(2)
        os._exit(0)
    os.waitpid(pid, 0)

    assert not handover.must_wait(1)

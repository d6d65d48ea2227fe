"""Lost commits are retried a bounded number of times, and other failures are not."""

import pytest

from antifraud.errors import PublishError
from jobs.publishing import conflicts
from jobs.publishing.conflicts import ATTEMPTS, Conflict, pause, with_retries


@pytest.fixture
def pauses(monkeypatch):
    """Record the pauses instead of making them."""
    made = []
    monkeypatch.setattr(conflicts.time, "sleep", made.append)
    return made


def failing(times, error):
    """Return an action that fails some times and then answers "done", and a list of its calls."""
    calls = []

    def action():
        calls.append(1)
        if len(calls) <= times:
            raise error
        return "done"

    return action, calls


def test_a_lost_commit_is_tried_again(pauses, capsys):
    """After two lost commits and two growing pauses the action succeeds, and the log tells of each retry."""
    action, calls = failing(2, Conflict("gone"))

    assert with_retries(action, "clean 2026-01-01", "0000") == "done"
    assert (len(calls), pauses) == (3, [0.5, 1.0])
    assert "clean 2026-01-01: another run got in first, attempt 2 of 6" in capsys.readouterr().out


def test_it_gives_up_with_an_expected_failure(pauses):
    """After the last attempt the error says what to do."""
    action, calls = failing(99, Conflict("gone"))

    with pytest.raises(PublishError, match="other runs got in first 6 times: let them end, then run it again"):
        with_retries(action, "clean", "ffff")
    assert (len(calls), len(pauses)) == (ATTEMPTS, ATTEMPTS - 1)


def test_another_failure_is_not_retried(pauses):
    """A failure other than a lost commit is raised at once."""
    action, calls = failing(1, ZeroDivisionError())

    with pytest.raises(ZeroDivisionError):
        with_retries(action, "clean", "0000")
    assert (len(calls), pauses) == (1, [])


def test_pauses_grow_to_a_limit_and_are_spread():
    """Pauses grow to a limit and differ by run, so that runs that collided do not collide again."""
    assert [pause(attempt, "0000") for attempt in (1, 2, 3, 4, 5, 6)] == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0]
    assert pause(1, "8000") == 0.625

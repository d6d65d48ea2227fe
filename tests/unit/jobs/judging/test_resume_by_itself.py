"""After a trip, a candidate that passes resumes by itself if enough of its certify days lie after the onset."""

import datetime as dt
import json

import httpx
import pytest

from antifraud.artifacts.pointer import read_pointer
from antifraud.client import ScorerClient, switch
from antifraud.errors import GateRefused
from antifraud.settings.core import JobSettings
from jobs.judging.promote import promote
from jobs.rows.windows import Windows
from jobs.training.candidate import candidate_path, read_candidate
from tests.release_keys import put_keys
from tests.report_example import put_candidate

OLD, NEW = "2026-04-09-aaaaaaaa", "2026-04-10-bbbbbbbb"
YESTERDAY, TODAY = dt.date(2026, 4, 9), dt.date(2026, 4, 10)


@pytest.fixture
def settings(tmp_path):
    """A home in which yesterday's release serves and today's candidate has passed, with both tokens."""
    put_keys(tmp_path)
    put_candidate(tmp_path, "2026-04-09", OLD)
    put_candidate(tmp_path, "2026-04-10", NEW, pointer_sequence=1)
    (tmp_path / "secrets").mkdir(exist_ok=True)
    for client in ("admin", "judge"):
        (tmp_path / "secrets" / f"{client}.token").write_text(f"{client}\n")
    promote(JobSettings(home=tmp_path), YESTERDAY)
    return JobSettings(home=tmp_path, scorer_url="http://scorer")


@pytest.fixture
def changes(settings, monkeypatch):
    """A scorer that a trip has suspended, its onset so many days before the end of the certify window."""
    windows = Windows.from_dict(read_candidate(candidate_path(settings, TODAY)).info["windows"])
    asked = []

    def put(days):
        trip = days and {"epoch": 7, "at": 60, "onset": str(windows.certify.last - dt.timedelta(days=days))}
        now = {"mode": "SUSPENDED", "epoch": 7, "by": "guard", "reason": "too many flags", "trip": trip}

        def answer(request):
            if request.method == "POST":
                asked.append((request.headers["Authorization"], json.loads(request.content)))
            return httpx.Response(200, json={"switch": now} if request.method == "GET" else {**now, "mode": "SERVING"})

        transport = httpx.MockTransport(answer)
        monkeypatch.setattr(switch, "ScorerClient", lambda url, token: ScorerClient(url, token, transport=transport))
        return asked

    return put


def test_fourteen_days_after_the_onset_a_pass_resumes_by_itself(settings, changes):
    """The token is that of the recovery, the epoch the one that was read, and the reason has the days."""
    asked = changes(14)

    assert promote(settings, TODAY).release == NEW

    ((token, body),) = asked
    assert (token, body["action"], body["expected_epoch"]) == ("Bearer judge", "resume", 7)
    assert body["reason"].startswith("a candidate passes, with 14 certify days after the onset on ")
    assert len(body["report"]) == 64


def test_a_promotion_that_was_killed_before_the_resume_does_it_again(settings, changes):
    """The pointer names the candidate already, and the service is still suspended."""
    asked = changes(14)
    promote(settings, TODAY)

    promote(settings, TODAY)

    assert asked[0] == asked[1]


def test_a_reason_of_a_person_goes_out_under_the_persons_token(settings, changes):
    """An admin who asks for the resume takes over, however many days there are."""
    asked = changes(13)

    promote(settings, TODAY, resume="we know why")

    assert (asked[0][0], asked[0][1]["reason"]) == ("Bearer admin", "we know why")


@pytest.mark.parametrize(
    ("days", "words"),
    [(13, r"After 14 certify days after the onset on 2[-\d]+, a PASS resumes by itself$"), (None, r"resume.$")],
)
def test_fewer_days_leave_the_service_as_it_is(settings, changes, days, words):
    """The refusal says when a PASS resumes by itself; without a trip to recover from, a person has to decide."""
    asked = changes(days)

    with pytest.raises(GateRefused, match=rf"let this promotion resume it with --resume .*{words}"):
        promote(settings, TODAY)
    assert (asked, read_pointer(settings.releases_dir).release) == ([], OLD)

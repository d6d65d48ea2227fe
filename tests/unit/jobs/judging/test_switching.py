"""Promotion and roll-back obey the scorer's switch: a pointer never moves behind its back."""

import datetime as dt
import json

import httpx
import pytest

import jobs.promote
from antifraud.artifacts.pointer import read_pointer
from antifraud.client import ScorerClient, switch
from antifraud.client.errors import Refused
from antifraud.errors import GateRefused, SettingsError
from antifraud.settings.core import JobSettings
from jobs.judging.promote import promote
from jobs.promote import _parser, main
from tests.release_keys import put_keys
from tests.report_example import put_candidate

OLD, NEW = "2026-04-09-aaaaaaaa", "2026-04-10-bbbbbbbb"
YESTERDAY, TODAY = dt.date(2026, 4, 9), dt.date(2026, 4, 10)


class Wire:
    """A scorer with a switch that answers, and keeps what it was asked."""

    def __init__(self, mode, epoch=7, status=200):
        self.switch = {"mode": mode, "epoch": epoch, "by": "guard", "reason": "too many flags"}
        self.status, self.changes = status, []

    def __call__(self, request):
        """Answer one request."""
        assert request.headers["Authorization"] == "Bearer boss"
        if request.method == "GET":
            return httpx.Response(200, json={"switch": self.switch})
        self.changes.append(json.loads(request.content))
        if self.status != 200:
            return httpx.Response(self.status, json={"type": "urn:antifraud:problem:stale-epoch", "detail": "changed"})
        return httpx.Response(200, json={**self.switch, "mode": "AFTER", "epoch": 8})


@pytest.fixture
def settings(tmp_path):
    """A home in which yesterday's release serves and today's candidate has passed, and the address of a scorer."""
    put_keys(tmp_path)
    put_candidate(tmp_path, "2026-04-09", OLD)
    put_candidate(tmp_path, "2026-04-10", NEW, pointer_sequence=1)
    (tmp_path / "secrets").mkdir(exist_ok=True)
    (tmp_path / "secrets" / "admin.token").write_text("boss\n")
    promote(JobSettings(home=tmp_path), YESTERDAY)
    return JobSettings(home=tmp_path, scorer_url="http://scorer")


@pytest.fixture
def answer(monkeypatch):
    """Let a wire answer instead of a scorer."""

    def put(wire):
        transport = httpx.MockTransport(wire)
        monkeypatch.setattr(switch, "ScorerClient", lambda url, token: ScorerClient(url, token, transport=transport))
        return wire

    return put


@pytest.mark.parametrize("mode", ["SUSPENDED", "ROLLED_BACK"])
def test_a_held_service_keeps_the_pointer(settings, answer, mode):
    """The refusal names who holds it, why, and what to do; nothing was released."""
    answer(Wire(mode))

    with pytest.raises(GateRefused, match=rf"the service is {mode} by guard .too many flags.*--resume and a reason"):
        promote(settings, TODAY)
    assert read_pointer(settings.releases_dir).release == OLD
    assert not (settings.releases_dir / NEW).exists()


@pytest.mark.parametrize("mode", ["SERVING", "OBSERVE"])
def test_a_service_that_is_not_held_follows_the_pointer(settings, answer, mode):
    """The pointer moves, and the switch stays, also if a reason to resume is given."""
    wire = answer(Wire(mode))

    assert promote(settings, TODAY, resume="it passes").release == NEW
    assert wire.changes == []


@pytest.mark.parametrize("mode", ["SUSPENDED", "ROLLED_BACK"])
def test_a_pass_that_resumes_moves_the_pointer_first(settings, answer, mode):
    """The switch is asked at the epoch that was read, with the report's SHA-256; a repeat does the same again."""
    wire = answer(Wire(mode))

    for _ in range(2):
        assert promote(settings, TODAY, resume="trained on what came after").release == NEW

    asked = {**wire.changes[0]}
    assert (len(asked.pop("report")), asked) == (
        64, {"action": "resume", "reason": "trained on what came after", "expected_epoch": 7},
    )  # fmt: skip
    assert wire.changes[1] == wire.changes[0]


def test_a_resume_that_is_refused_leaves_a_service_that_decides_nothing(settings, answer):
    """The pointer has moved, the switch was not changed, and the error says so."""
    answer(Wire("SUSPENDED", status=409))

    with pytest.raises(Refused, match="409"):
        promote(settings, TODAY, resume="it passes")
    assert read_pointer(settings.releases_dir).release == NEW


def test_the_first_release_of_all_is_promoted_while_the_new_store_waits(settings, answer):
    """Nothing serves yet that the pointer could be moved away from."""
    answer(Wire("SUSPENDED", epoch=0))
    (settings.releases_dir / "pointer.json").unlink()
    put_candidate(settings.home, "2026-04-10", NEW, pointer_sequence=0)

    assert promote(settings, TODAY).release == NEW


def test_a_scorer_without_an_address_is_not_ignored(settings):
    """A store that is registered beside the pointer belongs to a scorer, whose switch has to be asked."""
    lonely = JobSettings(home=settings.home)
    assert switch.read_switch(lonely) is None
    (settings.releases_dir / "store.json").write_text("{}")

    with pytest.raises(SettingsError, match="set ANTIFRAUD_SCORER_URL"):
        promote(lonely, TODAY)
    assert read_pointer(settings.releases_dir).release == OLD


def test_a_missing_token_is_named_by_its_path(settings):
    """Without the token of an admin, the switch is not asked and nothing moves."""
    settings.scorer_token_path.unlink()

    with pytest.raises(SettingsError, match=r"secrets/admin\.token cannot be read .FileNotFoundError"):
        promote(settings, TODAY)


def run(settings, *arguments):
    main(settings, _parser().parse_args(list(arguments)))


def test_a_roll_back_changes_the_switch_and_no_pointer(settings, answer, monkeypatch, capsys):
    """The named release is judged, then the scorer is asked at the epoch from before the judgement."""
    wire = answer(Wire("SERVING"))
    monkeypatch.setattr(jobs.promote, "require_pass_today", lambda *_: "5" * 64)

    run(settings, "--release", OLD, "--reason", "the new one is worse")

    assert wire.changes == [
        {
            "action": "roll_back", "reason": "the new one is worse", "expected_epoch": 7, "release": OLD,
            "report": "5" * 64,
        }
    ]  # fmt: skip
    assert read_pointer(settings.releases_dir).sequence == 1
    assert f"{OLD} serves: the service is AFTER since change 8" in capsys.readouterr().out


def test_a_dry_roll_back_asks_nobody(settings, answer, monkeypatch, capsys):
    """It only judges the release."""
    wire = answer(Wire("SERVING"))
    monkeypatch.setattr(jobs.promote, "require_pass_today", lambda *_: "5" * 64)

    run(settings, "--release", OLD, "--dry-run")

    assert (wire.changes, capsys.readouterr().out) == ([], "dry run: the switch stays\n")


def test_a_roll_back_needs_a_scorer(settings, monkeypatch):
    """Without an address there is no switch to change, which is said before anything is judged."""
    monkeypatch.setattr(jobs.promote, "require_pass_today", None)

    with pytest.raises(SettingsError, match="a roll-back changes the scorer's switch: set ANTIFRAUD_SCORER_URL"):
        run(JobSettings(home=settings.home), "--release", OLD)

"""The clean-up of releases leaves what the scorer's switch names and what the ladder needs."""

import datetime as dt
import json

import httpx
import pytest

from antifraud.artifacts.bundle import write_bundle
from antifraud.artifacts.pointer import activate
from antifraud.artifacts.shelf import collect
from antifraud.client import ScorerClient, switch
from antifraud.commands.main import main
from antifraud.features.registry import feature_set_hash
from tests.release_keys import PUBLIC, SIGNING, put_keys

SERVING = {"mode": "SERVING", "epoch": 7, "by": "boss", "reason": "we begin", "release": None}
ROLLED_BACK = {**SERVING, "mode": "ROLLED_BACK", "release": "r2"}
NO_STORE = {**SERVING, "mode": "SUSPENDED", "epoch": None}


def put_bundle(folder, release, as_of):
    described = {"as_of": str(as_of), "verdict": "PASS", "threshold": 50_000, "feature_set": feature_set_hash()}
    write_bundle(folder, release, {"model.onnx": release.encode()}, described, SIGNING)


def present(folder):
    return sorted(path.name for path in folder.iterdir() if path.is_dir())


@pytest.fixture
def releases(tmp_path):
    """Five releases: the first is the anchor, the third is previous, the fourth serves; the second has no role."""
    put_keys(tmp_path)
    (tmp_path / "secrets" / "admin.token").write_text("boss\n")
    for night in range(1, 6):
        put_bundle(tmp_path / "releases", f"r{night}", f"2026-04-0{night}")
    for name in ("r1", "r3", "r4"):
        activate(tmp_path / "releases", name, PUBLIC)
    return tmp_path / "releases"


@pytest.fixture
def run(releases, capsys):
    """Run the clean-up for real, for a scorer at a URL."""

    def run_gc(url="http://scorer"):
        environ = {"ANTIFRAUD_HOME": str(releases.parent)} | ({"ANTIFRAUD_SCORER_URL": url} if url else {})
        code = main(("release", "gc", "--keep", "1", "--no-dry-run"), environ)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run_gc


@pytest.fixture
def answer(monkeypatch):
    """Let a function answer instead of a scorer."""

    def put(handle):
        transport = httpx.MockTransport(handle)
        monkeypatch.setattr(switch, "ScorerClient", lambda url, token: ScorerClient(url, token, transport=transport))

    return put


def test_what_serves_while_rolled_back_stays(run, releases, answer):
    """The pointer gives it no role; after the resume it may go."""
    answer(lambda _: httpx.Response(200, json={"switch": ROLLED_BACK}))
    assert run()[:2] == (0, "nothing to remove: every bundle is needed or among the 1 newest\n")
    assert present(releases) == ["r1", "r2", "r3", "r4", "r5"]

    answer(lambda _: httpx.Response(200, json={"switch": SERVING}))
    assert run() == (0, "removed r2\n", "")


@pytest.mark.parametrize(
    "handle",
    [
        lambda _: httpx.Response(503, headers={"Retry-After": "3600"}),
        lambda _: httpx.Response(403, json={"type": "urn:antifraud:problem:forbidden", "detail": "no"}),
        lambda _: httpx.Response(200, content=b"<html>"),
        lambda _: httpx.Response(200, json={}),
        lambda _: httpx.Response(200, json={"switch": {"mode": "SERVING"}}),
        lambda _: httpx.Response(200, json={"switch": NO_STORE}),
    ],
    ids=["not ready", "forbidden", "a page", "no switch", "half a switch", "no store"],
)
def test_a_switch_that_cannot_be_read_stops_the_clean_up(run, releases, answer, handle):
    """Some release may serve that no pointer names, so all stay, and one line says why."""
    answer(handle)

    code, out, err = run()

    assert (code, out, err.count("\n")) == (40, "", 1)
    assert err.startswith("error: nothing was removed")
    assert present(releases) == ["r1", "r2", "r3", "r4", "r5"]


def test_a_scorer_that_nobody_can_ask_stops_the_clean_up(run, releases):
    """A registered store belongs to a scorer, and an address without a token reaches none."""
    (releases / "store.json").write_text(json.dumps({"identity": "a", "arrival": 1}))
    assert "set ANTIFRAUD_SCORER_URL" in run(url="")[2]
    (releases.parent / "secrets" / "admin.token").unlink()
    assert "admin.token cannot be read" in run()[2]
    assert present(releases) == ["r1", "r2", "r3", "r4", "r5"]


def test_the_ladder_stays_and_so_do_the_steps_to_come(tmp_path):
    """Young releases stay, older ones by weeks and by their places on the ladder; the others go."""
    today = dt.date(2026, 6, 30)
    for age in (0, 20, 21, 25, 70, 90):
        put_bundle(tmp_path, f"r{age:02}", today - dt.timedelta(days=age))

    def clean(day, *in_use):
        return collect(tmp_path, PUBLIC, keep=1, today=day, find_in_use=lambda: in_use, dry_run=False)

    # r20 is young, r21 is the step of 14 days, r25 was that for a judge some days behind, r70 is the newest old one.
    assert clean(today) == ["r90"]
    # Half a year later only the newest release of a week is a step, and nothing is young.
    assert clean(today + dt.timedelta(days=180), "r25") == ["r20", "r21", "r70"]
    assert present(tmp_path) == ["r00", "r25"]

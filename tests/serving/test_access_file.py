"""The access file is followed: tokens come and go without a restart, and a broken file takes none away."""

import json
import socket
import subprocess
import sys
import tempfile

import pytest

from antifraud.keys.access import Access, hash_token
from infra.local.ports import free_port
from tests.serving.processes import ROOT, environment, wait_for
from tests.serving.scene import Scorer


def grant(home, *names, scopes=("decide", "read")):
    """Write an access file with a token for each name."""
    entries = [{"client": name, "sha256": hash_token(name), "scopes": list(scopes)} for name in names]
    (home / "secrets").mkdir(exist_ok=True)
    (home / "secrets" / "access.json").write_text(json.dumps({"clients": entries}))


@pytest.fixture
def followed(home):
    """A scorer that knows only what its access file says."""
    grant(home, "till")
    running = Scorer(home)
    running.services.access = Access()
    running.poller.poll()
    yield running
    running.close()


def test_a_changed_file_is_read(followed, home):
    """A new token works and a removed one is refused after the next poll."""
    assert followed.get("/v1/status", caller="till").status_code == 200
    grant(home, "kiosk")
    followed.poller.poll()

    assert followed.get("/v1/status", caller="till").status_code == 401
    assert followed.get("/v1/status", caller="kiosk").status_code == 200


@pytest.mark.parametrize("text", [None, "", '{"clients": [{"client": "till"}]}', '{"clients": ['])
def test_a_broken_file_takes_no_token_away(followed, home, text):
    """The callers that were read before stay, the trouble is named, and a repaired file ends it."""
    path = home / "secrets" / "access.json"
    path.unlink() if text is None else path.write_text(text)
    for _ in range(2):
        followed.poller.poll()

    status = followed.get("/v1/status", caller="till")
    assert status.status_code == 200
    assert "access" in status.json["troubles"]
    grant(home, "till", "kiosk")
    followed.poller.poll()
    assert followed.get("/v1/status", caller="kiosk").json["troubles"] == {}


def test_an_unchanged_file_is_not_read_again(followed):
    """A poll costs one look at the file."""
    before = followed.services.access
    followed.poller.poll()

    assert followed.services.access is before


def test_a_worker_without_access_file_refuses_and_cannot_decide(home):
    """Nobody is told that a token is unknown before any was read."""
    running = Scorer(home)
    running.settings.access_path.unlink()
    running.services.access = Access()
    running.poller.poll()

    answer = running.decide()
    assert (answer.status_code, answer.json["type"]) == (503, "urn:antifraud:problem:not-ready")
    assert not running.services.can_decide
    assert "access generate" in running.services.troubles["access"]
    running.close()


def test_a_file_without_clients_makes_every_token_unknown(followed, home):
    """Whoever empties the list has revoked all tokens: each is a 401 with true words, and no trouble."""
    grant(home)
    followed.poller.poll()

    for answer in (followed.get("/v1/status", caller="till"), followed.decide(), followed.get("/v1/status", "")):
        assert (answer.status_code, answer.json["type"]) == (401, "urn:antifraud:problem:unauthorised")
        assert answer.json["detail"] == "a known bearer token is needed in the Authorization header"
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "access" not in followed.services.troubles
    assert followed.get("/readyz").status_code == 200
    grant(home, "till")
    followed.poller.poll()
    assert followed.get("/v1/status", caller="till").status_code == 200


@pytest.mark.parametrize(
    ("name", "token", "status"),
    [
        ("127.0.0.1", None, 200),
        ("::1", None, 200),
        ("localhost", None, 200),
        ("0.0.0.0", None, 401),  # noqa: S104 the address that the test is about
        ("10.0.0.7", None, 401),
        ("run/scorer.sock", None, 401),
        ("10.0.0.7", "till", 403),
        ("10.0.0.7", "prometheus", 200),
    ],
)
def test_metrics_need_a_token_unless_bound_privately(home, name, token, status):
    """A scorer that other machines reach shows its metrics to tokens with the scope `metrics` only."""
    grant(home, "till")
    access = json.loads((home / "secrets" / "access.json").read_text())
    access["clients"].append({"client": "p", "sha256": hash_token("prometheus"), "scopes": ["metrics"]})
    (home / "secrets" / "access.json").write_text(json.dumps(access))
    running = Scorer(home)
    running.poller.poll()

    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = running.client.get("/metrics", environ_overrides={"SERVER_NAME": name}, headers=headers)

    assert answer.status_code == status
    running.close()


def test_a_service_without_access_file_does_not_start(home):
    """The master says what is missing in one line, and ends with the code of a setting."""
    env = environment(home, SCORER_BIND=f"127.0.0.1:{free_port()}")
    command = [sys.executable, "-m", "gunicorn", "-c", "serving/gunicorn_conf.py"]
    ended = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=60)

    assert ended.returncode == 10
    assert "`python -m antifraud access generate` makes it" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_metrics_at_a_socket_in_the_file_system_need_a_token(home):
    """A proxy may stand in front of such a socket, so a client's Host of this machine opens nothing."""
    grant(home, "till")
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/scorer.sock"
        command = [sys.executable, "-m", "gunicorn", "-c", "serving/gunicorn_conf.py", "--workers", "1"]
        scorer = subprocess.Popen(
            command, cwd=ROOT, env=environment(home, SCORER_BIND=f"unix:{path}"), stdout=subprocess.DEVNULL
        )
        try:
            wait_for(lambda: b" 200 " in ask(path, "/healthz"), "the scorer")
            assert ask(path, "/metrics").startswith(b"HTTP/1.1 401 ")
        finally:
            scorer.terminate()
            scorer.wait(30)


def ask(path, target):
    """Send a request to a socket in the file system; return the answer, or nothing while nobody listens."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(30)
        if connection.connect_ex(path):
            return b""
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        return connection.recv(65_536)

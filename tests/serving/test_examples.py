"""The examples for integrators work: curl, Python and Java make the same tokens and get the same decisions."""

import datetime as dt
import json
import os
import socket
import subprocess
import sys
from itertools import groupby
from pathlib import Path

import httpx
import pytest
from standardwebhooks import Webhook

from antifraud.client import ScorerClient
from infra.local.ports import free_port
from tests.serving.processes import GunicornScorer, wait_for
from tests.serving.scene import KEY, NOON

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
VECTORS = json.loads((ROOT / "tests" / "golden" / "tokens.json").read_text())
JAVA, PYTHON, CURL, SDK = (
    ["java", str(EXAMPLES / "Tokens.java")],
    [sys.executable, str(EXAMPLES / "tokens.py")],
    ["sh", str(EXAMPLES / "decide.sh")],
    [sys.executable, str(EXAMPLES / "decide.py")],
)
SECRET = "whsec_c2VjcmV0"


def run(command, *arguments, lines):
    """Give lines to an example, and return the lines that it prints."""
    done = subprocess.run(
        [*command, *map(str, arguments)], input="".join(f"{line}\n" for line in lines), check=False,
        capture_output=True, text=True, timeout=120, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def keyring(folder, key_id, secret):
    """Write a key ring with one key."""
    path = folder / f"{key_id}-{secret[:8]}.json"
    path.write_text(json.dumps({"active": key_id, "keys": {key_id: secret}}))
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("command", [JAVA, PYTHON], ids=["java", "python"])
def test_the_examples_make_the_shared_tokens(tmp_path, command):
    """Every vector that ingest and the SDK reproduce, and another spelling of the same number."""
    made = []
    for (key_id, secret), group in groupby(VECTORS, key=lambda v: (v["key_id"], v["secret"])):
        vectors = list(group)
        lines = [f"{v['kind']} {spelt}" for v in vectors for spelt in (v["id"], f"{v['id']:018}")]
        expected = [v["token"] for v in vectors for _ in range(2)]
        assert run(command, keyring(tmp_path, key_id, secret), lines=lines) == expected
        made += vectors
    assert made == VECTORS


@pytest.fixture(scope="module")
def scorer(shared_home):
    """A real scorer, and what the examples need: its address, a bearer token, a key ring."""
    ring = keyring(shared_home, KEY.key_id, KEY.secret.hex())
    running = GunicornScorer(shared_home).start()
    yield ring, running.url, shared_home / "secrets" / "client.token"
    running.stop()


def test_three_ways_to_one_decision(scorer):
    """Curl, Java and the SDK ask about the same transaction: the first is decided, the others get its answer."""
    lines = [f"till-3:1 {NOON} 483920175566 120000000017 7091", f"till-3:2 {NOON} 596 3156 39000"]

    first = [json.loads(line) for line in run(CURL, *scorer, lines=lines)]
    assert [answer["transaction_id"] for answer in first] == ["till-3:1", "till-3:2"]
    assert [answer["decision"] for answer in first] == ["approve", "flag"]
    assert [json.loads(line) for line in run(JAVA, *scorer, lines=lines)] == first
    assert run(SDK, *scorer, lines=lines) == [
        f"{answer['transaction_id']}: {answer['decision']}, score {answer['score']}" for answer in first
    ]


def test_a_label_with_curl(scorer):
    """A decided transaction takes the label; another one is named as unknown."""
    ring, url, token_file = scorer
    run(CURL, ring, url, token_file, lines=[f"labelled {NOON} 596 3156 5716"])

    answers = run(
        ["sh", str(EXAMPLES / "label.sh")], url, token_file, lines=[f"labelled fraud {NOON}", f"nobody fraud {NOON}"]
    )
    assert [json.loads(answer)["accepted"] for answer in answers] == [1, 0]
    assert json.loads(answers[1])["unknown_transactions"] == ["nobody"]


def test_an_outcome_with_curl(scorer):
    """A declined payment leaves the history; another id is named as unknown."""
    ring, url, token_file = scorer
    run(CURL, ring, url, token_file, lines=[f"declined {NOON} 596 3156 5716"])

    command = ["sh", str(EXAMPLES / "outcome.sh"), url, str(token_file)]
    answers = run(command, lines=[f"declined declined {NOON}", f"nobody declined {NOON}"])

    assert [json.loads(answer)["removed"] for answer in answers] == [1, 0]
    assert json.loads(answers[1])["unknown_transactions"] == ["nobody"]


def test_the_examples_say_what_was_refused(scorer):
    """The SDK's example names the reason and goes on with the next line."""
    ring, url, token_file = scorer
    lines = [f"early {NOON - 40 * 86_400} 596 3156 5716", f"good {NOON} 596 3156 5716"]

    early, good = run(SDK, ring, url, token_file, lines=lines)

    assert early.startswith("early: your own rules decide (the scorer refused with 422: event_time is not valid")
    assert good.startswith("good: approve, score ")


def test_without_a_score_small_payments_pass_and_large_ones_do_not(scorer, shared_home):
    """The scorer decides while it can; suspended, the amount decides, and a change of the state is printed."""
    ring, url, token_file = scorer
    command = [sys.executable, str(EXAMPLES / "without_score.py")]
    lines = [f"pay-{amount} {NOON} 596 3156 {amount}" for amount in (1_000, 20_000, 90_000)]

    said = run(command, ring, url, token_file, 5_000, 50_000, lines=lines)
    assert (said[0].startswith("the service is SERVING (epoch "), len(said)) == (True, 4)
    assert not any("without a score" in line for line in said)

    with ScorerClient(url, (shared_home / "secrets" / "admin.token").read_text().strip()) as admin:
        epoch = admin.suspend("a drill", admin.status()["switch"]["epoch"])["epoch"]
        said = run(command, ring, url, token_file, 5_000, 50_000, lines=[f"un{line}" for line in lines])
        admin.resume("over", epoch)
    assert said == [
        f"the service is SUSPENDED (epoch {epoch}, cause admin)",
        "unpay-1000: allow without a score",
        "unpay-20000: hold without a score",
        "unpay-90000: decline without a score",
    ]


@pytest.fixture
def receiver(tmp_path):
    """A running receiver of webhooks: its port, and its process."""
    port, secret = free_port(), tmp_path / "secret"
    secret.write_text(SECRET)
    command = [sys.executable, str(EXAMPLES / "webhook.py"), str(port), str(secret)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            wait_for(lambda: answers(port), "the receiver")
            yield port, process
        finally:
            process.terminate()


def signed_webhook():
    """A body, and the headers that sign it."""
    body = json.dumps({"id": "n-1", "type": "antifraud.switch.suspended", "time": "t", "data": {"mode": "SUSPENDED"}})
    now = dt.datetime.now(tz=dt.UTC)
    return body, {
        "webhook-id": "n-1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("n-1", now, body),
    }


@pytest.mark.parametrize("command", [CURL, JAVA, SDK], ids=["curl", "java", "sdk"])
def test_without_a_decision_your_own_rules_decide(scorer, command):
    """A refused transaction is named and its neighbours are decided: a payment never waits for an exception."""
    lines = [f"first {NOON} 596 3156 5716", f"early {NOON - 40 * 86_400} 596 3156 5716", f"last {NOON} 596 3156 5716"]

    first, *refused, last = run(command, *scorer, lines=lines)

    assert ["approve" in line for line in (first, last)] == [True, True]
    assert "early: your own rules decide" in "\n".join(refused)


@pytest.mark.parametrize("command", [CURL, JAVA, SDK], ids=["curl", "java", "sdk"])
def test_a_scorer_that_is_away_ends_no_example(scorer, command):
    """Nobody listens: each line gets its word within the deadline."""
    ring, _, token_file = scorer
    lines = [f"{name} {NOON} 596 3156 5716" for name in ("first", "last")]

    said = run(command, ring, f"http://127.0.0.1:{free_port()}", token_file, lines=lines)

    assert [line.partition(" (")[0] for line in said if line] == [
        f"{n}: your own rules decide" for n in ("first", "last")
    ]


def test_a_label_that_is_not_stored_is_named(scorer, tmp_path):
    """A wrong token ends no list of labels."""
    (tmp_path / "token").write_text("unknown")
    command = ["sh", str(EXAMPLES / "label.sh")]
    said = run(command, scorer[1], tmp_path / "token", lines=[f"a fraud {NOON}", f"b fraud {NOON}"])

    assert [line for line in said if line.endswith("not stored, send it again")] == [
        "a: not stored, send it again", "b: not stored, send it again",
    ]  # fmt: skip


def test_a_webhook_is_verified_and_printed_once(receiver):
    """A signed webhook is taken, also twice; one with another body is refused."""
    (port, process), (body, headers) = receiver, signed_webhook()
    contents = (body, body, body.replace("SUSPENDED", "SERVING"))
    url = f"http://127.0.0.1:{port}"
    statuses = [httpx.post(url, content=content, headers=headers).status_code for content in contents]
    process.terminate()
    printed = process.communicate(timeout=30)[0].splitlines()

    assert statuses == [204, 204, 401]
    assert printed[0] == "antifraud.switch.suspended SUSPENDED"
    assert len(printed) == 2
    assert "does not verify" in printed[1]


LENGTHS = {
    "": 411, "-1": 400, "-5": 400, "+5": 400, "five": 400, "1e3": 400, "0x5": 400, "1_0": 400, "5, 5": 400,
    "\xb2": 400, "1048577": 413, "9" * 18: 413, "9" * 5_000: 413,
}  # fmt: skip


def test_a_webhook_of_an_odd_length_is_refused(receiver):
    """Whatever length is announced, the sender gets an answer; the receiver shows no traceback and takes the next."""
    (port, process), (body, headers) = receiver, signed_webhook()

    found = {length: status_of_length(port, length) for length in LENGTHS}

    assert found == LENGTHS
    assert httpx.post(f"http://127.0.0.1:{port}", content=body, headers=headers).status_code == 204
    process.terminate()
    assert "Traceback" not in process.communicate(timeout=30)[1]


def status_of_length(port, length):
    """The status of the answer to a webhook that announces such a length and then sends nothing."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode("latin-1"))
        return int(connection.makefile("rb").readline().split()[1])


def test_a_sender_that_stops_holds_up_nobody(receiver):
    """A webhook whose body never comes loses its connection within seconds, and the next one is taken."""
    (port, _), (body, headers) = receiver, signed_webhook()
    with socket.create_connection(("127.0.0.1", port), timeout=20) as silent:
        silent.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 90\r\n\r\n{")

        answer = httpx.post(f"http://127.0.0.1:{port}", content=body, headers=headers, timeout=20)

    assert answer.status_code == 204


def answers(port):
    try:
        return httpx.get(f"http://127.0.0.1:{port}").status_code
    except httpx.HTTPError:
        return 0

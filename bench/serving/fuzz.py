"""Send 200,000 hostile requests to the scorer's app over WSGI: ``make bench-serving-fuzz``, up to an hour.

Hypothesis makes methods, paths, header fields and bodies, most of them nearly valid. Each request has a secret in one
place. A fault is a 500, a refusal that is no problem, an exception, or a refusal or log line with the secret.
A round that is done is noted in the home, so a run that was ended goes on where it was.
"""

import argparse
import io
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, Final

from flask import Flask
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from antifraud.clock import BusinessClock
from antifraud.keys.access import load_access
from antifraud.settings.serving import ScorerSettings
from bench.record import record
from bench.serving.processes import NOON, ROOT, Version, prepare_home
from serving.app import create_app
from serving.worker.metrics import Metrics
from serving.worker.poller import Poller
from serving.worker.services import Services

COMMAND: Final = "make bench-serving-fuzz"
REQUESTS: Final = 200_000
A_ROUND: Final = 2_000
WORLD: Final = ROOT / "tests" / "blackbox" / "world.py"
ROUNDS: Final = "fuzz.json"
SECRET: Final = "S3CRET-4000001234567899"  # noqa: S105 it opens nothing
REDIRECT, INTERNAL, UNAVAILABLE = 300, 500, 503
PATHS: Final = (
    "/v1/decisions", "/v1/labels", "/v1/switch", "/v1/status", "/v1/decisions/1", "/healthz", "/readyz", "/metrics",
    "/openapi.json", "/docs", f"/v1/decisions/{SECRET}", f"/{SECRET}", "//v1//decisions", "/v1/decisions/", "*", "",
)  # fmt: skip
METHODS: Final = ("POST", "POST", "POST", "GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", SECRET)
TYPES: Final = (
    "application/json", "application/json", "application/json; charset=utf-8", "application/json; charset=utf-16",
    "text/plain", f"application/{SECRET}", "multipart/form-data; boundary=x", "", "\xff;;=",
)  # fmt: skip
VALUES: Final[st.SearchStrategy[Any]] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=40), st.just(SECRET), st.just(SECRET * 20),
    st.sampled_from([NOON, -1, 0, 1 << 63, 10**400, "k1.0000000000000000000001", "fraud", "suspend", "\0", "\ud800"]),
)  # fmt: skip
DOCUMENTS: Final = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip
VALID: Final[tuple[dict[str, Any], ...]] = (
    {
        "transaction_id": 1, "event_time": NOON, "customer": "k1.0000000000000000000001",
        "terminal": "k1.0000000000000000000002", "amount": 5,
    },
    {"labels": [{"transaction_id": 1, "status": "fraud", "learned_at": NOON}]},
    {"action": "resume", "reason": "a drill", "expected_epoch": 0},
)  # fmt: skip
NAMES: Final = st.sampled_from([SECRET, "till", "amount"])
LABEL_TWICE: Final = json.dumps(VALID[1]).replace('"status"', '"status": "legitimate", "status"').encode()


class Log:
    """A log that counts lines with the secret, and lines about unexpected errors."""

    def __init__(self) -> None:
        self.faults: Counter[str] = Counter()

    def info(self, event: str, **fields: Any) -> None:
        """Look at one line."""
        if SECRET in repr((event, fields)):
            self.faults["secret in the log"] += 1
        if event == "unexpected":
            self.faults[f"unexpected {fields.get('error')} at {fields.get('where')}"] += 1

    warning = error = info


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Make a body: bytes, a document, or a valid request that is changed."""
    kind = draw(st.sampled_from(["bytes", "document", "changed bytes", "changed field", "field twice", "name twice"]))
    if kind == "bytes":
        return draw(st.binary(max_size=200)) + draw(st.sampled_from([b"", SECRET.encode()]))
    if kind == "document":
        return json.dumps(draw(DOCUMENTS)).encode("utf-8", "surrogatepass")
    if kind == "name twice":
        return draw(st.sampled_from([metadata_with(draw(NAMES), draw(NAMES)), LABEL_TWICE]))
    document = draw(st.sampled_from(VALID))
    name = draw(st.sampled_from([*document, SECRET, "metadata"]))
    text = json.dumps({**document, name: draw(DOCUMENTS)}).encode("utf-8", "surrogatepass")
    if kind == "changed bytes":
        place = draw(st.integers(0, len(text)))
        return text[:place] + draw(st.binary(max_size=3)) + text[place + draw(st.integers(0, 3)) :]
    return text if kind == "changed field" else text[:-1] + b"," + json.dumps(document).encode()[1:]


def metadata_with(*names: str) -> bytes:
    """Return a request for a decision whose metadata have these names, some of them perhaps equal."""
    texts = ", ".join(f'"{name}": "x"' for name in names)
    return f'{json.dumps(VALID[0])[:-1]}, "metadata": {{{texts}}}}}'.encode()


REQUEST: Final = st.fixed_dictionaries(
    {
        "method": st.sampled_from(METHODS),
        "path": st.sampled_from(PATHS) | st.text(max_size=20).map(lambda text: "/" + text),
        "query": st.sampled_from(["", f"token={SECRET}", "%ff=%00"]),
        "type": st.sampled_from(TYPES),
        "token": st.sampled_from(["client", "client", "admin", "metrics", SECRET, ""]),
        "fields": st.dictionaries(
            st.sampled_from(["Host", "Content-Encoding", "X-Request-Id", "Accept", "Range", "Cookie", "Expect"]),
            st.sampled_from(["identity", "gzip", "x", "\xff", "", "a" * 300]),
            max_size=2,
        ),
        "body": bodies(),
    }
)


def call(app: Flask, sent: dict[str, Any], token: str) -> tuple[int, str]:
    """Send a request as a server does, without a client that would correct it; return status and everything else."""
    body = sent["body"]
    environ = {
        "REQUEST_METHOD": sent["method"],
        # As servers pass paths on: bytes, each as one character.
        "PATH_INFO": sent["path"].encode("utf-8", "surrogatepass").decode("latin-1"),
        "QUERY_STRING": sent["query"],
        "CONTENT_TYPE": sent["type"],
        "CONTENT_LENGTH": str(len(body)),
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8080",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_AUTHORIZATION": f"Bearer {token}",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in sent["fields"].items()},
    }
    said: list[Any] = []
    content = b"".join(app(environ, lambda *head: said.extend(head)))  # type: ignore[arg-type]
    return int(said[0].split()[0]), f"{said[1]}{content.decode()}"


def find_fault(app: Flask, tokens: dict[str, str], sent: dict[str, Any]) -> str | None:
    """Send a request; return what is wrong with the answer, or None."""
    status, rest = call(app, sent, tokens.get(sent["token"], sent["token"]))
    if status >= INTERNAL and status != UNAVAILABLE:
        return f"status {status}"
    # Neither a redirect nor a page is an answer.
    if status >= REDIRECT and "application/problem+json" not in rest:
        return f"no problem with status {status}"
    return "secret in the answer" if status >= REDIRECT and SECRET in rest else None


def run_round(app: Flask, tokens: dict[str, str], number: int) -> Counter[str]:
    """Send the requests of one round, which are the same in every run; return the faults."""
    found: Counter[str] = Counter()

    @seed(number)
    @settings(max_examples=A_ROUND, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(REQUEST)
    def send(sent: dict[str, Any]) -> None:
        try:
            fault = find_fault(app, tokens, sent)
        except Exception as error:  # noqa: BLE001 an app that raises would be a dead worker
            fault = f"raised {type(error).__name__}"
        found["requests"] += 1
        if fault:
            found[fault] += 1

    send()
    return found


def make_home(home: Path) -> None:
    """Make a home that is ready for a scorer, unless an earlier run has made it."""
    if not (home / "releases").exists():
        Version().require(home.parent, "-P", str(WORLD), str(home))
        prepare_home(Version(), home)


def main(home: Path) -> None:
    """Run the rounds that are missing, and record the number of faults.

    Raises:
        SystemExit: There were faults.
    """
    make_home(home)
    noted = home / ROUNDS
    total: Counter[str] = Counter(json.loads(noted.read_text()) if noted.exists() else {})
    scorer, log = ScorerSettings(home=home), Log()
    clock = BusinessClock(NOON - BusinessClock().now())
    services = Services(scorer, clock, load_access(scorer.access_path), Metrics(), log)
    Poller(services).poll()
    app, tokens = create_app(services), {path.stem: path.read_text().strip() for path in home.glob("secrets/*.token")}
    while total["requests"] < REQUESTS:
        total += run_round(app, tokens, total["rounds"])
        total["rounds"] += 1
        total += log.faults
        log.faults.clear()
        noted.write_text(json.dumps(total))
        print(dict(total), flush=True)
    faults = sum(total.values()) - total["requests"] - total["rounds"]
    record("scorer.fuzz_500", faults, "faults", COMMAND, baseline=f"{total['requests']} requests")
    if services.opened_store:
        services.opened_store.close()
    if faults:
        raise SystemExit(f"{faults} faults: {dict(total)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="folder of the rounds that are done; default: a new one")
    folder = parser.parse_args().home
    if folder:
        main(folder.absolute())
    else:
        with tempfile.TemporaryDirectory() as scratch:
            main(Path(scratch) / "home")

"""Schemathesis makes requests from the OpenAPI document: every answer is one that the document promises."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from antifraud.api.operations import OPERATIONS
from antifraud.keys.access import SCOPES, hash_token
from tests.serving.processes import GunicornScorer, wait_for

CASES = 5_000
CONFIGURATION = """
headers = {{ Authorization = "Bearer ${{SCORER_TOKEN}}" }}
seed = 1
[generation]
max-examples = {examples}
[checks]
# A service that a request has suspended answers 503 by right.
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", 503]
# The schema cannot say that an event is recent, or that an integer has no decimal point.
positive_data_acceptance.expected-statuses = ["2xx", 404, 409, 422, 503]
"""


@pytest.fixture
def everything(home):
    """A scorer with a token that may do everything, so that no request ends at its token."""
    (home / "secrets").mkdir(exist_ok=True)
    entry = {"client": "all", "sha256": hash_token("all"), "scopes": sorted(SCOPES)}
    (home / "secrets" / "access.json").write_text(json.dumps({"clients": [entry]}))
    for name in ("client", "admin"):
        (home / "secrets" / f"{name}.token").write_text("all")
    running = GunicornScorer(home).start()
    yield running
    running.stop()


@pytest.mark.prove
def test_answers_are_as_promised(everything, tmp_path):
    """5,000 cases with all checks: no 500, no undocumented status, type or header, and the same workers at the end."""
    workers = everything.workers()
    program = shutil.which("schemathesis", path=str(Path(sys.executable).parent))
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION.format(examples=CASES // len(OPERATIONS)))
    done = subprocess.run(
        [program, "run", f"{everything.url}/openapi.json", "--checks", "all", "--no-color"],
        cwd=tmp_path,
        env={**os.environ, "SCORER_TOKEN": "all", "PYTHONWARNINGS": "default"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
    wait_for(lambda: everything.workers() == workers, "the same workers")

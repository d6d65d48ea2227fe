"""An ingest shows its key in no plan, log, page of the UI, command line, environment, scratch file or output."""

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest

from antifraud.keys.pseudonym import generate_keyring, load_active_key
from antifraud.settings.core import JobSettings
from tests.spark.raw_example import D1, D2, D3, write_feed

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 12
"""Bytes of a piece of the key: shorter ones could be found by chance, longer ones could be cut by a line break."""


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """Return the settings of an ingest and the folder with everything that can be seen of it, output included."""
    settings = JobSettings(home=tmp_path_factory.mktemp("watched"))
    settings.raw_path.mkdir(parents=True)
    generate_keyring(settings.keyring_path)
    write_feed(settings.raw_path)
    folder = tmp_path_factory.mktemp("seen")
    environment = os.environ | {
        "ANTIFRAUD_HOME": str(settings.home), "ANTIFRAUD_QUARANTINE_LIMIT": "1.0", "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    script = Path(__file__).with_name("ingest_watched.py")
    command = [sys.executable, str(script), str(folder), str(D1), str(D2), str(D3)]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr.decode()
    (folder / "output").write_bytes(ended.stdout + ended.stderr)
    return settings, folder


def spellings(secret):
    """Yield pieces of the key, plain and XORed with HMAC's pads, as bytes, hex, base64 and lists of numbers."""
    for pad in (0, 0x36, 0x5C):
        padded = bytes(byte ^ pad for byte in secret)
        yield from (
            padded[:LONGEST],
            padded.hex()[: 2 * LONGEST].encode(),
            padded.hex()[: 2 * LONGEST].upper().encode(),
        )
        yield base64.b64encode(padded)[: LONGEST + 3]
        for signed in (False, True):
            numbers = [byte - 256 if signed and byte > 127 else byte for byte in padded[:LONGEST]]
            yield from (separator.join(map(str, numbers)).encode() for separator in (",", ", ", " "))


def test_the_key_is_nowhere_to_be_seen(watched):
    """No file that can be seen, and none of the lake, holds the key in any spelling.

    The same search finds the key in the key ring itself.
    """
    settings, seen = watched
    wanted = list(spellings(load_active_key(settings.keyring_path).secret))
    files = {path.relative_to(seen): path.read_bytes() for path in seen.rglob("*") if path.is_file()}

    assert any(spelling in settings.keyring_path.read_bytes() for spelling in wanted)
    assert {str(name) for name, content in files.items() if any(spelling in content for spelling in wanted)} == set()
    lake = [path for path in settings.under_home("lake").rglob("*") if path.is_file()]
    assert [path for path in lake if any(spelling in path.read_bytes() for spelling in wanted)] == []


def test_the_views_show_something(watched):
    """The search has real content to look at: plans, queries, rows on disk and the JVM's command line."""
    _, seen = watched
    plans = (seen / "plans-judge_rows").read_text()
    events = b"".join(path.read_bytes() for path in (seen / "events").rglob("*") if path.is_file())
    commands = b" ".join(path.read_bytes() for path in seen.glob("cmdline-*"))

    assert plans.count("customer:") >= 3
    assert "hidden_k1" in plans
    assert b"SparkListenerSQLExecutionStart" in events
    assert b"k1." in b"".join(path.read_bytes() for path in seen.glob("clean_rows-rdd_*"))
    assert b"sha2(concat(" in events
    assert b"org.apache.spark.deploy.SparkSubmit" in commands
    assert b"sha2(concat(" in b"".join(path.read_bytes() for path in seen.glob("page-*"))

"""The runbook's way to a token for another client ends in an access file that knows it."""

import json
import re
import subprocess
from pathlib import Path

from antifraud.keys.access import load_access

RUNBOOK = Path(__file__).resolve().parents[3] / "docs" / "runbook.md"


def test_the_commands_of_the_runbook_make_a_token_and_its_entry(tmp_path):
    """The shell block makes a private token and prints its hash, and the entry grants what it says."""
    section = RUNBOOK.read_text().partition("## Access of a client\n")[2].partition("\n## ")[0]
    block, entry = (re.search(rf"```{kind}\n(.*?)```", section, re.DOTALL)[1] for kind in ("sh", "json"))

    printed = subprocess.run(["sh", "-euc", block], cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    written = {**json.loads(entry), "sha256": printed.split()[0]}
    (tmp_path / "access.json").write_text(json.dumps({"clients": [written]}))
    caller = load_access(tmp_path / "access.json").caller_of((tmp_path / "shop.token").read_text().strip())
    assert (caller.client, sorted(caller.scopes), caller.namespace) == ("shop", ["decide", "label", "read"], "shop")
    assert (tmp_path / "shop.token").stat().st_mode & 0o777 == 0o600

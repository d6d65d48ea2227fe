"""Generated documents are up to date with the code."""

import re

import pytest

from docs.generate import PAGES, ROOT
from infra.local.environment import MARK

VARIABLE = re.compile(r'"((?:ANTIFRAUD|SCORER)_[A-Z_]+)"')


@pytest.mark.parametrize("name", sorted(PAGES))
def test_generated_page_is_current(name):
    """Each generated page equals what the code generates today."""
    assert (ROOT / name).read_text() == PAGES[name](), "stale: run `make docs` and commit the result"


def test_no_process_reads_a_setting_that_is_not_listed():
    """docs/settings.md lists every variable that the code names, except the mark by which a run knows its own."""
    files = [path for part in ("dags", "serving", "infra", "jobs") for path in (ROOT / part).rglob("*.py")]
    named = {name for path in files for name in VARIABLE.findall(path.read_text())} - {MARK}

    assert {"SCORER_BIND", "ANTIFRAUD_REPLAY_END"} <= named
    assert {name for name in named if f"`{name}`" not in (ROOT / "docs" / "settings.md").read_text()} == set()

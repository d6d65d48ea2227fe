"""Documents that come from code say what the code says today."""

import re

import pytest

from docs.generate import PAGES, ROOT
from infra.local.environment import MARK

VARIABLE = re.compile(r'"((?:ANTIFRAUD|SCORER)_[A-Z_]+)"')


@pytest.mark.parametrize("name", sorted(PAGES))
def test_generated_page_is_current(name):
    """A page that differs from its source must be regenerated with `make docs`."""
    assert (ROOT / name).read_text() == PAGES[name](), "stale: run `make docs` and commit the result"


def test_no_process_reads_a_setting_that_is_not_listed():
    """Whatever is named in code that starts, schedules or serves; but for the mark by which a run knows its own."""
    files = [path for part in ("dags", "serving", "infra", "jobs") for path in (ROOT / part).rglob("*.py")]
    named = {name for path in files for name in VARIABLE.findall(path.read_text())} - {MARK}

    assert {"SCORER_BIND", "ANTIFRAUD_REPLAY_END"} <= named
    assert {name for name in named if f"`{name}`" not in (ROOT / "docs" / "settings.md").read_text()} == set()

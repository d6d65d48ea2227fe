"""Documents that come from code say what the code says today."""

import pytest

from docs.generate import PAGES, ROOT


@pytest.mark.parametrize("name", sorted(PAGES))
def test_generated_page_is_current(name):
    """A page that differs from its source must be regenerated with `make docs`."""
    assert (ROOT / "docs" / name).read_text() == PAGES[name](), "stale: run `make docs` and commit the result"

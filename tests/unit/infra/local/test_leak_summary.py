"""The summary of a run shows what the leak scan found, and what it could not search."""

import pytest

from infra.local.summary import _monitor

CUT = {"path": "logs/a.gz", "place": "", "reason": "gzip: it ends early", "parts": 1}
LINE = "  not searched: logs/a.gz: gzip: it ends early"


@pytest.mark.parametrize(
    ("identifiers", "unsearchable", "expected"),
    [
        (1200, [], ["  leak scan: 1,200 raw identifiers, 0 found outside the raw zone"]),
        (1200, [CUT], ["  leak scan: 1,200 raw identifiers, 0 found outside the raw zone", LINE]),
        (
            0,
            [CUT],
            ["  leak scan: identifiers are too short to be distinguished from counts; only columns were audited", LINE],
        ),
    ],
)
def test_unsearchable_files_are_shown(identifiers, unsearchable, expected):
    """Each file that could not be searched has a line below the leak scan's."""
    leaks = {"identifiers": identifiers, "findings": [], "unsearchable": unsearchable}

    assert _monitor({"leaks": leaks}) == ["MONITOR", *expected]

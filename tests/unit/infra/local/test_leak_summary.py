"""The summary of a run shows what the leak scan found, and what it could not search."""

from types import SimpleNamespace

import pytest

from antifraud.errors import PublishError
from infra.local import run
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


def test_a_result_of_version_0_1_0_is_shown():
    """It says nothing of files that could not be searched, and a run goes on in such a home."""
    assert _monitor({"leaks": {"identifiers": 1200, "findings": []}}) == [
        "MONITOR",
        "  leak scan: 1,200 raw identifiers, 0 found outside the raw zone",
    ]


@pytest.mark.parametrize(("scanned", "said"), [(True, ["summary"]), (False, [])])
def test_a_run_with_a_failed_monitor_shows_its_summary_and_fails(scanned, said, tmp_path, monkeypatch):
    """If the leak scan came to its end, the summary is shown before the run fails; without its report it is not."""
    if scanned:
        (tmp_path / "reports" / "2026-04-10").mkdir(parents=True)
        (tmp_path / "reports" / "2026-04-10" / "leaks.json").write_text("{}")
    shown = []
    monkeypatch.setattr(run, "render", lambda summary: summary)
    fake = SimpleNamespace(
        home=tmp_path,
        _newest_day="2026-04-10",
        progress=SimpleNamespace(say=shown.append),
        _summary=lambda: "summary",
    )

    def fail(*_):
        raise PublishError("monitor failed")

    with pytest.raises(PublishError, match="monitor failed"):
        run.Run._monitor(fake, SimpleNamespace(run=fail))
    assert shown == said

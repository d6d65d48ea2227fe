"""Files of the standing judgement: pages first, the judgement last, and beside the pointer only a sound one."""

import datetime as dt

import pytest

from antifraud.artifacts.judgement import JUDGEMENT, read_judgement
from antifraud.client.errors import Unreachable
from antifraud.client.switch import SwitchSeen
from antifraud.errors import NotEnoughRows, ReportError, SettingsError
from antifraud.settings.core import JobSettings
from jobs.judge import parser
from jobs.judging import standing_files
from jobs.judging.standing import Moment, StandingFound
from jobs.judging.standing_files import (
    describe_judgement,
    folder_of,
    publish_standing,
    see_moment,
    write_standing,
)
from jobs.judging.standing_list import long_span
from jobs.publish_judgement import main
from jobs.reporting.standing import render_standing
from jobs.rows.windows import windows_as_of
from tests.judgement_example import AS_OF, MADE_AT, UNKNOWN, judged, judgement
from tests.report_example import REPLAY, report


@pytest.fixture
def settings(tmp_path):
    """Return a home with the bundles that the example of a judgement names."""
    for release in ("r1", "r2", "r3"):
        (tmp_path / "releases" / release).mkdir(parents=True)
        (tmp_path / "releases" / release / "manifest.json").write_text("{}")
    return JobSettings(home=tmp_path)


def test_a_written_judgement_can_be_published(settings, capsys):
    """The page of each release lies in its folder, and the guard's file has the judgement of the reports."""
    folder = folder_of(settings, AS_OF, None)
    write_standing(folder, StandingFound(judgement(), {"r2": report(**REPLAY)}))
    assert sorted(path.name for path in folder.iterdir()) == [JUDGEMENT, "r2", "standing.html"]
    assert (folder / "r2" / "report.html").exists()
    main(settings, parser().parse_args(["--as-of", "2026-04-10"]))
    assert read_judgement(settings.releases_dir).judgement == judgement()
    said = capsys.readouterr().out.splitlines()
    assert said[0].endswith("A trip of the guard may leave or put into service: r2, r1.")
    assert said[1] == "  r3 (champion): The rate is at most 7.1%, the limit is 5.0%."


@pytest.mark.parametrize(
    ("content", "said"), [(None, "there is no judgement.json"), ("{", "is damaged")], ids=["missing", "damaged"]
)
def test_a_judgement_that_is_not_sound_is_not_published(settings, content, said):
    """The file beside the pointer stays as it was."""
    folder = folder_of(settings, AS_OF, None)
    folder.mkdir(parents=True)
    if content:
        (folder / JUDGEMENT).write_text(content)
    with pytest.raises(ReportError, match=said):
        publish_standing(settings, folder)
    assert not (settings.releases_dir / JUDGEMENT).exists()


def test_a_kill_before_the_judgement_leaves_none(settings, monkeypatch):
    """The judgement is written last, so a folder with one is complete."""

    def die(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(standing_files, "write_judgement", die)
    folder = folder_of(settings, AS_OF, None)
    with pytest.raises(KeyboardInterrupt):
        write_standing(folder, StandingFound(judgement(), {}))
    assert (folder / "standing.html").exists()
    assert not (folder / JUDGEMENT).exists()


def test_a_newer_judgement_stands(settings):
    """Publishing an older night again returns the newer one."""
    newer, older = settings.home / "newer", settings.home / "older"
    write_standing(newer, StandingFound(judgement(made_at=MADE_AT + 5), {}))
    write_standing(older, StandingFound(judgement(), {}))
    publish_standing(settings, newer)
    assert publish_standing(settings, older).made_at == MADE_AT + 5


def test_a_judgement_after_a_trip_has_a_folder_of_its_own(settings):
    """The nightly pages are not overwritten."""
    onset = parser().parse_args(["--as-of", "2026-04-10", "--onset", "2026-04-01"]).onset
    assert folder_of(settings, AS_OF, onset).name == "standing-since-2026-04-01"
    assert folder_of(settings, AS_OF, None).name == "standing"


@pytest.mark.parametrize(
    ("error", "said"),
    [(Unreachable("no answer"), "no answer"), (SettingsError("set ANTIFRAUD_SCORER_URL"), "set ANTIFRAUD_SCORER_URL")],
    ids=["unreachable", "unknown"],
)
def test_a_scorer_that_does_not_answer_is_a_warning(settings, monkeypatch, error, said):
    """Releases are judged on the lake, so the judgement only lacks the epoch."""

    def fail(_):
        raise error

    monkeypatch.setattr(standing_files, "read_switch", fail)
    assert see_moment(settings, AS_OF, None) == Moment(
        AS_OF, warnings=(f"The scorer has not told its switch ({said}).",)
    )


def test_the_release_that_the_switch_names_is_judged_too(settings, monkeypatch):
    """While the service is rolled back, the pointer does not say what serves."""
    monkeypatch.setattr(standing_files, "read_switch", lambda _: SwitchSeen("ROLLED_BACK", 9, "guard", "trip", "r1"))
    assert see_moment(settings, AS_OF, None) == Moment(AS_OF, serving="r1", switch_epoch=9)
    monkeypatch.setattr(standing_files, "read_switch", lambda _: None)
    assert see_moment(settings, AS_OF, None) == Moment(AS_OF)


def test_the_page_has_each_release_with_both_tests():
    """A release without a page has no link, and one that was not judged has its reason."""
    html = render_standing(judgement(*judgement().releases, judged("r0", None, long=UNKNOWN, onset=None)), {"r2"})
    assert "A trip of the guard may leave or put into service: r2, r1." in html
    assert '<a href="r2/report.html">r2</a>' in html
    assert "r1/report.html" not in html
    assert "Its bundle does not verify." in html
    assert "not judgeable" in html
    assert html.count("2 of 4") == 1
    none = render_standing(judgement(judged("r0", None, long=UNKNOWN, onset=None)), ())
    assert "No release passes both tests, so a trip of the guard suspends the service." in none


def test_the_lines_of_the_terminal_have_the_warnings():
    """A judgement without a release that passes says what a trip would do."""
    bare = judgement(judged("r0", None, long=UNKNOWN, onset=None))
    lines = describe_judgement(bare)
    assert lines[0].endswith("No release passes both tests, so a trip of the guard suspends the service.")
    assert lines[1:] == ["  r0 (ladder): Its bundle does not verify."]


def test_the_long_test_takes_the_matured_days_after_the_own_certify_window():
    """At most as many as a certify window has, at least 14, and the message says when there will be enough."""
    settings = JobSettings(certify_days=28)
    trained = windows_as_of(
        dt.date(2026, 2, 22), train_days=13, select_days=8, certify_days=14, label_delay_days=7
    )  # certify ends on 2026-02-15
    assert str(long_span(trained, dt.date(2026, 3, 8), settings)) == "2026-02-16..2026-03-01"
    assert str(long_span(trained, dt.date(2026, 4, 30), settings)) == "2026-03-27..2026-04-23"
    with pytest.raises(NotEnoughRows, match=r"Only 13 matured days lie after .* which is so after 2026-03-08"):
        long_span(trained, dt.date(2026, 3, 7), settings)

"""The file of the standing judgement: whatever is wrong with it, it counts as none and says by name why."""

import json

import pytest

from antifraud.artifacts.judgement import JUDGEMENT, Trouble, read_judgement, stand
from tests.judgement_example import MADE_AT, UNKNOWN, judged, judgement


@pytest.fixture
def releases(tmp_path):
    """Return a releases folder with three bundles, of which only the manifests matter here."""
    for release in ("r1", "r2", "r3"):
        (tmp_path / release).mkdir()
        (tmp_path / release / "manifest.json").write_text("{}")
    return tmp_path


def test_a_written_judgement_is_read_back(releases):
    """The file holds the judgement and its hash."""
    made = stand(releases, judgement())
    assert read_judgement(releases).judgement == made == judgement()
    assert json.loads((releases / JUDGEMENT).read_text())["sha256"] == made.sha256


def test_a_newer_judgement_stays(releases):
    """A night that is repeated later does not take back what a newer one has found."""
    newer = stand(releases, judgement(made_at=MADE_AT + 60))
    assert stand(releases, judgement()) == newer
    assert read_judgement(releases).judgement == newer


def test_a_damaged_judgement_is_replaced(releases):
    """A file that nobody can read does not keep the next one away."""
    (releases / JUDGEMENT).write_text("{")
    assert stand(releases, judgement()) == read_judgement(releases).judgement


def test_a_missing_judgement_has_a_name(releases):
    """The reader says what to run."""
    found = read_judgement(releases)
    assert (found.judgement, found.trouble) == (None, Trouble.MISSING)
    assert found.words == "there is no judgement.json: run the DAG monitor"


def _cut(text):
    return text[:-40]


def _flip(text):
    return text.replace('"fpr_bound": 0.0461', '"fpr_bound": 0.0161', 1)


def _newer_version(text):
    return text.replace('"version": 1', '"version": 2')


@pytest.mark.parametrize(
    ("damage", "trouble"),
    [
        (_cut, Trouble.DAMAGED),
        (_flip, Trouble.DAMAGED),
        (_newer_version, Trouble.UNKNOWN_VERSION),
        (lambda _: "[]", Trouble.DAMAGED),
        (lambda _: "", Trouble.DAMAGED),
        (lambda _: '{"judgement": {"version": 1}, "sha256": ""}', Trouble.DAMAGED),
    ],
    ids=["cut", "another number", "another version", "a list", "empty", "no fields"],
)
def test_a_file_that_cannot_be_trusted_counts_as_none(releases, damage, trouble):
    """Each kind of damage has its name, and none raises."""
    stand(releases, judgement())
    path = releases / JUDGEMENT
    path.write_text(damage(path.read_text()))
    found = read_judgement(releases)
    assert (found.judgement, found.trouble) == (None, trouble)
    assert found.words.endswith("it counts as none until the DAG monitor writes a new one")


def test_a_file_that_is_no_text_counts_as_none(releases):
    """Bytes that are no UTF-8, and a folder in the file's place, are told by the kind of error."""
    (releases / JUDGEMENT).write_bytes(b"\xff\xfe")
    assert read_judgement(releases).trouble is Trouble.UNREADABLE
    (releases / JUDGEMENT).unlink()
    (releases / JUDGEMENT).mkdir()
    assert read_judgement(releases).trouble is Trouble.UNREADABLE


def test_an_older_judgement_than_was_seen_counts_as_none(releases):
    """Somebody has put back an older file; the same one is fine."""
    stand(releases, judgement())
    assert read_judgement(releases, seen=MADE_AT).judgement == judgement()
    found = read_judgement(releases, seen=MADE_AT + 1)
    assert (found.judgement, found.trouble) == (None, Trouble.OLDER)


@pytest.mark.parametrize("name", ["r4", "../r1", "r1/../r2", "/etc"])
def test_releases_that_are_not_there_make_it_count_as_none(releases, name):
    """Neither a removed release nor a name that leads elsewhere is believed."""
    stand(releases, judgement(judged(name, judgement().as_of_day)))
    found = read_judgement(releases)
    assert (found.judgement, found.trouble) == (None, Trouble.UNKNOWN_RELEASE)
    assert f"names releases that are not there: {name}" in found.words


def test_a_release_that_was_damaged_when_judged_may_be_gone(releases):
    """A removed bundle passes nothing, so the other releases stay judged."""
    made = judgement(judged("gone", None, long=UNKNOWN, onset=None), *judgement().releases)
    stand(releases, made)
    assert read_judgement(releases).judgement == made

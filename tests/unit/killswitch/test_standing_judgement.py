"""The standing judgement as values: what passes, what is fresh, what is chosen, and its canonical text."""

import dataclasses
import datetime as dt

import pytest

from antifraud.killswitch.judgement import (
    Choice,
    Judged,
    Judgement,
    Outcome,
    Role,
    Standing,
    Terms,
    UnknownVersion,
    choose,
)
from tests.judgement_example import BAD, GOOD, MADE_AT, UNKNOWN, judged, judgement

HOUR = 3_600


ONSET = dt.date(2026, 4, 1)


@pytest.mark.parametrize(
    ("long", "onset", "passes", "reason"),
    [
        (GOOD, GOOD, True, "It passes both tests."),
        (BAD, GOOD, False, "The rate is at most 7.1%, the limit is 5.0%."),
        (GOOD, BAD, False, "The rate is at most 7.1%, the limit is 5.0%."),
        (UNKNOWN, BAD, False, "Its bundle does not verify."),
        (GOOD, None, False, "The onset test was not made."),
    ],
    ids=["both", "long fails", "onset fails", "unreadable", "no onset test"],
)
def test_a_release_passes_only_if_both_tests_do(long, onset, passes, reason):
    """The reason is that of the first test that does not pass; a test that was not made is none that passes."""
    found = Judged.of_tests("r1", Role.LADDER, dt.date(2026, 3, 12), long, onset)
    assert (found.passes, found.reason) == (passes, reason)


def test_the_newest_release_that_passes_is_chosen():
    """The champion fails its onset test, and r2 is newer than r1."""
    assert choose(judgement(), MADE_AT, ONSET, "r3") == Choice(
        "r2", stays=False, reason="r2 is the newest release that passes both tests."
    )


def test_a_serving_release_that_passes_stays():
    """r1 serves and passes, although the newer r2 does, too."""
    assert choose(judgement(), MADE_AT, ONSET, "r1") == Choice(
        "r1", stays=True, reason="r1, which serves, passes both tests."
    )


@pytest.mark.parametrize(("onset", "release"), [("2026-04-03", "r2"), ("2026-04-04", None)])
def test_a_release_counts_only_if_a_day_since_the_onset_was_judged(onset, release):
    """The days of the tests end on the third of April; a later trouble cannot be seen on them."""
    found = choose(judgement(), MADE_AT, dt.date.fromisoformat(onset), "r3")

    assert found.release == release
    assert (found.reason == "r2, r1 pass on days before the onset on 2026-04-04 only.") is (release is None)


def test_a_release_that_tripped_is_not_chosen():
    """The guard's evidence stands above a judgement: neither a tripped release that serves nor another one is taken."""
    assert choose(judgement(), MADE_AT, ONSET, "r1", tripped=["r1"]).release == "r2"
    assert choose(judgement(), MADE_AT, ONSET, "r1", tripped=["r1", "r2"]) == Choice(
        None, stays=False, reason="None of 3 judged releases passes both tests."
    )


def test_nothing_is_chosen_without_a_judgement():
    """A missing file is no permission."""
    assert choose(None, MADE_AT, ONSET, "r3") == Choice(None, stays=False, reason="There is no standing judgement.")


@pytest.mark.parametrize(("hours", "fresh"), [(-2, False), (-1, True), (0, True), (36, True), (37, False)], ids=str)
def test_a_judgement_expires_after_36_hours(hours, fresh):
    """A judgement from more than an hour ahead would never expire, so it is not fresh."""
    assert judgement().is_fresh(MADE_AT + hours * HOUR) is fresh
    assert (choose(judgement(), MADE_AT + hours * HOUR, ONSET, "r3").release == "r2") is fresh


def test_the_reason_of_an_expired_judgement_has_its_age():
    """The sentence names day, age and limit."""
    assert choose(judgement(), MADE_AT + 40 * HOUR, ONSET, "r3").reason == (
        "The standing judgement of 2026-04-10 is 40 hours old, at most 36 are allowed."
    )


def test_a_judgement_comes_back_from_its_values():
    """Plain values give an equal judgement with an equal hash, whatever the order of the keys."""
    made = judgement()
    values = dict(reversed(made.to_dict().items()))
    assert Judgement.from_dict(values) == made
    assert Judgement.from_dict(values).sha256 == made.sha256


def test_the_canonical_text_is_compact_and_sorted():
    """The bytes of a judgement without releases are written out: other code may hash them, too."""
    terms = Terms(fpr_limit=0.05, loss_limit_minor=50, delta=0.0025, onset_delta=0.05)
    bare = Judgement(made_at=5, as_of_day=dt.date(2026, 4, 10), switch_epoch=None, terms=terms, releases=())
    assert bare.to_bytes() == (
        b'{"as_of_day":"2026-04-10","made_at":5,"releases":[],"switch_epoch":null,'
        b'"terms":{"delta":0.0025,"fpr_limit":0.05,"loss_limit_minor":50,"onset_delta":0.05},'
        b'"version":1,"warnings":[]}'
    )
    assert bare.sha256 == "fdea0afd81196b4b50ca84711c69bac40e10be0459bef8fb899766b5c2427f8c"


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        ({"version": 2}, UnknownVersion, "version 2, expected 1"),
        ({"made_at": "now"}, ValueError, "its time or its day is missing"),
        ({"as_of_day": None}, ValueError, "its time or its day is missing"),
        ({"terms": {}}, ValueError, "lacks a field"),
        ({"more": 1}, ValueError, "lacks a field or has a strange one"),
        ({"releases": [{}]}, ValueError, "lacks a field"),
        ({"releases": 5}, ValueError, "lacks a field"),
    ],
    ids=["version", "time", "day", "terms", "another field", "release", "releases"],
)
def test_strange_values_are_refused(change, kind, said):
    """Each kind of malformed value has a sentence of its own kind."""
    with pytest.raises(kind, match=said):
        Judgement.from_dict(judgement().to_dict() | change)


def test_a_pass_that_no_test_gives_is_refused():
    """A file cannot say that a release passes while one of its tests fails."""
    values = judgement().to_dict()
    values["releases"][0]["passes"] = True
    with pytest.raises(ValueError, match="release r3 is said to pass although a test does not"):
        Judgement.from_dict(values)


def test_figures_that_are_missing_stay_missing():
    """A test that could not be made has no figures."""
    made = judgement(judged("r1", None, long=UNKNOWN, onset=None))
    (back,) = Judgement.from_dict(made.to_dict()).releases
    assert back.long == Outcome(verdict=Standing.NOT_JUDGEABLE, sentence="Its bundle does not verify.")
    assert (back.trained, back.onset) == (None, None)
    assert dataclasses.asdict(back.long)["fpr_bound"] is None

"""A service that comes back by itself, from one seed: it never goes back to a release that is not good today."""

import json
from collections import Counter

import pytest

from antifraud.artifacts import judgement as file
from antifraud.killswitch import consequence
from antifraud.killswitch.judgement import Choice, Judged, Judgement, choose
from bench.switch.simulator.__main__ import explain_way_back
from bench.switch.simulator.stage import Violated
from bench.switch.simulator.way_back import try_way_back
from jobs.judging import recovering
from serving.api import recovering as handler
from serving.guard import tripping

GROUP = 6
GROUPS = [0, *(pytest.param(first, marks=pytest.mark.prove) for first in range(GROUP, 500, GROUP))]


@pytest.mark.parametrize("first", GROUPS)
def test_every_way_back_obeys_the_rules(first):
    """Judgements that are damaged, old or replaced, kills between two steps, and admins: no wrong release serves."""
    ways = sum((explain_way_back(seed) for seed in range(first, first + GROUP)), Counter())

    assert ways["trip to ROLLED_BACK"] + ways["trip to SUSPENDED"] >= 3


def choose_any(_trip, judgement, _trouble, _now, tripped):
    """Choose a judged release, whether it passes or not."""
    names = [each.release for each in judgement.releases if each.release not in tripped] if judgement else []
    return Choice(min(names, default=None), stays=False, reason="Any.")


def choose_what_has_tripped(judgement, now, onset, serving, tripped=()):
    """Choose what serves if it passes, also after it has tripped."""
    return choose(judgement, now, onset, None, set(tripped) - {serving})


def find_judged(_settings, judgement, _reports, _wall):
    """Return all judged releases, whoever has loaded them."""
    return frozenset(each.release for each in judgement.releases)


FAULTS = {
    "a judgement never expires": ([(Judgement, "is_fresh", lambda *_: True)], "by a judgement that is .* seconds old"),
    "a judgement without its checksum": (
        [(file, "_decoded", lambda text: Judgement.from_dict(json.loads(text)["judgement"]))],
        "no judgement that stands",
    ),
    "days of before the onset": ([(Judged, "reaches", lambda *_: True)], "no day since the onset"),
    "releases that nobody has loaded": (
        [(tripping, "find_loaded", find_judged)],
        "has not loaded|is damaged",
    ),
    "a release that has tripped": ([(consequence, "choose", choose_what_has_tripped)], "has tripped|has not loaded"),
    "a recovery to any release": (
        [(recovering, "choose_for_recovery", choose_any), (handler, "choose_for_recovery", choose_any)],
        "recovered although it does not pass|seconds old|no day since the onset",
    ),
    "a PASS that resumes at once": (
        [(recovering, "may_resume", lambda *_: True), (handler, "may_resume", lambda *_: True)], "a PASS has resumed",
    ),
}  # fmt: skip


@pytest.mark.prove
@pytest.mark.parametrize("fault", FAULTS)
def test_faults_of_the_way_back_are_found(monkeypatch, fault):
    """Each fault that is put into the real code breaks the rule that is meant for it, in one of sixty seeds."""
    wrong, message = FAULTS[fault]
    for place, name, with_fault in wrong:
        monkeypatch.setattr(place, name, with_fault)

    with pytest.raises(Violated, match=message):
        try_ways(range(60))


def try_ways(seeds):
    for seed in seeds:
        try_way_back(seed)

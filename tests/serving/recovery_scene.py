"""A scorer that a trip has suspended, judgements that pass or fail, and a candidate with a certify window."""

import datetime as dt

from antifraud.artifacts.bundle import verify_bundle, write_bundle
from antifraud.artifacts.judgement import write_judgement
from antifraud.clock import DAY_SECONDS, date_of
from antifraud.killswitch.consequence import Situation, answer_trip
from antifraud.killswitch.judgement import Role
from antifraud.killswitch.machine import trip
from serving.store.port import Inspection
from tests.judgement_example import BAD, GOOD, judged, judgement
from tests.release_keys import PUBLIC, SIGNING
from tests.serving.scene import DAY, NOON

ONSET = date_of(DAY - 9)
TODAY = date_of(DAY)
RECOVERY = "recovery"
"""The client with the scope `judge`."""


def suspend_by_trip(scorer, release="first"):
    """Suspend as a guard does that has no judgement; return the switch."""
    before = scorer.store.switch()
    tripped = trip(before, release=release, reason="too many flags", at=NOON, evidence={})
    after = answer_trip(before, tripped, Situation(serving=release, onset=str(ONSET), trouble="There is none."))
    assert scorer.store.commit_inspection(Inspection(scorer.store.closed_day(), suspend=after))
    scorer.poller.poll()
    return after


def judge(*passing, failing=("first",), made_at=DAY * DAY_SECONDS):
    """Return a judgement in which these releases pass, the first of them the newest."""
    good = [judged(name, TODAY - dt.timedelta(days=20 + age), long=GOOD) for age, name in enumerate(passing)]
    bad = [judged(name, TODAY - dt.timedelta(days=8), onset=BAD, role=Role.CHAMPION) for name in failing]
    return judgement(*bad, *good, made_at=made_at)


def stand(home, *passing, **more):
    """Let such a judgement stand; return it."""
    made = judge(*passing, **more)
    write_judgement(home / "releases", made)
    return made


def copy_release(home, name, *, certify_last=None, **changes):
    """Write a bundle with the files of ``second``; its certify window may end on a day."""
    bundle = verify_bundle(home / "releases" / "second", PUBLIC)
    manifest = {name: value for name, value in bundle.manifest.items() if name not in {"files", "release"}}
    if certify_last:
        first = certify_last - dt.timedelta(days=27)
        manifest["windows"] = {"certify": {"first": str(first), "last": str(certify_last)}}
    write_bundle(home / "releases", name, dict(bundle.files), {**manifest, **changes}, SIGNING)

"""A scorer that a trip has suspended, judgements that pass or fail, and a candidate with a certify window."""

import datetime as dt
import shutil
import threading
import time
from contextlib import contextmanager

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from werkzeug.serving import make_server

from antifraud.artifacts.bundle import verify_bundle, write_bundle
from antifraud.artifacts.judgement import write_judgement
from antifraud.clock import DAY_SECONDS, date_of
from antifraud.keys.signing import SigningKey
from antifraud.killswitch.consequence import Situation, answer_trip
from antifraud.killswitch.judgement import Role
from antifraud.killswitch.machine import trip
from antifraud.settings.core import JobSettings
from serving.app import create_app
from serving.guard.watch import inspect_evidence
from serving.store.port import Inspection
from tests.judgement_example import BAD, GOOD, judged, judgement
from tests.release_keys import PUBLIC, SIGNING
from tests.serving.cohort_scene import decide_day, guard_settings, label
from tests.serving.scene import DAY, NOON

ONSET = date_of(DAY - 9)
TODAY = date_of(DAY)
ANOTHER = SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(reversed(range(32)))))
"""A key that nobody trusts."""
RECOVERY = "recovery"
"""The client with the scope `judge`."""
NEW = {"transaction_id": 99_999}
"""A payment that `trip_by_guard` has not decided."""
BAD_DAYS = (DAY - 9, DAY - 8)
"""Days that have closed with their labels by `NOON`."""


@contextmanager
def over_http(scorer, home):
    """Let the scorer listen on 127.0.0.1; give the settings of the jobs, with the token of the scope `judge`."""
    server = make_server("127.0.0.1", 0, create_app(scorer.services), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    (home / "secrets" / "judge.token").write_text(f"{RECOVERY}\n")
    url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield JobSettings(home=home, scorer_url=url, clock_offset_seconds=NOON - int(time.time()))
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def trip_by_guard(scorer, home, release="first", days=BAD_DAYS):
    """Let a release flag 20 % of days, all legitimate, and a guard look at them until it waits; return the switch."""
    for day in days:
        label(scorer.store, decide_day(scorer.store, day, 2_000, 400, release=release), "legitimate", day)
    while inspect_evidence(scorer.store, guard_settings(home), NOON).more:
        pass
    scorer.poller.poll()
    return scorer.store.switch()


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


def _sign_with_another_key(bundle):
    original = verify_bundle(bundle, PUBLIC)
    manifest = {name: value for name, value in original.manifest.items() if name not in {"files", "release"}}
    shutil.rmtree(bundle)
    write_bundle(bundle.parent, bundle.name, dict(original.files), manifest, ANOTHER)


def _flip_a_byte(bundle):
    model = bundle / "model.onnx"
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)


DAMAGES = {
    "flipped byte": _flip_a_byte,
    "missing file": lambda bundle: (bundle / "model.onnx").unlink(),
    "missing manifest": lambda bundle: (bundle / "manifest.json").unlink(),
    "missing bundle": shutil.rmtree,
    "another signature": _sign_with_another_key,
}
"""Damages of a bundle, done to its folder."""

"""A small lake with a champion, and an older release of the same model on the ladder, to be judged."""

import datetime as dt
import shutil

from antifraud.artifacts.bundle import open_release, write_bundle
from antifraud.clock import Span
from antifraud.settings.core import JobSettings
from jobs.judging.promote import promote
from tests.release_keys import SIGNING, put_keys
from tests.spark.model_lake import AS_OF, fill, shape

NEWEST = dt.date(2026, 3, 8)
OLD = "2026-02-22-0a0a0a0a"
DAYS = Span(dt.date(2026, 2, 16), dt.date(2026, 3, 1))
"""The matured days after the old release's certify window."""
WINDOWS = {
    "train": {"first": "2026-02-02", "last": "2026-02-06"},
    "select": {"first": "2026-02-07", "last": "2026-02-08"},
    "certify": {"first": "2026-02-09", "last": "2026-02-15"},
}


def make_world(judged, open_lake, home):
    """Return session, settings and the champion's id; the lake has the rows that the champion was trained on."""
    _, _, candidate, _ = judged
    settings = shape(JobSettings(home=home))
    session = open_lake(settings)
    fill(session)
    put_keys(settings.home)
    shutil.copytree(candidate.path, settings.under_home("candidates", str(AS_OF)))
    promote(settings, AS_OF)
    bundle = open_release(settings, candidate.id)
    manifest = {**bundle.manifest, "as_of": "2026-02-22", "windows": WINDOWS}
    write_bundle(settings.releases_dir, OLD, bundle.files, manifest, SIGNING)
    return session, settings, candidate.id

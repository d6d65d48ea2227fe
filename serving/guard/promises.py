"""Promises from the manifests of releases; a bundle is verified before it is believed."""

from functools import lru_cache

from antifraud.artifacts.bundle import open_release
from antifraud.errors import ReleaseError, SettingsError
from antifraud.killswitch.detectors.noise import Noise
from antifraud.killswitch.promises import Promise, promise_of
from antifraud.settings.serving import GuardSettings


def read_promise(settings: GuardSettings, release: str) -> Promise:
    """Return the promise of a release; one whose bundle has gone, or does not verify, has no measured noise."""
    try:
        return _read_promise(settings, release)
    except (ReleaseError, SettingsError):
        # The workers name the trouble under `troubles`. The guard must go on: its default noise is the larger one.
        return Promise(Noise.assumed(settings.fpr_limit))


@lru_cache(64)
def _read_promise(settings: GuardSettings, release: str) -> Promise:
    return promise_of(open_release(settings, release).manifest, settings.fpr_limit, settings.label_delay_days)

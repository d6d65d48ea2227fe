"""A worker keeps the entities of a state that it has read last, and reads them once."""

from antifraud.artifacts.state_export import Entity, read_state_pointer
from antifraud.clock import DAY_SECONDS
from antifraud.features.buckets import Buckets, bucket_of
from antifraud.features.labels import LabelHistory
from serving.worker.loading import KEPT_ENTITIES, load_state
from serving.worker.verification import Verifier
from tests.serving.scene import DAY, SilentLog, export_state

CUTOFF = DAY - 1
DAYS = Buckets.of({CUTOFF: bucket_of(CUTOFF * DAY_SECONDS, 500)})


def state_with(home, entities):
    export_state(home / "state", CUTOFF, entities)
    verifier = Verifier(home / "verified", SilentLog())
    return load_state(home / "state", read_state_pointer(home / "state"), verifier)


def test_an_entity_is_unpacked_once(tmp_path):
    """The second reading gives the same object, also for a token that the state does not know."""
    state = state_with(tmp_path, {"known": (DAYS, Buckets(), LabelHistory(CUTOFF))})

    assert state.entity("known") == Entity(DAYS, Buckets(), LabelHistory(CUTOFF))
    assert state.entity("known") is state.entity("known")
    assert state.entity("unknown") is state.entity("unknown")
    assert state.entity("unknown") == Entity(Buckets(), Buckets(), LabelHistory(CUTOFF))


def test_another_state_has_its_own_entities(tmp_path):
    """An entity of an earlier state never answers for a later one."""
    earlier = state_with(tmp_path / "earlier", {"known": (DAYS, Buckets(), LabelHistory(CUTOFF))})
    later = state_with(tmp_path / "later", {"known": (Buckets(), DAYS, LabelHistory(CUTOFF))})

    assert (len(earlier.entity("known").days), len(later.entity("known").days)) == (1, 0)


def test_memory_is_bounded(tmp_path):
    """The entity that was read longest ago goes when more are read than are kept."""
    state = state_with(tmp_path, {"first": (DAYS, Buckets(), LabelHistory(CUTOFF))})
    first = state.entity("first")
    for number in range(KEPT_ENTITIES):
        state.entity(str(number))

    assert state.entity("first") == first
    assert state.entity("first") is not first

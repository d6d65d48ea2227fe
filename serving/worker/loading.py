"""Load a release and a state: each is verified before it is used, and never changes afterwards."""

import datetime as dt
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final, Protocol
from weakref import WeakValueDictionary

import lmdb
import numpy as np
import numpy.typing as npt

from antifraud.artifacts.bundle import Bundle, open_release, require_feature_set
from antifraud.artifacts.state_export import Entity, StatePointer
from antifraud.artifacts.state_names import names_of, read_entity
from antifraud.clock import date_of, day_number
from antifraud.errors import DataError, ReleaseError
from antifraud.features.registry import FEATURE_NAMES
from antifraud.model.evaluator import load_evaluator
from antifraud.policy.rulebook import NO_POLICY, Rulebook
from antifraud.settings.core import Settings
from serving.worker.verification import Verified, Verifier, require_identity

GOLDEN: Final = "golden.json"
KEPT_ENTITIES: Final = 4_000
"""Entities of a state that a worker keeps, packed and with the sums that were asked for, in some 20 MB."""
_OPEN: Final[WeakValueDictionary[str, Any]] = WeakValueDictionary()
"""Environments by the identity of their file: LMDB opens a file once a process. An environment is closed with the last
state that refers to it, that is, after the last request that uses the state."""


class VectorScorer(Protocol):
    """Turns vectors (n, features) into risk in parts per million (n,)."""

    def score(self, vectors: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
        """Return the risk of each vector; null is NaN."""


@dataclass(frozen=True, slots=True)
class Release:
    """A verified release that has reproduced its golden rows; a score above `threshold` (ppm) is flagged."""

    release: str
    threshold: int
    verdict: str
    evaluator: VectorScorer


@dataclass(frozen=True, slots=True)
class State:
    """An exported state; it owns the days up to `cutoff` (a day number).

    `label_delay_days` is the lake's: so long after an event, the feed tells its label. `key_ids` are the keys of tokens
    that are in use; None if the export does not say. `has_links` tells whether it knows tokens under several keys.
    """

    cutoff: int
    label_delay_days: int
    environment: Any
    key_ids: frozenset[str] | None = None
    has_links: bool = False
    entity: Callable[[str], Entity] = field(init=False, repr=False, compare=False)
    """Returns the entity of a token in the state; an unknown token has no history."""
    names: Callable[[str], tuple[str, ...]] = field(init=False, repr=False, compare=False)
    """Returns all tokens of an entity, the given one first: it has several while keys rotate."""

    def __post_init__(self) -> None:
        """Keep the entities that were read last: an export never changes, and busy terminals come again and again."""
        # Without a reference to this state: a cycle would keep its environment open until the next garbage collection.
        read = partial(_read_entity, self.environment, self.cutoff)
        object.__setattr__(self, "entity", lru_cache(KEPT_ENTITIES)(read))
        names = lru_cache(KEPT_ENTITIES)(partial(_read_names, self.environment)) if self.has_links else _only
        object.__setattr__(self, "names", names)

    def knows_key_of(self, token: str) -> bool:
        """Return whether a token was made with a key that is in use, as far as the export says."""
        return self.key_ids is None or token.partition(".")[0] in self.key_ids

    @property
    def cutoff_date(self) -> str:
        """The cut-off as YYYY-MM-DD."""
        return date_of(self.cutoff).isoformat()


def _read_entity(environment: Any, cutoff: int, token: str) -> Entity:
    with environment.begin() as transaction:
        return read_entity(transaction, token, cutoff)


def _read_names(environment: Any, token: str) -> tuple[str, ...]:
    with environment.begin() as transaction:
        return names_of(transaction, token)


def _only(token: str) -> tuple[str, ...]:
    return (token,)


@dataclass(frozen=True, slots=True)
class Serving:
    """The release, the state and the policy that a decision is made with.

    There is no release if the service is suspended, its policy decides alone, and no release can be used.
    """

    release: Release | None
    state: State
    policy: Rulebook = NO_POLICY


@dataclass(frozen=True, slots=True)
class Loaded:
    """The release, the state and the policy that one poll has found; replaced as a whole, between two requests.

    Attributes:
        state: The newest state.
        champion: The newest usable release that the pointer has named.
        is_named: Whether the pointer names it now, and not a later one that is broken.
        epoch: Epoch of the switch before the pointer was read.
        policy: The active policy.
    """

    state: State
    champion: Release | None
    is_named: bool
    epoch: int
    policy: Rulebook = NO_POLICY

    def is_same_as(self, other: "Loaded | None") -> bool:
        """Return whether two polls have found the same: the same objects, and the same epoch."""
        if other is None or self.state is not other.state or self.champion is not other.champion:
            return False
        return (self.is_named, self.epoch, self.policy) == (other.is_named, other.epoch, other.policy)


def load_release(settings: Settings, release: str) -> Release:
    """Load a release from its verified bundle, and check that it reproduces its golden rows.

    Raises:
        SettingsError: There is no public key to check the signature with.
        ReleaseError: Signature, checksum, feature set, threshold or a golden score is wrong.
    """
    bundle = open_release(settings, release)
    require_feature_set(bundle)
    threshold = bundle.manifest.get("threshold")
    if not isinstance(threshold, int):
        raise ReleaseError(f"release {release} has no integer threshold: promote it again")
    evaluator = load_evaluator(bundle)
    _require_golden_scores(bundle, evaluator)
    return Release(release, threshold, str(bundle.manifest.get("verdict")), evaluator)


def _require_golden_scores(bundle: Bundle, evaluator: VectorScorer) -> None:
    try:
        golden = json.loads(bundle.read_text(GOLDEN))
        rows = [[math.nan if value is None else float(value) for value in row] for row in golden["vectors"]]
        vectors = np.array(rows, dtype=np.float64).reshape(-1, len(FEATURE_NAMES))
        expected = np.array(golden["scores"], dtype=np.int64)
    except (ValueError, KeyError, TypeError) as error:
        raise ReleaseError(f"release {bundle.release} has no readable golden rows: promote it again") from error
    if len(vectors) == 0 or len(vectors) != len(expected):
        raise ReleaseError(
            f"release {bundle.release} has {len(vectors)} golden rows and {len(expected)} scores: promote it again"
        )
    # Exact equality: another library or processor must give the scores that the gate has judged, to the ppm.
    if wrong := int((evaluator.score(vectors) != expected).sum()):
        raise ReleaseError(
            f"release {bundle.release} scores {wrong} of {len(expected)} golden rows differently here: "
            "install the versions of requirements/lock.txt, or promote it again"
        )


def load_state(states: Path, pointer: StatePointer, verifier: Verifier) -> State:
    """Verify an exported state and open it for reading.

    Raises:
        DataError: Manifest, checksum or cut-off is wrong, or the state cannot be opened.
    """
    folder = states / pointer.path
    verified = verifier.verify(folder)
    manifest = verified.manifest
    if manifest.cutoff != pointer.cutoff:
        raise DataError(
            f"state {pointer.path} has cut-off {manifest.cutoff}, its pointer says {pointer.cutoff}: export it again"
        )
    try:
        cutoff = day_number(dt.date.fromisoformat(manifest.cutoff))
        key_ids = None if manifest.key_ids is None else frozenset(manifest.key_ids)
        return State(cutoff, manifest.label_delay_days, _open(folder, verified), key_ids, manifest.links > 0)
    except (lmdb.Error, ValueError) as error:
        raise DataError(
            f"state {pointer.path} is not readable ({type(error).__name__}): export it again, into another "
            "folder if it was changed while a worker used it"
        ) from error


def _open(folder: Path, verified: Verified) -> Any:
    """Return the environment of a verified state; the same file is opened once."""
    environment = _OPEN.get(verified.identity)
    if environment is None:
        # Without a lock file: an export never changes, and its folder may be read-only.
        environment = lmdb.open(str(folder), readonly=True, lock=False, create=False)
        # LMDB has opened the path again: it must be the file that was verified.
        require_identity(folder, verified.manifest, verified.identity)
        _OPEN[verified.identity] = environment
    return environment

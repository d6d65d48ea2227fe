"""A small scene for the scorer's tests: a home with releases, a state, access tokens, and requests to send."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import lmdb
import numpy as np
from catboost import CatBoostClassifier

from antifraud.artifacts.bundle import write_bundle
from antifraud.artifacts.pointer import activate
from antifraud.artifacts.state_export import Entity, encode_entity
from antifraud.artifacts.state_names import put_links
from antifraud.clock import DAY_SECONDS, date_of
from antifraud.features.buckets import Buckets
from antifraud.features.labels import NO_HOUR, LabelHistory
from antifraud.features.registry import FEATURE_NAMES, feature_set_hash
from antifraud.files import replace_file, sha256_of
from antifraud.keys.access import Access, Caller, hash_token
from antifraud.keys.pseudonym import Key, tokenise
from antifraud.killswitch.machine import INITIAL, Mode, Order
from antifraud.model.evaluator import CALIBRATION_FILE, MODEL_FILE, Calibration, read_evaluator
from antifraud.model.trees import TREES_FILE
from antifraud.settings.serving import ScorerSettings
from jobs.training.export import onnx_bytes, trees_of
from serving.app import create_app
from serving.store.__main__ import main as initialise
from serving.store.records import Place
from serving.store.soundness import find_flaws
from serving.store.store import open_store
from serving.worker.metrics import Metrics
from serving.worker.poller import Poller
from serving.worker.services import Services
from tests.release_keys import PUBLIC, SIGNING

KEY = Key("k1", bytes(32))
BEGIN = Order(mode=Mode.SERVING, expected_epoch=0, reason="we begin", by="boss", at=0)
"""The resume of a new store."""
DAY = 20_000
"""The scene's today; the state's cut-off is yesterday."""
REDIS = "redis.url"
"""File of a home with its store in Redis: the URL."""
NO_LABELS = LabelHistory(NO_HOUR)
NOON = DAY * DAY_SECONDS + 12 * 3_600
TOKENS = {"till": {"decide", "label", "read"}, "boss": {"admin", "read"}, "watcher": {"read"}}
ACCESS = Access({hash_token(name): Caller(name, frozenset(scopes)) for name, scopes in TOKENS.items()})
CUSTOMER = tokenise(KEY, "customer", 483_920_175_566)
TERMINAL = tokenise(KEY, "terminal", 120_000_000_017)


@dataclass
class StandingClock:
    """A business clock that tests set."""

    time: int = NOON

    def now(self):
        """The time that was set."""
        return self.time


class SilentLog:
    """Keeps every logged event."""

    def __init__(self):
        self.lines = []

    def __getattr__(self, level):
        return lambda event, **fields: self.lines.append((level, event, fields))


def make_model(folder, *, seed):
    """Write the files of a candidate: a tiny model that calls large amounts frauds, and its calibration."""
    rng = np.random.default_rng(seed)
    vectors = rng.uniform(0, 400, size=(400, len(FEATURE_NAMES)))
    vectors[rng.random(vectors.shape) < 0.1] = np.nan
    is_fraud = np.nan_to_num(vectors[:, 0]) > 220
    model = CatBoostClassifier(
        iterations=40,
        depth=3,
        learning_rate=0.3,
        random_seed=seed,
        verbose=0,
        thread_count=1,
        allow_writing_files=False,
    )
    model.fit(vectors, is_fraud.astype(int))
    folder.mkdir(parents=True)
    (folder / MODEL_FILE).write_bytes(onnx_bytes(model))
    (folder / CALIBRATION_FILE).write_text(Calibration(1.0, 0.0, 0.0).to_json())
    (folder / TREES_FILE).write_text(trees_of(model).to_json())
    return vectors[:16]


def make_release(releases, candidate, golden, release, *, threshold=500_000, **changes):
    """Write a bundle of `candidate`; `changes` override the manifest or, as ``scores``, the golden scores."""
    scores = changes.pop("scores", None) or read_evaluator(candidate).score(golden).tolist()
    rows = [[None if math.isnan(value) else value for value in row] for row in golden.tolist()]
    files = {name: (candidate / name).read_bytes() for name in (MODEL_FILE, CALIBRATION_FILE, TREES_FILE)}
    files["golden.json"] = json.dumps({"vectors": rows, "scores": scores}).encode()
    manifest = {"threshold": threshold, "verdict": "PASS", "feature_set": feature_set_hash()}
    return write_bundle(releases, release, files, {**manifest, **changes}, SIGNING)


def export_state(
    states, cutoff, entities, *, sequence=1, label_delay_days=7, moved_back=False, key_ids=("k1",), pairs=()
):
    """Write a state export of {token: (days, hours, labels)} and point to it; `pairs` are tokens of the same entity."""
    name = f"{date_of(cutoff)}-{sequence:08}"
    folder = states / name
    folder.mkdir(parents=True)
    with lmdb.open(str(folder), map_size=1 << 24) as environment, environment.begin(write=True) as transaction:
        for token, (days, hours, labels) in entities.items():
            transaction.put(token.encode(), encode_entity(Entity(Buckets.of(days), Buckets.of(hours), labels)))
        links = put_links(transaction, pairs)
    (folder / "lock.mdb").unlink()
    manifest = {
        "cutoff": date_of(cutoff).isoformat(),
        "sha256": sha256_of(folder / "data.mdb"),
        "rows": len(entities),
        "snapshot_id": 1,
        "inputs": "0",
        "label_delay_days": label_delay_days,
        "key_ids": key_ids,
        "links": links,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    pointer = {"cutoff": manifest["cutoff"], "path": name, "sequence": sequence, "moved_back": moved_back}
    replace_file(states / "pointer.json", json.dumps(pointer))
    return folder


def place_of(home):
    """The setting of a home with its store in Redis; nothing for LMDB."""
    address = home / REDIS
    return {"store_url": address.read_text()} if address.exists() else {}


def environment_of(home, **changes):
    """The environment of a command that uses the home's store."""
    return {"ANTIFRAUD_HOME": str(home), "ANTIFRAUD_STORE_URL": place_of(home).get("store_url", ""), **changes}


def stored(store, number, namespace=""):
    """The decision about a transaction, and its entry."""
    decision = store.decision_of(Place(namespace, str(number)))
    ((entry, _),) = store.entries_at([decision.arrival])
    return decision, entry


def view_of(store):
    """A view of the records of a store, for tests of what lies in it."""
    return store._environment.read()


def require_consistent(store):
    """Whatever a test has done, the records of the store belong together, and their digest says so."""
    with view_of(store) as view:
        assert list(find_flaws(view)) == []


class Scorer:
    """An app in this process with all its collaborators."""

    def __init__(self, home: Path, **settings):
        self.settings = ScorerSettings(**{"home": home, "store_map_bytes": 1 << 26, **place_of(home), **settings})
        write_access(self.settings.access_path)
        self.clock = StandingClock()
        self.log = SilentLog()
        self.services = Services(self.settings, self.clock, ACCESS, Metrics(), self.log)
        self.poller = Poller(self.services)
        self.client = create_app(self.services).test_client()

    @property
    def store(self):
        """The opened store."""
        return self.services.store

    def close(self):
        """Release the store, so that the process can open it again."""
        store, self.services.opened_store = self.services.opened_store, None
        if store:
            store.close()

    def post(self, path, body, caller="till"):
        """POST JSON (or bytes as they are) as one of `TOKENS`."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {caller}"}
        return self.client.post(path, data=data, headers=headers, content_type="application/json")

    def get(self, path, caller="till"):
        """GET as one of `TOKENS`."""
        return self.client.get(path, headers={"Authorization": f"Bearer {caller}"})

    def decide(self, **changes):
        """POST one transaction."""
        return self.post("/v1/decisions", transaction(**changes))

    def switch(self, action, epoch, reason="a drill"):
        """POST a change of the switch as an admin."""
        body = {"action": action, "reason": reason, "expected_epoch": epoch}
        return self.post("/v1/switch", body, caller="boss")


def write_access(path):
    """Write the access file that grants `TOKENS` their scopes, unless the test has written one."""
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        entries = [
            {"client": name, "sha256": hash_token(name), "scopes": sorted(scopes)} for name, scopes in TOKENS.items()
        ]
        path.write_text(json.dumps({"clients": entries}))


def transaction(**changes):
    """A valid request, with changes."""
    valid = {"transaction_id": 1, "event_time": NOON, "customer": CUSTOMER, "terminal": TERMINAL, "amount": 7_091}
    return {**valid, **changes}


def empty_state(home, cutoff=DAY - 1):
    """Export a state that knows one customer and nobody else."""
    return export_state(home / "state", cutoff, {CUSTOMER: ({}, {}, NO_LABELS)})


def init_store(home):
    """Initialise the home's decision store as an operator does, who then resumes it."""
    settings = ScorerSettings(home=home, store_map_bytes=1 << 26, **place_of(home))
    assert initialise(["init"], environment_of(home)) == 0
    store = open_store(settings)
    try:
        if store.switch() == INITIAL:
            store.change_switch(BEGIN)
            # As after a guard without subscribers.
            store._environment.write(lambda view: view.clear("outbox"))
    finally:
        store.close()


def promote(home, release):
    """Point to a release."""
    activate(home / "releases", release, PUBLIC)

"""Build a home for a scorer: keys, two releases that score differently, and a state up to yesterday.

    python -P world.py HOME [--entities N] [--trees N [--catboost FILE]]

The script runs in the checkout that provides the scorer, with the interpreter of that checkout. It calls only what the
scenes of all versions have.
"""

import argparse
import hashlib
import json
import shutil
from pathlib import Path

import lmdb
import numpy as np

from tests.release_keys import put_keys
from tests.serving import scene

MAP_BYTES = 1 << 32
ROWS, DEPTH, GOLDEN_ROWS = 4_000, 6, 500
ACTIVE_DAYS = 6
"""Days with transactions of every entity in the state."""
BUCKET = (2, 3_000, 5_000_000, 2_000, 1_700_000_000)
"""Count, sum, sum of squares, largest amount and last time of each of these days."""


def build_home(home, entities, trees, catboost=None):
    """Write everything that a scorer reads, except its access file and its store."""
    home.mkdir(parents=True, exist_ok=True)
    put_keys(home)
    for seed, release in enumerate(("first", "second")):
        candidate = home / "candidates" / release
        golden = make_large_model(candidate, seed, trees, catboost) if trees else scene.make_model(candidate, seed=seed)
        scene.make_release(home / "releases", candidate, golden, release)
    shutil.rmtree(home / "candidates")
    scene.promote(home, "first")
    # Each version has a name of its own for an entity without labels.
    no_labels = next(vars(scene)[name] for name in ("NO_LABELS", "NO_RISK") if name in vars(scene))
    entity = (dict.fromkeys(range(scene.DAY - ACTIVE_DAYS, scene.DAY), BUCKET), {}, no_labels)
    add_entities(scene.export_state(home / "state", scene.DAY - 1, {scene.CUSTOMER: entity}), entities)


def make_large_model(folder, seed, trees, catboost):
    """Write a candidate with as many trees, of the depth that training chooses; return its golden rows.

    The first one is also written to the file `catboost`, if it is given.
    """
    rng = np.random.default_rng(seed)
    vectors = rng.uniform(0, 400, size=(ROWS, len(scene.FEATURE_NAMES)))
    is_fraud = vectors[:, 0] + rng.normal(0, 40, size=ROWS) > 320
    model = scene.CatBoostClassifier(
        iterations=trees, depth=DEPTH, random_seed=seed, verbose=0, thread_count=1, allow_writing_files=False
    )
    model.fit(vectors, is_fraud.astype(int))
    if catboost and seed == 0:
        model.save_model(catboost)
    folder.mkdir(parents=True)
    (folder / scene.MODEL_FILE).write_bytes(scene.onnx_bytes(model))
    (folder / scene.CALIBRATION_FILE).write_text(scene.Calibration(1.0, 0.0, 0.0).to_json())
    (folder / scene.TREES_FILE).write_text(scene.trees_of(model).to_json())
    return vectors[:GOLDEN_ROWS]


def add_entities(folder, entities):
    """Give the state so many more entities, each with the record of the one that it has."""
    if not entities:
        return
    with lmdb.open(str(folder), map_size=MAP_BYTES) as environment, environment.begin(write=True) as transaction:
        record = transaction.get(scene.CUSTOMER.encode())
        with transaction.cursor() as cursor:
            # The key ids sort after that of the scene, so LMDB only ever appends.
            cursor.putmulti([(b"k2.%022d" % number, record) for number in range(entities)], append=True)
    (folder / "lock.mdb").unlink()
    describe_again(folder, entities + 1)


def describe_again(folder, rows):
    """Correct checksum, number of rows and ids of keys in the manifest."""
    with (folder / "data.mdb").open("rb") as data:
        found = hashlib.file_digest(data, "sha256").hexdigest()
    manifest = json.loads((folder / "manifest.json").read_text())
    # Earlier versions have no ids of keys.
    keys = {"key_ids": [*manifest["key_ids"], "k2"]} if "key_ids" in manifest else {}
    (folder / "manifest.json").write_text(json.dumps({**manifest, **keys, "sha256": found, "rows": rows}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path)
    parser.add_argument("--entities", type=int, default=0, help="more entities in the state")
    parser.add_argument("--trees", type=int, default=0, help="trees of the releases; without it, a few small ones")
    parser.add_argument("--catboost", type=Path, help="file for the model of the first release, as CatBoost keeps it")
    options = parser.parse_args()
    build_home(options.home, options.entities, options.trees, options.catboost)

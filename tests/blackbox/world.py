"""Build a home for a scorer: keys, two releases that score differently, and a state up to yesterday.

    python -P world.py HOME [--entities N]

The script runs in the checkout whose scorer is tested, with its interpreter. It calls only what the scenes of all
versions have.
"""

import argparse
import hashlib
import json
import shutil
from pathlib import Path

import lmdb

from tests.release_keys import put_keys
from tests.serving import scene

MAP_BYTES = 1 << 32
ACTIVE_DAYS = 6
"""Days with transactions of every entity in the state."""
BUCKET = (2, 3_000, 5_000_000, 2_000, 1_700_000_000)
"""Count, sum, sum of squares, largest amount and last time of each of these days."""


def build_home(home, entities):
    """Write everything that a scorer reads, except its access file and its store."""
    home.mkdir(parents=True, exist_ok=True)
    put_keys(home)
    for seed, release in enumerate(("first", "second")):
        candidate = home / "candidates" / release
        scene.make_release(home / "releases", candidate, scene.make_model(candidate, seed=seed), release)
    shutil.rmtree(home / "candidates")
    scene.promote(home, "first")
    # Each version has a name of its own for an entity without labels.
    no_labels = next(vars(scene)[name] for name in ("NO_LABELS", "NO_RISK") if name in vars(scene))
    entity = ({day: BUCKET for day in range(scene.DAY - ACTIVE_DAYS, scene.DAY)}, {}, no_labels)
    add_entities(scene.export_state(home / "state", scene.DAY - 1, {scene.CUSTOMER: entity}), entities)


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
    """Correct checksum and number of rows in the manifest."""
    with (folder / "data.mdb").open("rb") as data:
        found = hashlib.file_digest(data, "sha256").hexdigest()
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "sha256": found, "rows": rows}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path)
    parser.add_argument("--entities", type=int, default=0, help="more entities in the state")
    options = parser.parse_args()
    build_home(options.home, options.entities)

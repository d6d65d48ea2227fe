"""An export of the state lists the keys that tokens may be under, and has the pairs of tokens under two of them."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from antifraud.keys.pseudonym import generate_keyring, retire_key, rotate_keyring
from antifraud.lake.bridges import TOKENS, bridge_folder, read_pairs, remove_bridges
from antifraud.settings.core import JobSettings
from jobs.lake.export import keys_in_use


@pytest.fixture
def settings(tmp_path):
    """Settings of a home without a key ring."""
    settings = JobSettings(home=tmp_path)
    settings.keyring_path.parent.mkdir(parents=True)
    return settings


def write_bridge(settings, old, new, pairs, name="part-0"):
    folder = bridge_folder(settings, old, new) / TOKENS
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(
        pa.table(dict(zip(("old", "new"), zip(*pairs, strict=True), strict=True))), folder / f"{name}.parquet"
    )


def test_the_keys_are_those_of_the_ring(settings):
    """Both keys while they rotate, then the new one alone; nothing is said without a key ring."""
    ring = settings.keyring_path
    assert keys_in_use(settings).ids is None

    generate_keyring(ring)
    assert keys_in_use(settings).ids == ("k1",)
    rotate_keyring(ring)
    assert keys_in_use(settings).ids == ("k1", "k2")
    retire_key(ring, "k1")
    assert keys_in_use(settings).ids == ("k2",)


def test_the_pairs_are_those_of_the_keys_in_use(settings):
    """A bridge counts while both of its keys are in the ring; one that a lost key has left behind does not."""
    generate_keyring(settings.keyring_path)
    write_bridge(settings, "k1", "k2", [("k1.a", "k2.a"), ("k1.b", "k2.b")])
    write_bridge(settings, "k0", "k1", [("k0.a", "k1.a")])
    assert keys_in_use(settings).bridges == ()

    rotate_keyring(settings.keyring_path)
    assert list(read_pairs(keys_in_use(settings).bridges)) == [("k1.a", "k2.a"), ("k1.b", "k2.b")]

    remove_bridges(settings, "k1")
    assert list(read_pairs(keys_in_use(settings).bridges)) == []


def test_an_export_is_made_anew_when_the_pairs_have_changed(settings):
    """Another key, a bridge that was made again and a retired key give another export; one key gives the same."""
    generate_keyring(settings.keyring_path)
    said = [keys_in_use(settings).overlap]
    rotate_keyring(settings.keyring_path)
    said.append(keys_in_use(settings).overlap)
    for name in ("part-0", "part-1"):
        write_bridge(settings, "k1", "k2", [("k1.a", "k2.a")], name)
        said.append(keys_in_use(settings).overlap)
    retire_key(settings.keyring_path, "k1")
    said.append(keys_in_use(settings).overlap)

    both = ("k1", "k2")
    assert said == [(), both, (*both, "part-0.parquet"), (*both, "part-0.parquet", "part-1.parquet"), ()]

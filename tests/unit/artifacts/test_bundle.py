"""Bundles verify or are refused; the pointer changes atomically and only to what verifies."""

import json
import time

import pytest

from antifraud.artifacts.bundle import (
    MANIFEST,
    SIGNATURE,
    open_release,
    require_feature_set,
    verify_bundle,
    write_bundle,
)
from antifraud.artifacts.pointer import Pointer, activate, read_pointer
from antifraud.errors import ReleaseError
from antifraud.features.registry import feature_set_hash
from antifraud.settings.serving import ScorerSettings
from tests.release_keys import PUBLIC, SIGNING, put_keys

FILES = {"model.onnx": b"model", "calibration.json": b"{}"}


def write(releases, release, files=FILES, manifest=None):
    return write_bundle(releases, release, files, manifest or {}, SIGNING)


def test_a_bundle_comes_back_with_its_manifest(tmp_path):
    """A written bundle verifies, and its manifest has the given values."""
    bundle = write(tmp_path, "r1", manifest={"threshold": 42})

    assert (bundle.release, bundle.manifest) == ("r1", {"threshold": 42})
    assert (bundle.path / "model.onnx").read_bytes() == b"model"
    assert verify_bundle(tmp_path / "r1", PUBLIC) == bundle


def _positions():
    """Return the first, middle and last byte of every file, each with three ways to be wrong."""
    names = [*FILES, MANIFEST, SIGNATURE]
    return [(name, part, mask) for name in names for part in (0.0, 0.5, 1.0) for mask in (0x01, 0x20, 0xFF)]


@pytest.mark.parametrize(("name", "part", "mask"), _positions())
def test_one_flipped_byte_is_refused(tmp_path, name, part, mask):
    """A flipped byte is found anywhere in model, calibration, manifest and signature."""
    path = write(tmp_path, "r1", manifest={"threshold": 42}).path / name
    content = bytearray(path.read_bytes())
    content[int(part * (len(content) - 1))] ^= mask
    path.write_bytes(content)

    with pytest.raises(ReleaseError):
        verify_bundle(tmp_path / "r1", PUBLIC)


@pytest.mark.parametrize("name", [*FILES, MANIFEST, SIGNATURE])
def test_a_truncated_file_is_refused(tmp_path, name):
    """Losing the last byte is as bad as changing it."""
    path = write(tmp_path, "r1").path / name
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(ReleaseError):
        verify_bundle(tmp_path / "r1", PUBLIC)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: (path / "calibration.json").unlink(), "disagree about calibration.json"),
        (lambda path: (path / "extra").write_bytes(b""), "disagree about extra"),
        (lambda path: (path / "extra").mkdir(), "disagree about extra/"),
        (lambda path: (path / MANIFEST).unlink(), f"no readable {MANIFEST}"),
        (lambda path: (path / SIGNATURE).unlink(), f"no readable {SIGNATURE}: it is not a signed release"),
    ],
)
def test_a_file_too_few_or_too_many_is_refused(tmp_path, damage, message):
    """The message names the file at fault."""
    damage(write(tmp_path, "r1").path)

    with pytest.raises(ReleaseError, match=message):
        verify_bundle(tmp_path / "r1", PUBLIC)


def test_files_are_used_as_they_were_verified(tmp_path):
    """A file that changes after the verification changes nothing that is read from the bundle."""
    path = write(tmp_path, "r1").path
    bundle = verify_bundle(path, PUBLIC)
    (path / "model.onnx").write_bytes(b"other")
    (path / "calibration.json").unlink()

    assert (bundle.read("model.onnx"), bundle.read_text("calibration.json")) == (b"model", "{}")
    with pytest.raises(ReleaseError, match=r"release r1 has no trees\.json in its bundle"):
        bundle.read("trees.json")


def test_a_file_that_is_no_text_is_refused(tmp_path):
    """Bytes that are not UTF-8 are a ReleaseError, so that a scorer keeps its old release."""
    bundle = write(tmp_path, "r1", files={"calibration.json": b"\xff"})

    with pytest.raises(ReleaseError, match=r"calibration\.json of release r1 is not text"):
        bundle.read_text("calibration.json")


def test_a_link_is_no_file_of_a_bundle(tmp_path):
    """The target of a link could be changed without touching the bundle."""
    path = write(tmp_path, "r1").path / "model.onnx"
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(ReleaseError, match=r"disagree about model\.onnx, model\.onnx/"):
        verify_bundle(tmp_path / "r1", PUBLIC)


def test_a_renamed_bundle_is_refused(tmp_path):
    """An old release cannot be passed off as a new one."""
    write(tmp_path, "r1").path.rename(tmp_path / "r2")

    with pytest.raises(ReleaseError, match="bundle r2 says it is r1"):
        verify_bundle(tmp_path / "r2", PUBLIC)


def test_a_manifest_that_was_made_to_fit_is_refused(tmp_path):
    """An attacker who changes threshold or model can mend the checksums, but not the signature."""
    path = write(tmp_path, "r1", manifest={"threshold": 42}).path / MANIFEST
    path.write_text(path.read_text().replace("42", "43"))

    with pytest.raises(ReleaseError, match="bundle r1 is refused: the signature was not made over this manifest"):
        verify_bundle(tmp_path / "r1", PUBLIC)


def test_writing_the_same_bundle_twice_is_once(tmp_path):
    """A re-run of promote finds its own bundle and keeps it."""
    assert write(tmp_path, "r1") == write(tmp_path, "r1")


@pytest.mark.parametrize("changes", [{"files": {"model.onnx": b"other"}}, {"manifest": {"threshold": 1}}])
def test_a_release_is_never_rewritten(tmp_path, changes):
    """Other content under the same id is refused, and the old one stays."""
    write(tmp_path, "r1")

    with pytest.raises(ReleaseError, match="never rewritten"):
        write(tmp_path, "r1", **changes)
    assert (tmp_path / "r1" / "model.onnx").read_bytes() == b"model"


def test_a_damaged_bundle_is_made_anew(tmp_path):
    """Promoting it again, as the messages advise, repairs it."""
    (write(tmp_path, "r1").path / "model.onnx").write_bytes(b"modem")

    assert (write(tmp_path, "r1").path / "model.onnx").read_bytes() == b"model"


def test_the_pointer_remembers_what_served_before(tmp_path):
    """The first release becomes the anchor, the one before becomes previous, the sequence grows."""
    for release in ("r1", "r2", "r3"):
        write(tmp_path, release)

    assert read_pointer(tmp_path) is None
    assert activate(tmp_path, "r1", PUBLIC) == Pointer("r1", None, "r1", 1)
    assert activate(tmp_path, "r2", PUBLIC) == Pointer("r2", "r1", "r1", 2)
    assert activate(tmp_path, "r3", PUBLIC, reason="a drill") == Pointer("r3", "r2", "r1", 3, "a drill")
    assert read_pointer(tmp_path) == Pointer("r3", "r2", "r1", 3, "a drill")


def test_activating_twice_changes_nothing(tmp_path):
    """A repeated promotion is one promotion."""
    write(tmp_path, "r1")

    assert activate(tmp_path, "r1", PUBLIC) == activate(tmp_path, "r1", PUBLIC)


def test_a_pointer_that_somebody_moved_is_left_alone(tmp_path):
    """A decision made at change 1 does not overwrite change 2; 0 means that nothing was promoted yet."""
    for release in ("r1", "r2", "r3"):
        write(tmp_path, release)
    activate(tmp_path, "r1", PUBLIC, expected_sequence=0)
    activate(tmp_path, "r2", PUBLIC, expected_sequence=1)

    with pytest.raises(ReleaseError, match="at change 2, but 1 was expected"):
        activate(tmp_path, "r3", PUBLIC, expected_sequence=1)
    assert read_pointer(tmp_path).release == "r2"


def test_a_broken_bundle_is_not_activated(tmp_path):
    """The old release stays in place when the new one does not verify."""
    write(tmp_path, "r1")
    activate(tmp_path, "r1", PUBLIC)
    (write(tmp_path, "r2").path / "model.onnx").write_bytes(b"")

    with pytest.raises(ReleaseError, match=r"model\.onnx of bundle r2"):
        activate(tmp_path, "r2", PUBLIC)
    assert read_pointer(tmp_path).release == "r1"


@pytest.mark.parametrize("text", ["", "[]", '{"release": "r1"}'])
def test_an_unreadable_pointer_is_an_error(tmp_path, text):
    """A malformed pointer is never taken for 'nothing promoted yet'."""
    (tmp_path / "pointer.json").write_text(text)

    with pytest.raises(ReleaseError, match="remove it, then name the release that shall serve"):
        read_pointer(tmp_path)


def test_leftovers_of_a_killed_promotion_go_and_bundles_stay(tmp_path):
    """The next process that writes removes unfinished folders and pointers."""
    (tmp_path / ".new-abc").mkdir()
    (tmp_path / ".new-abc" / "model.onnx").write_bytes(b"half")
    (tmp_path / ".pointer.json-abc").write_text("{")

    write(tmp_path, "r1")

    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "r1"]
    assert json.loads((tmp_path / "r1" / MANIFEST).read_text())["release"] == "r1"


def test_no_clock_is_used(tmp_path, monkeypatch):
    """A clock that moves backwards, or cannot be read at all, changes nothing."""

    def no_clock():
        raise AssertionError("a clock was read")

    for name in ("time", "monotonic", "time_ns", "localtime", "gmtime"):
        monkeypatch.setattr(time, name, no_clock)
    for release in ("r1", "r2"):
        write(tmp_path, release)
        activate(tmp_path, release, PUBLIC)

    assert read_pointer(tmp_path) == Pointer("r2", "r1", "r1", 2)


def test_a_release_is_opened_by_the_settings(tmp_path):
    """Folder and public key are where the settings of a process say."""
    put_keys(tmp_path)
    bundle = write(tmp_path / "releases", "r1", manifest={"feature_set": feature_set_hash()})

    assert open_release(ScorerSettings(home=tmp_path), "r1") == bundle
    require_feature_set(bundle)


def test_a_release_of_other_features_is_named(tmp_path):
    """The message has both feature sets and two ways out."""
    bundle = write(tmp_path, "r1", manifest={"feature_set": "0123456789abcdef"})

    with pytest.raises(ReleaseError, match=f"needs feature set 0123456789abcdef, this code has {feature_set_hash()}"):
        require_feature_set(bundle)

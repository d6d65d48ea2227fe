"""Bundles verify or are refused; the pointer changes atomically and only to what verifies."""

import json

import pytest

from antifraud.errors import ReleaseError
from antifraud.release import Pointer, activate, read_pointer, remove_unfinished, verify_bundle, write_bundle

FILES = {"model.onnx": b"model", "calibration.json": b"{}"}


def test_a_bundle_comes_back_with_its_manifest(tmp_path):
    """What was written verifies, and says what it was told."""
    bundle = write_bundle(tmp_path, "r1", FILES, {"threshold": 42})

    assert (bundle.release, bundle.manifest["threshold"]) == ("r1", 42)
    assert (bundle.path / "model.onnx").read_bytes() == b"model"
    assert verify_bundle(tmp_path / "r1") == bundle


@pytest.mark.parametrize("damage", ["flip", "remove", "add", "rename", "manifest"])
def test_a_damaged_bundle_is_refused(tmp_path, damage):
    """One changed byte, a file too few or too many, another folder name, no manifest."""
    path = write_bundle(tmp_path, "r1", FILES, {}).path
    if damage == "flip":
        (path / "model.onnx").write_bytes(b"modem")
    elif damage == "remove":
        (path / "calibration.json").unlink()
    elif damage == "add":
        (path / "extra").write_bytes(b"")
    elif damage == "rename":
        path = path.rename(tmp_path / "r2")
    else:
        (path / "manifest.json").write_text("{")

    with pytest.raises(ReleaseError):
        verify_bundle(path)


def test_writing_the_same_bundle_twice_is_once(tmp_path):
    """A re-run of promote finds its own bundle and keeps it."""
    assert write_bundle(tmp_path, "r1", FILES, {}) == write_bundle(tmp_path, "r1", FILES, {})


def test_a_release_is_never_rewritten(tmp_path):
    """Other files under the same id are refused, and the old ones stay."""
    write_bundle(tmp_path, "r1", FILES, {})

    with pytest.raises(ReleaseError, match="never rewritten"):
        write_bundle(tmp_path, "r1", {"model.onnx": b"other"}, {})
    assert (tmp_path / "r1" / "model.onnx").read_bytes() == b"model"


def test_the_pointer_remembers_what_served_before(tmp_path):
    """The first release becomes the anchor, the one before becomes previous, the sequence grows."""
    for release in ("r1", "r2", "r3"):
        write_bundle(tmp_path, release, FILES, {})

    assert read_pointer(tmp_path) is None
    assert activate(tmp_path, "r1") == Pointer("r1", None, "r1", 1)
    assert activate(tmp_path, "r2") == Pointer("r2", "r1", "r1", 2)
    assert activate(tmp_path, "r3") == Pointer("r3", "r2", "r1", 3)
    assert read_pointer(tmp_path) == Pointer("r3", "r2", "r1", 3)


def test_activating_twice_changes_nothing(tmp_path):
    """Promotion twice is one promotion."""
    write_bundle(tmp_path, "r1", FILES, {})

    assert activate(tmp_path, "r1") == activate(tmp_path, "r1")


def test_a_broken_bundle_is_not_activated(tmp_path):
    """The old release stays in place when the new one does not verify."""
    write_bundle(tmp_path, "r1", FILES, {})
    activate(tmp_path, "r1")
    (write_bundle(tmp_path, "r2", FILES, {}).path / "model.onnx").write_bytes(b"")

    with pytest.raises(ReleaseError, match=r"model\.onnx of bundle r2"):
        activate(tmp_path, "r2")
    assert read_pointer(tmp_path).release == "r1"


@pytest.mark.parametrize("text", ["", "[]", '{"release": "r1"}'])
def test_an_unreadable_pointer_is_an_error(tmp_path, text):
    """A pointer that is no pointer is never taken for 'nothing promoted yet'."""
    (tmp_path / "pointer.json").write_text(text)

    with pytest.raises(ReleaseError, match="run promote again"):
        read_pointer(tmp_path)


def test_leftovers_of_a_killed_promotion_go_and_bundles_stay(tmp_path):
    """Only unfinished folders are removed."""
    write_bundle(tmp_path, "r1", FILES, {})
    (tmp_path / ".new-abc").mkdir()
    (tmp_path / ".new-abc" / "model.onnx").write_bytes(b"half")

    remove_unfinished(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["r1"]
    assert json.loads((tmp_path / "r1" / "manifest.json").read_text())["release"] == "r1"

"""Activated policies: a signed chain of entries, one content for each version, and nothing half done."""

import json

import pytest

from antifraud.artifacts.policies import (
    POINTER,
    Change,
    Draft,
    activate,
    count_activations,
    open_active,
    read_activations,
)
from antifraud.keys.signing import SigningKey
from antifraud.policy.errors import PolicyError, PolicyRefused
from antifraud.policy.reading import read_policy
from tests.release_keys import PUBLIC, SIGNING

WHY = Change("a new kind of attack", "alice", 1_000)


def draft_of(version, above=9):
    content = f'version = {version}\nabout = "a test"\namount = [{{id = "cap", above = {above}, effect = "flag"}}]\n'
    return Draft(content.encode(), read_policy(content.encode(), "policy.toml"))


def record(folder):
    return json.loads((folder / POINTER).read_text())


def rewrite(folder, change):
    content = record(folder)
    change(content["activations"])
    (folder / POINTER).write_text(json.dumps(content))


def test_without_a_record_there_is_no_policy(tmp_path):
    """A new installation has none."""
    assert (open_active(tmp_path, PUBLIC), read_activations(tmp_path, PUBLIC), count_activations(tmp_path)) == (
        None,
        (),
        0,
    )


def test_the_newest_activation_holds(tmp_path):
    """The record keeps who, when and why, and the content as it was."""
    activate(tmp_path, draft_of(1), SIGNING, WHY)
    activate(tmp_path, draft_of(3, above=8), SIGNING, Change("fewer reviews", "bob", 2_000, True, ("400 flags",)))

    active = open_active(tmp_path, PUBLIC)
    first, second = read_activations(tmp_path, PUBLIC)

    assert (active.policy.version, active.policy.amount[0].above, active.activation) == (3, 8, second)
    assert (first.sequence, first.version, first.by, first.at, first.forced, first.before) == (
        1,
        1,
        "alice",
        1_000,
        False,
        "",
    )
    assert (second.sequence, second.reason, second.forced, second.shown) == (2, "fewer reviews", True, ("400 flags",))
    assert (len(second.before), count_activations(tmp_path)) == (64, 2)


def test_activating_the_active_policy_again_changes_nothing(tmp_path):
    """A repeated command must not look like a change."""
    first = activate(tmp_path, draft_of(1), SIGNING, WHY)

    assert activate(tmp_path, draft_of(1), SIGNING, Change("once more", "bob", 5_000)) == first
    assert count_activations(tmp_path) == 1


def test_an_older_version_is_refused_unless_forced(tmp_path):
    """It may be an old file that was activated by mistake."""
    for version in (1, 2):
        activate(tmp_path, draft_of(version), SIGNING, WHY)

    with pytest.raises(PolicyRefused, match="version 1 is older than the active version 2"):
        activate(tmp_path, draft_of(1), SIGNING, WHY)
    assert activate(tmp_path, draft_of(1), SIGNING, WHY._replace(forced=True)).sequence == 3
    assert open_active(tmp_path, PUBLIC).policy.version == 1


def test_a_version_stands_for_one_content(tmp_path):
    """Answers name the version, so it must never mean two things, by force neither."""
    activate(tmp_path, draft_of(1), SIGNING, WHY)

    with pytest.raises(PolicyRefused, match="another content"):
        activate(tmp_path, draft_of(1, above=8), SIGNING, WHY._replace(forced=True))


def test_an_activation_that_somebody_has_overtaken_is_refused(tmp_path):
    """Both have looked at the same difference."""
    activate(tmp_path, draft_of(1), SIGNING, WHY, expected_sequence=0)

    with pytest.raises(PolicyRefused, match="1 policies were activated so far, 0 were expected"):
        activate(tmp_path, draft_of(2), SIGNING, WHY, expected_sequence=0)


CHANGES = {
    "a later reason": (lambda entries: entries[0].update(reason="something else"), "was not signed"),
    "an entry left out": (lambda entries: entries.pop(0), "an activation before 2 is missing"),
    "an entry twice": (lambda entries: entries.append(entries[1]), "is missing"),
    "no entry": (lambda entries: entries.clear(), "has no activation"),
    "an unknown field": (lambda entries: entries[1].update(more=1), "is not a record"),
}


@pytest.mark.parametrize(("change", "expected"), CHANGES.values(), ids=CHANGES)
def test_a_changed_record_does_not_verify(tmp_path, change, expected):
    """Signatures hold each entry, and hashes hold the chain."""
    for version in (1, 2):
        activate(tmp_path, draft_of(version), SIGNING, WHY)
    rewrite(tmp_path, change)

    with pytest.raises(PolicyError, match=expected):
        open_active(tmp_path, PUBLIC)


def test_another_key_makes_no_activation(tmp_path):
    """Somebody who can write the folder alone cannot change the rules."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    activate(tmp_path, draft_of(1), SigningKey(Ed25519PrivateKey.generate()), WHY)

    with pytest.raises(PolicyError, match=r"activation 1 in .* was not signed with the release key"):
        open_active(tmp_path, PUBLIC)


def test_a_changed_or_missing_content_does_not_verify(tmp_path):
    """The record names the checksum of the file."""
    name = activate(tmp_path, draft_of(1), SIGNING, WHY).file_name
    (tmp_path / name).write_bytes(draft_of(1, above=8).content)

    with pytest.raises(PolicyError, match="is not the policy that was activated"):
        open_active(tmp_path, PUBLIC)
    (tmp_path / name).unlink()
    with pytest.raises(PolicyError, match="cannot be read"):
        open_active(tmp_path, PUBLIC)


def test_a_killed_activation_leaves_the_earlier_policy(tmp_path, monkeypatch):
    """The content is written first, and the record that names it is replaced at once."""
    activate(tmp_path, draft_of(1), SIGNING, WHY)
    from antifraud.artifacts import policies

    written = []

    def write_one(path, text):
        if written:
            raise KeyboardInterrupt
        written.append(path)
        path.write_text(text)

    monkeypatch.setattr(policies, "replace_file", write_one)
    with pytest.raises(KeyboardInterrupt):
        activate(tmp_path, draft_of(2), SIGNING, WHY)

    assert open_active(tmp_path, PUBLIC).policy.version == 1

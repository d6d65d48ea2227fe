"""The file of subscribers is private, keeps two secrets during a rotation, and is checked whole when it is read."""

import json

import pytest

from antifraud.errors import SettingsError
from antifraud.keys.subscribers import (
    add_subscriber,
    load_subscribers,
    move_subscriber,
    remove_subscriber,
    retire_secret,
    rotate_secret,
)

URL = "https://ops.example/s3cret-path"
SECRET = "whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "secrets" / "subscribers.json"


def test_without_a_file_there_are_no_subscribers(path):
    """A service without webhooks needs none."""
    assert load_subscribers(path, ()) == {}


def test_every_file_is_private_and_nothing_shows_a_secret(path):
    """Both files have mode 0600, and what a log might print of a subscriber holds neither its URL nor its secret."""
    handed = add_subscriber(path, "ops", URL, ())
    found = load_subscribers(path, ())["ops"]

    assert handed.name == "webhook-ops.secret"
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}
    assert found.secrets == (handed.read_text().strip(),)
    assert found.secrets[0].startswith("whsec_")
    assert ("s3cret" in repr(found), found.secrets[0] in repr(found)) == (False, False)


def test_a_rotation_overlaps(path):
    """The new secret comes first, the old one signs until it is retired, and there are never three."""
    old = add_subscriber(path, "ops", URL, ()).read_text().strip()
    new = rotate_secret(path, "ops", ()).read_text().strip()
    assert load_subscribers(path, ())["ops"].secrets == (new, old)
    with pytest.raises(SettingsError, match="two secrets of ops are in use"):
        rotate_secret(path, "ops", ())

    retire_secret(path, "ops", ())
    assert load_subscribers(path, ())["ops"].secrets == (new,)
    with pytest.raises(SettingsError, match="ops has only one secret"):
        retire_secret(path, "ops", ())


def test_subscribers_are_added_moved_and_removed(path):
    """Each has a name of its own; the secret stays when the URL changes, and goes with the subscriber."""
    add_subscriber(path, "ops", URL, ())
    handed = add_subscriber(path, "audit", "http://127.0.0.1:9/", ())
    with pytest.raises(SettingsError, match="there is a subscriber ops already"):
        add_subscriber(path, "ops", URL, ())

    move_subscriber(path, "ops", "https://elsewhere.example/", ())
    assert load_subscribers(path, ())["ops"].url == "https://elsewhere.example/"
    remove_subscriber(path, "audit", ())
    assert (list(load_subscribers(path, ())), handed.exists()) == (["ops"], False)


@pytest.mark.parametrize("change", [rotate_secret, retire_secret, remove_subscriber])
def test_an_unknown_name_is_refused(path, change):
    """Nothing is written."""
    with pytest.raises(SettingsError, match="no such subscriber"):
        change(path, "ops", ())
    assert not path.exists()


@pytest.mark.parametrize("name", ["", "Ops", "a/b", "a b", "-a", "a" * 33])
def test_a_name_is_short_and_plain(path, name):
    """It becomes part of a file name, a key of the store and a label of a metric."""
    with pytest.raises(SettingsError, match="small letters"):
        add_subscriber(path, name, URL, ())


def entry(**changes):
    return {"name": "ops", "url": URL, "secrets": [SECRET], **changes}


BROKEN = {
    "": "is not a file of subscribers", "[]": "is not a file of subscribers", "{}": "is not a file of subscribers",
    "[" * 100_000: "is not a file of subscribers",
    json.dumps({"subscribers": 7}): "is not a file of subscribers",
    json.dumps({"subscribers": [entry(name=7)]}): "is not a file of subscribers",
    json.dumps({"subscribers": [entry(url=7)]}): "is not a file of subscribers",
    json.dumps({"subscribers": [entry(secrets=SECRET)]}): "is not a file of subscribers",
    json.dumps({"subscribers": [entry(), entry()]}): "names a subscriber twice",
    json.dumps({"subscribers": [entry(secrets=[])]}): "needs one or two secrets",
    json.dumps({"subscribers": [entry(secrets=[SECRET] * 3)]}): "needs one or two secrets",
    json.dumps({"subscribers": [entry(secrets=["whsec_c2hvcnQ="])]}): "needs one or two secrets",
    json.dumps({"subscribers": [entry(secrets=["s3cret"])]}): "needs one or two secrets",
    json.dumps({"subscribers": [entry(secrets=[None])]}): "needs one or two secrets",
    json.dumps({"subscribers": [entry(url="http://ops.example/")]}): "unencrypted",
}  # fmt: skip


@pytest.mark.parametrize(("text", "says"), BROKEN.items(), ids=range(len(BROKEN)))
def test_a_broken_file_is_refused_whole(path, text, says):
    """One line says what is wrong, and repeats neither a URL nor a secret."""
    path.parent.mkdir()
    path.write_text(text)

    with pytest.raises(SettingsError, match=says) as caught:
        load_subscribers(path, ())
    said = str(caught.value)
    assert ("\n" in said, "s3cret" in said, SECRET in said) == (False, False, False)

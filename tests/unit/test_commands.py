"""Commands do what they say, show no secret, and end in one line and an exit code when they cannot."""

import json

import pytest

from antifraud.commands import main
from antifraud.pseudonym import load_active_key, load_keyring
from antifraud.release import activate, write_bundle


@pytest.fixture
def run(tmp_path, capsys):
    def run_command(*arguments):
        code = main(arguments, {"ANTIFRAUD_HOME": str(tmp_path)})
        said = capsys.readouterr()
        return code, said.out, said.err

    return run_command


@pytest.fixture
def releases(tmp_path):
    folder = tmp_path / "releases"
    for release in ("a", "b", "c"):
        write_bundle(folder, release, {"model.onnx": release.encode()}, {"threshold": 7})
    activate(folder, "a")
    activate(folder, "c")
    return folder


def test_keys_are_made_once(run, tmp_path):
    """The first time writes the key ring and shows its path only; the second is refused with exit code 10."""
    code, out, err = run("keys", "generate")
    path = tmp_path / "raw" / "secrets" / "keyring.json"
    assert (code, out, err) == (0, f"wrote {path}\n", "")
    assert load_active_key(path).secret.hex() not in out

    code, out, err = run("keys", "generate")
    assert (code, out, err.count("\n")) == (10, "", 1)
    assert err.startswith("error: ")


def test_keys_are_listed_rotated_and_retired(run, tmp_path):
    """Ids only, in order; the active key cannot be retired; without a lake the old one can."""
    run("keys", "generate")
    assert run("keys", "list") == (0, "k1  active\n", "")
    assert run("keys", "rotate")[:2] == (
        0, "k2 is active; the lake stays under its key until jobs/rotate_keys.py has run\n",
    )  # fmt: skip
    assert run("keys", "list") == (0, "k1\nk2  active\n", "")
    code, _, err = run("keys", "retire", "k2")
    assert (code, err.startswith("error: k2 is the active key")) == (10, True)
    code, out, _ = run("keys", "retire", "k1")
    assert (code, out.startswith("k1 is removed from ")) == (0, True)
    assert run("keys", "list") == (0, "k2  active\n", "")
    ring = load_keyring(tmp_path / "raw" / "secrets" / "keyring.json")
    assert ring.active_key.secret.hex() not in out


def test_access_is_made_once(run, tmp_path):
    """The four files are named, none of them shown; the second time is refused."""
    code, out, _ = run("access", "generate")
    secrets = tmp_path / "secrets"
    names = ("client.token", "admin.token", "webhook.secret", "access.json")
    assert (code, out) == (0, "".join(f"wrote {secrets / name}\n" for name in names))

    code, _, err = run("access", "generate")
    assert (code, err.startswith("error: ")) == (10, True)


@pytest.mark.usefixtures("releases")
def test_releases_are_listed_with_their_role(run):
    """Which bundle serves, which served before, which is the anchor: the strongest role is shown."""
    assert run("release", "list") == (0, "a  anchor\nb\nc  serves\n", "")


@pytest.mark.usefixtures("releases")
def test_a_release_is_shown_and_verified(run):
    """The manifest as JSON; a sentence when it verifies."""
    code, out, _ = run("release", "show", "b")
    assert (code, json.loads(out)) == (0, {"release": "b", "threshold": 7})
    assert run("release", "verify", "b") == (0, "b is what its manifest says\n", "")


def test_an_altered_release_is_refused(run, releases):
    """Exit code 40 and the file at fault."""
    (releases / "b" / "model.onnx").write_bytes(b"other")

    code, out, err = run("release", "verify", "b")

    assert (code, out) == (40, "")
    assert err.startswith("error: model.onnx of bundle b has SHA-256 ")


@pytest.mark.usefixtures("releases")
@pytest.mark.parametrize("release", ["../secrets", "nothing"])
def test_an_unknown_release_is_refused(run, release):
    """Neither a path nor an id that does not exist."""
    code, _, err = run("release", "show", release)

    assert (code, err.count("\n")) == (40, 1)


@pytest.mark.parametrize("arguments", [[], ["release"], ["release", "ver", "a"], ["keys", "generate", "--force"]])
def test_a_wrong_command_line_ends_with_argparse_code(run, arguments):
    """No abbreviations, no unknown options."""
    with pytest.raises(SystemExit, match="2"):
        run(*arguments)

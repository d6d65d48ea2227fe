"""Access files are private, hold only hashes of tokens, and grant the listed scopes."""

import json

import pytest

from antifraud.errors import SettingsError
from antifraud.keys.access import Access, generate_access, hash_token, load_access


@pytest.fixture
def folder(tmp_path):
    generate_access(tmp_path / "secrets")
    return tmp_path / "secrets"


def test_generated_tokens_work_with_their_scopes(folder):
    """The generated tokens give client and admin their scopes, and a guessed token is unknown."""
    access = load_access(folder / "access.json")
    client, admin, judge, metrics = (
        access.caller_of((folder / f"{name}.token").read_text().strip())
        for name in ("client", "admin", "judge", "metrics")
    )

    assert (client.client, sorted(client.scopes)) == ("client", ["decide", "label", "read"])
    assert (admin.client, sorted(admin.scopes)) == ("admin", ["admin", "read"])
    assert (judge.client, sorted(judge.scopes)) == ("judge", ["judge", "read"])
    assert (metrics.client, sorted(metrics.scopes)) == ("metrics", ["metrics"])
    assert access.caller_of("guess") is None


def test_every_file_is_private_and_the_tokens_are_in_theirs_only(folder):
    """Every generated file has mode 0600, and access.json does not hold the tokens themselves."""
    assert sorted(path.name for path in folder.iterdir()) == [
        "access.json", "admin.token", "client.token", "judge.token", "metrics.token",
    ]  # fmt: skip
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    token = (folder / "client.token").read_text().strip()
    assert token not in (folder / "access.json").read_text()


def test_a_second_generation_is_refused(folder):
    """A second generation is refused, because it would lock every client out."""
    with pytest.raises(FileExistsError, match="remove it first"):
        generate_access(folder)


def test_a_missing_file_names_the_command(tmp_path):
    """The error about a missing file names the command that makes it."""
    with pytest.raises(SettingsError, match="access generate"):
        load_access(tmp_path / "access.json")


def entry(**changes):
    return {"client": "till", "sha256": hash_token("x"), "scopes": ["decide"], **changes}


ODD = [{"sha256": 7}, {"sha256": "é" * 64}, {"sha256": "A" * 64}, {"sha256": ""}, {"client": 7}, {"client": ""},
       {"client": ["till"]}, {"scopes": 7}, {"scopes": [["decide"]]}, {"namespace": 7},
       {"namespace": "a/b"}]  # fmt: skip
ODD += [{"scopes": scopes} for scopes in (None, "decide", "", {}, {"decide": True})]
BROKEN = ["", "[]", '{"clients": [{"client": "till"}]}', '{"clients": 7}', '{"clients": ["till"]}', "[" * 100_000]
BROKEN += [json.dumps({"clients": clients}) for clients in (None, {}, "", "till", {"till": entry()})]
BROKEN += [json.dumps({"clients": [entry(**changes)]}) for changes in ODD]


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
def test_another_file_is_refused(tmp_path, text):
    """A file of another form is refused."""
    (tmp_path / "access.json").write_text(text)

    with pytest.raises(SettingsError, match="is not an access file"):
        load_access(tmp_path / "access.json")


def test_a_file_without_clients_is_an_access_file(tmp_path):
    """It grants nothing to anybody, which is something else than a file that nobody has read."""
    (tmp_path / "access.json").write_text('{"clients": []}')

    access = load_access(tmp_path / "access.json")
    assert (access.callers, access.caller_of("x")) == ({}, None)
    assert Access().callers is None


def test_a_file_that_cannot_be_read_is_not_called_malformed(tmp_path):
    """The words say what the system said, because generating the file anew would not help."""
    (tmp_path / "access.json").mkdir()

    with pytest.raises(
        SettingsError, match=r"access\.json cannot be read \(Is a directory\): let this process read it"
    ):
        load_access(tmp_path / "access.json")


def test_an_unknown_scope_is_refused(tmp_path):
    """An unknown scope is refused, because a typing error must not leave a client without rights."""
    client = {"client": "till", "sha256": hash_token("x"), "scopes": ["decide", "admn"]}
    (tmp_path / "access.json").write_text(json.dumps({"clients": [client]}))

    with pytest.raises(
        SettingsError, match="grants 1 unknown scopes: expected some of admin, decide, judge, label, metrics, read"
    ):
        load_access(tmp_path / "access.json")


def test_a_token_of_two_entries_is_refused(tmp_path):
    """Whoever removes one of the entries must not believe that the token is revoked."""
    (tmp_path / "access.json").write_text(json.dumps({"clients": [entry(), entry(client="kiosk")]}))

    with pytest.raises(SettingsError, match="names a token twice: remove one of the two entries"):
        load_access(tmp_path / "access.json")

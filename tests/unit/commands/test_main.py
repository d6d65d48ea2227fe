"""Commands do what they say, show no secret, and end in one line and an exit code when they cannot."""

import sys

import pytest

from antifraud import commands
from antifraud.commands.command import COMMANDS
from antifraud.commands.main import main
from antifraud.keys.pseudonym import load_active_key, load_keyring


@pytest.fixture
def run(tmp_path, capsys):
    def run_command(*arguments):
        code = main(arguments, {"ANTIFRAUD_HOME": str(tmp_path)})
        said = capsys.readouterr()
        return code, said.out, said.err

    return run_command


def test_keys_are_made_once(run, tmp_path):
    """The first call writes the key ring and shows only its path; the second is refused with exit code 10."""
    code, out, err = run("keys", "generate")
    path = tmp_path / "raw" / "secrets" / "keyring.json"
    assert (code, out, err) == (0, f"wrote {path}\n", "")
    assert load_active_key(path).secret.hex() not in out

    code, out, err = run("keys", "generate")
    assert (code, out, err.count("\n")) == (10, "", 1)
    assert err.startswith("error: ")


def test_keys_are_listed_rotated_and_retired(run, tmp_path):
    """Ids are listed in order; the active key cannot be retired, and without a lake the old key can."""
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


def test_a_retirement_that_is_cut_short_can_be_repeated(run, tmp_path, monkeypatch):
    """The bridge is removed first, because without its key nothing would name a bridge that is left over."""
    run("keys", "generate")
    run("keys", "rotate")
    bridge = tmp_path / "raw" / "feed" / "bridge" / "k1-k2"
    bridge.mkdir(parents=True)
    assert run("keys", "retire", "*")[0] == 10
    assert bridge.exists()

    with monkeypatch.context() as cut:
        cut.setattr("antifraud.commands.keys.retire_key", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run("keys", "retire", "k1")
    assert not bridge.exists()
    assert run("keys", "retire", "k1")[0] == 0


def test_access_is_made_once(run, tmp_path):
    """The five files are named and not shown, and the second call is refused."""
    code, out, _ = run("access", "generate")
    secrets = tmp_path / "secrets"
    names = ("client.token", "admin.token", "judge.token", "metrics.token", "access.json")
    assert (code, out) == (0, "".join(f"wrote {secrets / name}\n" for name in names))

    code, _, err = run("access", "generate")
    assert (code, err.startswith("error: ")) == (10, True)


def test_subscribers_are_kept_by_commands(run, tmp_path):
    """Each command says what it has done, and none shows a secret or the path of a URL."""
    secret, url = tmp_path / "secrets" / "webhook-ops.secret", "https://ops.example/s3cret"
    said = [
        run("subscribers", *words)
        for words in (
            ("list",), ("add", "ops", "--url", url), ("rotate", "ops"), ("list",), ("retire", "ops"),
            ("move", "ops", "--url", "http://127.0.0.1:9/"), ("list",), ("remove", "ops"), ("remove", "ops"),
        )
    ]  # fmt: skip

    assert [code for code, _, _ in said] == [0] * 8 + [10]
    assert [out for _, out, _ in said[:8]] == [
        "",
        f"added ops; give its receiver the secret in {secret}\n",
        f"two secrets of ops sign; give its receiver the new one in {secret}, then retire the old one\n",
        "ops  ops.example  two secrets sign\n",
        "only the newest secret of ops signs\n",
        "ops has another URL\n",
        "ops  127.0.0.1\n",
        "removed ops\n",
    ]
    assert said[8][2].startswith("error: there is no such subscriber")


def test_the_release_keys_are_made_once(run, tmp_path):
    """Both files are named and not shown, and the second call is refused with exit code 10."""
    code, out, err = run("release-key", "generate")
    secrets = tmp_path / "secrets"
    assert (code, out, err) == (0, f"wrote {secrets / 'release.pub'}\nwrote {secrets / 'release.key'}\n", "")

    code, out, err = run("release-key", "generate")
    assert (code, out, err.count("\n")) == (10, "", 1)
    assert err.startswith("error: ")


@pytest.mark.parametrize("arguments", [[], ["release"], ["release", "ver", "a"], ["keys", "generate", "--force"]])
def test_a_wrong_command_line_ends_with_argparse_code(run, arguments):
    """Abbreviations and unknown options are refused."""
    with pytest.raises(SystemExit, match="2"):
        run(*arguments)


def test_the_replays_help_says_how_many_days_it_needs(capsys):
    """A loss bound needs 14 days, and without the help a person would learn that only after the scoring."""
    with pytest.raises(SystemExit) as ended:
        main(["replay", "--help"], {})
    assert ended.value.code == 0
    assert "At least 14 days, with frauds among them, are needed" in capsys.readouterr().out


def test_the_help_lists_every_command(capsys):
    """Every command stands in a line with the first line of its help."""
    with pytest.raises(SystemExit) as ended:
        main(["--help"], {})
    assert ended.value.code == 0
    listed = [line.split("  ")[1] for line in capsys.readouterr().out.split("\n\n")[2].splitlines()]
    assert listed == [
        "access generate", "explain", "keys generate", "keys list", "keys retire", "keys rotate", "policy activate",
            "policy check", "policy diff", "policy show", "release activate",
        "release gc", "release list", "release pin", "release show", "release verify", "release-key generate", "replay",
        "subscribers add", "subscribers list", "subscribers move", "subscribers remove", "subscribers retire",
        "subscribers rotate",
    ]  # fmt: skip


def test_a_command_is_one_function_in_one_file(tmp_path, monkeypatch, capsys):
    """A module that is added to the package brings its command, arguments and help along."""
    (tmp_path / "greeting.py").write_text(
        """
from antifraud.commands.command import argument, command
from antifraud.commands.terminal import say

@command("people greet", argument("name"), argument("--times", type=int, default=1))
def greet(options, environ):
    'Greet somebody.'
    say(f"hello {options.name}" * options.times)
"""
    )
    monkeypatch.setattr(commands, "__path__", [*commands.__path__, str(tmp_path)])
    try:
        assert main(["people", "greet", "you", "--times", "2"], {}) == 0
        assert capsys.readouterr().out == "hello youhello you\n"
        with pytest.raises(SystemExit):
            main(["--help"], {})
        assert "  people greet          Greet somebody.\n" in capsys.readouterr().out
    finally:
        del COMMANDS["people greet"], sys.modules["antifraud.commands.greeting"]

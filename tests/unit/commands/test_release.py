"""Commands for releases: list, verify, point to another one, remove; dry by default."""

import json

import pytest

from antifraud.artifacts.bundle import write_bundle
from antifraud.artifacts.pointer import Pointer, activate, read_pointer
from antifraud.commands.main import main
from antifraud.features.registry import feature_set_hash
from tests.release_keys import PUBLIC, SIGNING, put_keys

REASON = ("--reason", "the anchor is known to be good")


@pytest.fixture
def run(tmp_path, capsys):
    def run_command(*arguments):
        code = main(("release", *arguments), {"ANTIFRAUD_HOME": str(tmp_path)})
        said = capsys.readouterr()
        return code, said.out, said.err

    put_keys(tmp_path)
    return run_command


@pytest.fixture
def releases(tmp_path):
    """Five releases: the first is the anchor, the third is previous, the fourth serves, the last has never served."""
    folder = tmp_path / "releases"
    for night in range(1, 6):
        described = {"as_of": f"2026-04-0{night}", "verdict": "PASS", "threshold": 50_000 + night}
        manifest = {**described, "feature_set": feature_set_hash()}
        write_bundle(folder, f"r{night}", {"model.onnx": bytes([night])}, manifest, SIGNING)
    for name in ("r1", "r3", "r4"):
        activate(folder, name, PUBLIC)
    return folder


def present(releases):
    return sorted(path.name for path in releases.iterdir() if path.is_dir())


def test_without_a_release_the_list_says_what_to_do(run):
    """An empty folder is no error."""
    code, out, err = run("list")

    assert (code, err) == (0, "")
    assert out.startswith("no release in ")
    assert "jobs/promote.py" in out


def test_releases_are_listed_newest_first_with_their_roles(run, releases):
    """The columns explain themselves, and a broken bundle is listed too."""
    (releases / "r2" / "model.onnx").write_bytes(b"other")

    code, out, err = run("list")

    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "release  role      as of       verdict  threshold  state",
        "r5       -         2026-04-05  PASS     50,005     verified",
        "r4       champion  2026-04-04  PASS     50,004     verified",
        "r3       previous  2026-04-03  PASS     50,003     verified",
        "r1       anchor    2026-04-01  PASS     50,001     verified",
        "r2       -         -           -        -          BROKEN",
        "",
        "r4 serves; the pointer is at change 3",
    ]


@pytest.mark.usefixtures("releases")
def test_a_release_is_shown_and_verified(run):
    """`show` prints the manifest with the roles as JSON, and `verify` a sentence."""
    code, out, _ = run("show", "r1")
    shown = json.loads(out)
    assert (code, shown["release"], shown["roles"], shown["threshold"]) == (0, "r1", ["anchor"], 50_001)
    assert run("verify", "r1") == (0, "r1 is signed and is what its manifest says\n", "")


def test_an_altered_release_is_refused(run, releases):
    """One line names the file at fault, and the exit code is 40."""
    (releases / "r2" / "model.onnx").write_bytes(b"other")

    code, out, err = run("verify", "r2")

    assert (code, out, err.count("\n")) == (40, "", 1)
    assert err.startswith("error: model.onnx of bundle r2 has SHA-256 ")


@pytest.mark.usefixtures("releases")
@pytest.mark.parametrize("release", ["../secrets", "nothing", ".lock"])
@pytest.mark.parametrize("action", [["show"], ["verify"], ["activate", *REASON], ["pin", *REASON]])
def test_an_unknown_release_is_refused(run, action, release):
    """A path and an unknown id are refused."""
    code, _, err = run(action[0], release, *action[1:])

    assert (code, err.count("\n")) == (40, 1)


def test_activate_is_dry_by_default(run, releases):
    """A dry run says what would serve, and names options that fail if the pointer has moved meanwhile."""
    before = read_pointer(releases)

    code, out, _ = run("activate", "r1", *REASON)

    assert code == 0
    assert out == (
        "serves now: r4 (change 3)\n"
        "would serve: r1; dry run, the pointer stays: add --no-dry-run --expect-change 3\n"
    )  # fmt: skip
    assert read_pointer(releases) == before


def test_activate_moves_the_pointer_and_keeps_the_reason(run, releases):
    """The champion becomes previous; the list shows the reason."""
    code, out, _ = run("activate", "r1", *REASON, "--no-dry-run", "--expect-change", "3")

    assert (code, out.splitlines()[-1]) == (0, "serves: r1 (change 4), before it r4")
    assert read_pointer(releases) == Pointer("r1", "r4", "r1", 4, "the anchor is known to be good")
    assert run("list")[1].endswith('r1 serves; the pointer is at change 4 ("the anchor is known to be good")\n')


def test_activate_refuses_when_somebody_was_faster(run, releases):
    """Nothing changes if the change that the dry run showed is no longer the newest."""
    activate(releases, "r3", PUBLIC)

    code, _, err = run("activate", "r1", *REASON, "--no-dry-run", "--expect-change", "3")

    assert (code, err) == (40, "error: the pointer is at change 4, but 3 was expected: read it again first\n")
    assert read_pointer(releases).release == "r3"


@pytest.mark.usefixtures("releases")
@pytest.mark.parametrize("action", ["activate", "pin"])
def test_a_role_wants_a_reason(run, action):
    """A dot is no reason."""
    code, _, err = run(action, "r1", "--reason", "because")

    assert (code, err) == (40, "error: the reason has 7 characters: 10 or more are expected\n")


def test_pin_is_dry_by_default(run, releases):
    """A dry run says which release would be the anchor, and with which options it becomes so."""
    before = read_pointer(releases)

    code, out, _ = run("pin", "r2", *REASON)

    assert (code, read_pointer(releases)) == (0, before)
    assert out == (
        "anchor now: r1 (change 3)\n"
        "would be the anchor: r2; dry run, the pointer stays: add --no-dry-run --expect-change 3\n"
    )  # fmt: skip


def test_pin_changes_the_anchor_alone(run, releases):
    """Champion and previous stay; the old anchor has no role any more and can go; the command is idempotent."""
    pinned = ("pin", "r2", "--reason", "a year without trouble", "--no-dry-run")

    code, out, _ = run(*pinned, "--expect-change", "3")

    assert (code, out.splitlines()[-1]) == (0, "anchor: r2 (change 4), r4 serves")
    assert read_pointer(releases) == Pointer("r4", "r3", "r2", 4, "a year without trouble")
    assert run(*pinned)[0] == 0
    assert read_pointer(releases).sequence == 4
    assert run("gc", "--keep", "1", "--no-dry-run")[1] == "removed r1\n"


def test_pin_refuses_what_activate_refuses(run, releases):
    """An altered bundle and a pointer that has moved are refused."""
    (releases / "r2" / "model.onnx").write_bytes(b"other")
    before = read_pointer(releases)

    assert run("pin", "r2", *REASON, "--no-dry-run")[0] == 40
    code, _, err = run("pin", "r3", *REASON, "--no-dry-run", "--expect-change", "2")

    assert (code, err) == (40, "error: the pointer is at change 3, but 2 was expected: read it again first\n")
    assert read_pointer(releases) == before


def test_without_a_release_that_serves_nothing_is_pinned(run, releases):
    """The first release that serves becomes the anchor by itself."""
    (releases / "pointer.json").unlink()

    code, _, err = run("pin", "r2", *REASON, "--no-dry-run")

    assert (code, err) == (40, "error: nothing serves yet: the first release that does becomes the anchor by itself\n")


@pytest.mark.parametrize("action", ["activate", "pin"])
def test_a_release_of_other_features_gets_no_role(run, releases, action):
    """Scorers would refuse it and keep the old release, and nobody would know why."""
    write_bundle(releases, "r0", {"model.onnx": b""}, {"feature_set": "0123456789abcdef"}, SIGNING)
    before = read_pointer(releases)

    code, _, err = run(action, "r0", *REASON, "--no-dry-run")

    assert (code, read_pointer(releases)) == (40, before)
    assert "needs feature set 0123456789abcdef" in err


def test_gc_is_dry_by_default(run, releases):
    """Three of five have a role and the newest is kept: the second night would go."""
    code, out, _ = run("gc", "--keep", "1")

    assert (code, out) == (0, "would remove r2\ndry run, nothing was removed: add --no-dry-run\n")
    assert present(releases) == ["r1", "r2", "r3", "r4", "r5"]


def test_gc_keeps_roles_and_the_newest(run, releases):
    """Exactly the named bundles are removed, and a second run finds none."""
    assert run("gc", "--keep", "1", "--no-dry-run") == (0, "removed r2\n", "")
    assert present(releases) == ["r1", "r3", "r4", "r5"]
    assert run("gc", "--keep", "1", "--no-dry-run")[1].startswith("nothing to remove")
    assert read_pointer(releases).release == "r4"


@pytest.mark.parametrize("keep", ["0", "-1"])
def test_gc_never_removes_all_that_have_no_role(run, releases, keep):
    """The newest bundle may be about to serve."""
    code, _, err = run("gc", "--keep", keep, "--no-dry-run")

    assert (code, err.count("\n")) == (40, 1)
    assert len(present(releases)) == 5


def test_gc_without_a_readable_pointer_removes_nothing(run, releases):
    """Without the pointer the roles are unknown."""
    (releases / "pointer.json").write_text("{")

    assert run("gc", "--keep", "1", "--no-dry-run")[0] == 40
    assert len(present(releases)) == 5


@pytest.mark.parametrize("action", ["activate", "pin", "gc"])
def test_help_says_that_it_is_dry_by_default(run, capsys, action):
    """A person can read it before trying."""
    with pytest.raises(SystemExit, match="0"):
        run(action, "--help")
    assert "dry by default" in " ".join(capsys.readouterr().out.split())

"""A store that a power cut may have damaged: when it is examined, what is found, and the way back."""

import errno
import json
import shutil
import threading

import pytest

from antifraud.errors import StoreDamaged, StoreError
from antifraud.settings.serving import StoreSettings
from serving.store import opening, soundness
from serving.store.__main__ import main
from serving.store.store import open_store
from tests.serving.processes import GunicornScorer
from tests.serving.scene import CUSTOMER, Scorer, init_store

BUSY, DAMAGED, FOREIGN = 69, 81, 80


@pytest.fixture
def used(home):
    """A home with a closed store of three decisions."""
    scorer = Scorer(home)
    scorer.poller.poll()
    for number in range(3):
        assert scorer.decide(transaction_id=number).status_code == 200
    scorer.close()
    return home


@pytest.fixture
def examinations(monkeypatch):
    """The folders that were examined."""
    seen = []

    def note(folder):
        seen.append(folder)
        soundness.require_sound(folder)

    monkeypatch.setattr(opening, "require_sound", note)
    return seen


def mark_of(home):
    """The mark of the store."""
    return json.loads((home / "store" / "boot.json").read_text())


def boot_anew(home, **changes):
    """Let the store be one that was in use when the power was cut."""
    cut = {"boot": "an earlier one", "closed": ""}
    (home / "store" / "boot.json").write_text(json.dumps({**mark_of(home), **cut, **changes}))


def damage_value(home, old, new):
    """Change bytes inside records, so that every page stays well-formed."""
    file = home / "store" / "data.mdb"
    content = file.read_bytes()
    assert old in content
    file.write_bytes(content.replace(old, new))


def overwrite_pages(home):
    """Overwrite all pages but the first two, as a cut that lost them would."""
    file = home / "store" / "data.mdb"
    file.write_bytes(file.read_bytes()[:8_192].ljust(file.stat().st_size, b"\0"))


def run(action, home):
    """Run the command of the store."""
    return main([action], {"ANTIFRAUD_HOME": str(home)})


def open_and_close(home, **settings):
    """Open the store and close it."""
    open_store(StoreSettings(home=home, **settings)).close()


def test_a_closed_store_is_not_examined(used, examinations):
    """A store that was closed opens without delay, also after another boot."""
    open_and_close(used)
    (used / "store" / "boot.json").write_text(json.dumps({**mark_of(used), "boot": "an earlier one"}))
    open_and_close(used)
    assert examinations == []


def test_a_killed_store_is_examined_if_it_is_small(used, examinations, monkeypatch):
    """After a kill of everything, a small store is examined; a large one opens without delay."""
    killed = {**mark_of(used), "closed": ""}
    (used / "store" / "boot.json").write_text(json.dumps(killed))
    open_and_close(used)
    assert examinations == [used / "store"]
    (used / "store" / "boot.json").write_text(json.dumps(killed))
    monkeypatch.setattr(opening, "SMALL_BYTES", 0)
    open_and_close(used)
    assert len(examinations) == 1


def test_a_file_that_somebody_changed_is_examined(used):
    """A closed store with another file than it had is examined, in the same boot and however large it is."""
    overwrite_pages(used)
    with pytest.raises(StoreDamaged, match=r"the file of the decision store is damaged"):
        open_and_close(used)


def test_a_repaired_file_is_examined_again(used):
    """A finding is forgotten with the file in which it was made."""
    sound = (used / "store" / "data.mdb").read_bytes()
    overwrite_pages(used)
    with pytest.raises(StoreDamaged):
        open_and_close(used)
    (used / "store" / "data.mdb").write_bytes(sound)
    open_and_close(used)


def test_whoever_joins_examines_nothing(used, examinations):
    """While one process has the store open, nobody examines it."""
    store = open_store(StoreSettings(home=used))
    opening.Usage(used / "store", "process").end()
    store.close()
    assert examinations == []


def test_a_full_disk_costs_an_examination(used, examinations, monkeypatch):
    """Where the mark cannot be written, the store opens without one, and is examined the next time."""

    def refuse(*_):
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as full:
        full.setattr(opening, "replace_file", refuse)
        open_and_close(used)
    assert not (used / "store" / "boot.json").exists()
    assert examinations == []
    open_and_close(used)
    assert examinations == [used / "store"]


def test_a_failed_opening_leaves_no_mark_of_a_closed_store(used, monkeypatch):
    """Only a process that has written the store to the disk says that it is closed."""

    def refuse(*_, **__):
        raise StoreError("no memory")

    with monkeypatch.context() as broken:
        broken.setattr(opening, "Environment", refuse)
        with pytest.raises(StoreError, match="no memory"):
            open_and_close(used)
    assert mark_of(used)["closed"] == ""
    open_and_close(used)


def test_a_moved_folder_is_not_made_again(used):
    """Closing a store after its folder was moved leaves nothing in its place."""
    store = open_store(StoreSettings(home=used))
    (used / "store").rename(used / "moved")
    store.close()
    assert not (used / "store").exists()


def test_another_boot_examines_once(used, examinations):
    """After a boot, the first to open the store examines it, and nobody else does."""
    boot_anew(used)
    open_and_close(used)
    open_and_close(used)
    assert examinations == [used / "store"]
    assert mark_of(used)["boot"] == opening.BOOT_ID.read_text().strip()


def test_two_openers_examine_once(used, examinations):
    """If two open the store at once, one examines it, and the other waits for the result."""
    boot_anew(used)
    usages = []
    openers = [
        threading.Thread(target=lambda: usages.append(opening.Usage(used / "store", "process"))) for _ in range(2)
    ]
    for opener in openers:
        opener.start()
    for opener in openers:
        opener.join()
    assert (len(usages), len(examinations)) == (2, 1)
    for usage in usages:
        usage.end()


def test_power_needs_no_examination(used, examinations):
    """A store that was only in use with `power` is not examined."""
    boot_anew(used, durability="power")
    open_and_close(used, store_durability="power")
    assert examinations == []
    assert mark_of(used)["durability"] == "power"


def test_the_weaker_durability_counts(used):
    """Once a process without sync has opened the store, the mark says so until the next boot."""
    open_and_close(used, store_durability="power")
    assert mark_of(used)["durability"] == "process"


def test_a_copy_without_a_mark_is_examined(used, examinations):
    """Nobody knows where a store without a mark comes from."""
    (used / "store" / "boot.json").unlink()
    open_and_close(used)
    assert examinations == [used / "store"]


def test_lost_pages_are_found(used, examinations):
    """A file with lost pages is refused, and the result is remembered for this boot."""
    overwrite_pages(used)
    boot_anew(used)
    for _ in range(2):
        with pytest.raises(StoreDamaged, match=r"the file of the decision store is damaged"):
            open_and_close(used)
    assert len(examinations) == 1


def test_a_record_of_another_time_is_found(used):
    """Well-formed pages whose records do not belong together are refused: their checksums do not add up."""
    damage_value(used, CUSTOMER.encode(), CUSTOMER.encode()[:-1] + b"_")
    boot_anew(used)
    with pytest.raises(StoreDamaged, match="records of different times"):
        open_and_close(used)


def test_an_examination_that_dies_means_damage(used, monkeypatch):
    """A signal that ends the examination is taken for damage: LMDB crashes on some files."""
    monkeypatch.setattr(soundness, "PROJECT", used)
    (used / "serving" / "store").mkdir(parents=True)
    (used / "serving" / "__init__.py").touch()
    (used / "serving" / "store" / "__init__.py").touch()
    (used / "serving" / "store" / "soundness.py").write_text("import os; os.kill(os.getpid(), 7)")
    monkeypatch.chdir(used)
    with pytest.raises(StoreDamaged, match="signal 7"):
        soundness.require_sound(used / "store")


def test_verify_says_that_a_store_is_sound(used, capsys):
    """`verify` reads the whole store, and changes nothing."""
    before = (used / "store" / "data.mdb").read_bytes()
    assert run("verify", used) == 0
    assert capsys.readouterr().out == f"the decision store in {used / 'store'} is sound\n"
    assert (used / "store" / "data.mdb").read_bytes() == before


def test_verify_leaves_a_store_in_use_alone(used, capsys):
    """While a process has the store open, `verify` is refused: it would read in one transaction for minutes."""
    scorer = Scorer(used)
    scorer.poller.poll()
    assert run("verify", used) == BUSY
    assert capsys.readouterr().err == (
        "error: the decision store is in use: stop scorer and guard, then verify again\n"
    )
    scorer.close()
    assert run("verify", used) == 0


def test_whoever_opens_waits_for_verify(used, monkeypatch):
    """A store that is being verified is opened after the examination, by a reader of the same lock."""
    opened = []

    def examine_slowly(_):
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()

    thread = threading.Thread(target=lambda: opened.append(open_and_close(used)))
    monkeypatch.setattr(opening, "require_sound", examine_slowly)
    opening.verify(used / "store")
    thread.join(10)
    assert opened == [None]


def test_verify_says_what_is_wrong(used, capsys):
    """`verify` ends with the code of a damaged store and one line."""
    damage_value(used, CUSTOMER.encode(), CUSTOMER.encode()[:-1] + b"_")
    assert run("verify", used) == DAMAGED
    assert capsys.readouterr().err == (
        "error: the decision store is damaged (records of different times): see docs/runbook.md, Store\n"
    )


def test_verify_without_a_store(tmp_path):
    """`verify` says that there is no store."""
    assert run("verify", tmp_path) == FOREIGN


def damage(home):
    """Damage the store as a power cut would."""
    overwrite_pages(home)
    boot_anew(home)


def move_away(home):
    """Follow step 1 of the runbook."""
    (home / "store").rename(home / "store.damaged")
    (home / "releases" / "store.json").rename(home / "store.json.damaged")


def start(home):
    """Start a scorer."""
    scorer = Scorer(home)
    scorer.poller.poll()
    return scorer


def test_the_way_back_without_a_copy(used):
    """The runbook's steps: the damaged store is refused with the reason; after `init`, decisions are made anew."""
    damage(used)
    scorer = start(used)
    answer = scorer.decide(transaction_id=7)
    assert (answer.status_code, answer.json["type"]) == (503, "urn:antifraud:problem:store-unusable")
    assert answer.json["detail"].startswith("the file of the decision store is damaged (")
    assert scorer.get("/readyz").status_code == 503
    scorer.close()
    assert run("init", used) == FOREIGN
    assert run("accept", used) == DAMAGED

    move_away(used)
    assert run("init", used) == 0
    scorer = start(used)
    assert scorer.decide(transaction_id=7).json["type"] == "urn:antifraud:problem:suspended"
    assert scorer.switch("resume", 0).status_code == 200
    assert scorer.decide(transaction_id=7).status_code == 200
    scorer.close()


def test_the_way_back_with_a_copy(used):
    """The runbook's steps with a copy of the store: it is accepted, and serves once an admin resumes it."""
    shutil.copytree(used / "store", used / "copy")
    damage(used)
    move_away(used)
    (used / "copy").rename(used / "store")
    (used / "store.json.damaged").rename(used / "releases" / "store.json")
    assert run("accept", used) == 0

    scorer = start(used)
    assert scorer.decide(transaction_id=7).json["type"] == "urn:antifraud:problem:suspended"
    assert scorer.switch("resume", 2).status_code == 200
    assert scorer.decide(transaction_id=7).status_code == 200
    assert scorer.decide(transaction_id=1).headers["Idempotent-Replayed"] == "true"
    scorer.close()


def test_a_new_store_is_on_the_disk(tmp_path):
    """Nothing is examined before a store is made, and its mark names the present boot."""
    init_store(tmp_path)
    status = (tmp_path / "store" / "data.mdb").stat()
    assert mark_of(tmp_path) == {
        "boot": opening.BOOT_ID.read_text().strip(),
        "durability": "process",
        "closed": f"{status.st_size} bytes, {status.st_mtime_ns}",
        "flaw": "",
    }


def test_a_stopped_scorer_closes_its_store(used):
    """The last worker that ends leaves the mark of a closed store."""
    scorer = GunicornScorer(used)
    scorer.start()
    assert mark_of(used)["closed"] == ""
    scorer.stop()
    status = (used / "store" / "data.mdb").stat()
    assert mark_of(used)["closed"] == f"{status.st_size} bytes, {status.st_mtime_ns}"

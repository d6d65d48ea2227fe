"""Open the environment of the store, after it was examined if it may have been damaged since it was last in use.

LMDB without sync can be damaged by a power cut, and does not notice. So a mark in the folder names the boot of the
machine since which the store is in use, and the durability. It describes the file as the last process closed it.
"""

import fcntl
import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final, TextIO

from antifraud.errors import StoreBusy, StoreDamaged, StoreError
from antifraud.files import exclusive, replace_file, sync_folder
from antifraud.settings.serving import Durability, StoreSettings
from serving.store import earlier
from serving.store.databases import DATABASES
from serving.store.lmdb import DATA_FILE, Environment, require_store
from serving.store.soundness import require_sound

BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
MARK: Final = "boot.json"
USERS: Final = ".users"
"""Name of the file that every process locks as long as it has the store open."""
SMALL_BYTES: Final = 128 << 20
"""A file up to this size is examined in about a second."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The last use of a store.

    Attributes:
        boot: The boot of the machine.
        durability: The weakest durability since that boot.
        closed: Size and time of the last change of the file when the last process closed it; empty while it is in use.
        flaw: What was found to be damaged; empty if nothing was.
    """

    boot: str
    durability: Durability
    closed: str = ""
    flaw: str = ""


def open_environment(settings: StoreSettings, *, create: bool) -> Environment:
    """Open the LMDB environment of the settings; one that is made may hold a store of an earlier version.

    Raises:
        StoreForeign: There is none, and it is not to be created.
        StoreDamaged: It is damaged.
        StoreError: It cannot be opened.
    """
    if not create:
        require_store(settings.store_dir)
    usage = Usage(settings.store_dir, settings.store_durability)
    try:
        return Environment(
            settings.store_dir,
            settings.store_map_bytes,
            power_safe=settings.store_durability == "power",
            wait_seconds=settings.store_wait_seconds,
            databases=(*DATABASES, *earlier.EARLIER_DATABASES) if create else DATABASES,
            after_close=usage.end,
        )
    except StoreError:
        usage.leave()
        raise


class Usage:
    """The use of a store by this process, from before it is opened until after it is closed."""

    def __init__(self, folder: Path, durability: Durability) -> None:
        """Note that the store is in use; the first to use it examines it, and others wait for the result.

        Raises:
            StoreDamaged: It is damaged.
            StoreError: It could not be examined.
        """
        self._folder = folder
        with exclusive(folder):
            self._users = (folder / USERS).open("w")
            try:
                self._begin(durability)
            except BaseException:
                self._users.close()
                raise

    def _begin(self, durability: Durability) -> None:
        before, boot = _read_mark(self._folder), BOOT_ID.read_text().strip()
        is_first = _is_only_user(self._users)
        fcntl.flock(self._users, fcntl.LOCK_SH)
        mark = Mark(boot, durability, flaw=before.flaw if before else "")
        if before is not None and before.boot == boot and "process" in (before.durability, durability):
            # Whatever was written without sync may be on its way to the disk for as long as the machine runs.
            mark = replace(mark, durability="process")
        if is_first and _may_be_damaged(self._folder, before, boot):
            mark = replace(mark, flaw=_find_flaw(self._folder), closed=_describe(self._folder))
        if mark.flaw:
            self._write(mark, before)
            raise StoreDamaged(mark.flaw)
        self._write(replace(mark, closed=""), before)

    def end(self) -> None:
        """Note that this process has closed the store, and written it to the disk; the last one describes the file."""
        # Another folder may have taken the place of this one.
        if self._is_in_place():
            with exclusive(self._folder):
                before = _read_mark(self._folder)
                if before is not None and _is_only_user(self._users):
                    self._write(replace(before, closed=_describe(self._folder)), before)
        self.leave()

    def leave(self) -> None:
        """End the use without a note, so that the next process knows nothing about the file."""
        self._users.close()

    def _is_in_place(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._users.fileno()), (self._folder / USERS).stat())
        except FileNotFoundError:
            return False

    def _write(self, mark: Mark, before: Mark | None) -> None:
        if mark == before:
            return
        try:
            replace_file(self._folder / MARK, json.dumps(asdict(mark)))
        except OSError:
            # A full disk must not stop the service. Without a mark, the next process examines the store.
            (self._folder / MARK).unlink(missing_ok=True)
            sync_folder(self._folder)


def verify(folder: Path) -> None:
    """Examine a store at rest; whoever opens it meanwhile waits for the end.

    In a store that is in use, an examination would keep old pages from being reused for as long as it reads.

    Raises:
        StoreForeign: There is none.
        StoreBusy: A process has it open.
        StoreDamaged: It is damaged.
        StoreError: It could not be examined.
    """
    require_store(folder)
    with exclusive(folder), (folder / USERS).open("w") as users:
        if not _is_only_user(users):
            raise StoreBusy("the decision store is in use: stop scorer and guard, then verify again")
        require_sound(folder)


def _is_only_user(users: TextIO) -> bool:
    """Return whether no other process has the store open; if so, lock the file against them."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_mark(folder: Path) -> Mark | None:
    try:
        return Mark(**json.loads((folder / MARK).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        # The store is new, or a copy without the mark, which is examined.
        return None


def _describe(folder: Path) -> str:
    try:
        status = (folder / DATA_FILE).stat()
    except FileNotFoundError:
        return ""
    return f"{status.st_size} bytes, {status.st_mtime_ns}"


def _may_be_damaged(folder: Path, before: Mark | None, boot: str) -> bool:
    """Return whether a power cut, or somebody else, may have changed the file since it was last in use."""
    described = _describe(folder)
    if not described or (before is not None and before.closed == described):
        return False
    if before is None or before.closed:
        return True
    if before.boot != boot:
        return before.durability == "process"
    # All processes were killed. Their writes are in the memory of the machine, so a large store opens without delay.
    return (folder / DATA_FILE).stat().st_size <= SMALL_BYTES


def _find_flaw(folder: Path) -> str:
    try:
        require_sound(folder)
    except StoreDamaged as error:
        return str(error)
    return ""

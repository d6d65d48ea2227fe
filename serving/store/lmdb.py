"""LMDB: an environment that several processes share, and one transaction over its databases.

LMDB has one writer at a time over all processes, and a reader never waits. Changes go through a `Committer`. Another
process may enlarge the environment; this one then takes over the new size between two transactions.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import lmdb

from antifraud.errors import AntifraudError, StoreDamaged, StoreError, StoreForeign, StoreFull
from antifraud.files import sync_folder
from serving.store.committer import Committer, Job
from serving.store.databases import DATABASES
from serving.store.gate import Gate
from serving.store.room import COPIES_BYTES, URGENT_BYTES, Room
from serving.store.view import Transaction, View

DATA_FILE: Final = "data.mdb"
LOCK_FILE: Final = "lock.mdb"
SIZE: Final = "map_bytes"
HELP: Final = "see docs/runbook.md, Store"
T = TypeVar("T")


class Environment:
    """An open LMDB environment. Open it after the fork: it does not survive one."""

    def __init__(
        self,
        folder: Path,
        map_bytes: int,
        *,
        power_safe: bool,
        wait_seconds: float,
        databases: Sequence[str] = DATABASES,
        after_close: Callable[[], None],
    ) -> None:
        """Open the environment in `folder`, which is made if it is missing; its records can grow to `map_bytes`.

        With `power_safe`, a change is on the disk when `write` returns. Otherwise `look_after` writes it there.

        Raises:
            StoreError: It cannot be opened.
        """
        self._file, self._power_safe, self._wait_seconds = folder / DATA_FILE, power_safe, wait_seconds
        # With another lock file, two processes could write at once, and damage the store.
        self._paths = str(self._file), str(folder / LOCK_FILE)
        self._gate, self._after_close = Gate(wait_seconds), after_close
        self._close_error: lmdb.Error | None = None
        self._open(folder, map_bytes, databases)
        self._inodes = self._inodes_of_files()
        self.room = Room(self._file, self.map_bytes)
        self._measure()
        self._committer = Committer(self._commit, self._close)

    def _open(self, folder: Path, map_bytes: int, databases: Sequence[str]) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._env = lmdb.open(
                str(folder), map_size=map_bytes + COPIES_BYTES, max_dbs=len(databases), mode=0o600,
                sync=self._power_safe, metasync=self._power_safe,
            )  # fmt: skip
        except (lmdb.Error, OSError) as error:
            raise _store_error(error) from error
        try:
            self._db = {name: self._env.open_db(name.encode()) for name in databases}
        except lmdb.Error as error:
            # An environment that stays open could not be opened again.
            self._env.close()
            raise _store_error(error) from error

    @property
    def map_bytes(self) -> int:
        """Largest size of the records."""
        return int(self._env.info()["map_size"]) - COPIES_BYTES

    @contextmanager
    def read(self) -> Iterator[View]:
        """Open a consistent view of one moment, without waiting for a writer; keep it open for less than a second.

        Raises:
            StoreError: The store cannot be read.
        """
        try:
            with self._gate.among_others(), self._begin() as transaction:
                yield View(transaction, self._db)
        except lmdb.Error as error:
            raise _store_error(error) from error

    def write(self, work: Callable[[View], T], *, size: int = 1, spare: float = 0, urgent: bool = False) -> T:
        """Return what `work` returns, once its changes are committed; if it raises, it has changed nothing.

        `work` changes about `size` decisions or labels. It may run twice, the first time without effect. It is refused
        if less than the share `spare` of the reserve would remain. For `urgent` work the environment is enlarged.

        Raises:
            StoreFull: There is no room for changes of this kind.
            StoreBusy: Another process holds the lock of the store for too long.
            StoreError: The store cannot be written.
        """
        return self._committer.run(Job(work, size=size, spare=spare, urgent=urgent), self._wait_seconds)

    def _measure(self) -> None:
        with self._gate.among_others(), self._begin() as transaction:
            self.room.measure(self._used_bytes(transaction))

    def _used_bytes(self, transaction: Transaction) -> int:
        """Return the size of the pages that all databases use."""
        sizes, kinds = map(transaction.stat, self._db.values()), ("branch_pages", "leaf_pages", "overflow_pages")
        return sum(size["psize"] * size[kind] for size in sizes for kind in kinds)

    def _begin(self, *, write: bool = False) -> Transaction:
        while True:
            try:
                return self._env.begin(write=write)
            except lmdb.MapResizedError:
                self._take_over_size()

    def _enlarge(self) -> None:
        with self._gate.alone():
            self._env.set_mapsize(self.map_bytes + COPIES_BYTES + URGENT_BYTES)

    def _set_size(self, map_bytes: int) -> None:
        with self._gate.alone():
            self._env.set_mapsize(map_bytes + COPIES_BYTES)
            self.room.limit = map_bytes

    def announce_size(self) -> None:
        """Tell the other processes the size that the settings of this one give; they take a larger one over.

        Raises:
            StoreError: The store cannot be written.
        """
        self.write(lambda view: view.set_number(SIZE, self.map_bytes))

    def _take_over_size(self) -> None:
        """Take over the size that another process has given the environment."""
        self._gate.leave()
        try:
            with self._gate.alone():
                # LMDB forbids it while this process has a transaction open.
                self._env.set_mapsize(0)
                self.room.limit = self.map_bytes
        finally:
            self._gate.enter(patient=True)

    def _commit(self, jobs: list[Job[Any]]) -> None:
        """Do jobs in one transaction; if one spoils it, do each in its own."""
        try:
            if any(job.lacks_room for job in jobs):
                self._enlarge()
            with self._gate.among_others(), self._begin(write=True) as transaction:
                # Sums differ from job to job, so the digest is written once for all of them.
                if difference := sum([self._do(job, transaction) for job in jobs]):
                    View(transaction, self._db).add_to_digest(difference)
                # Asked under the lock: the folder may be replaced while this thread waits for the lock.
                self._require_in_place()
        except Exception as error:  # noqa: BLE001 the requester gets it, and this thread must go on
            self._commit_each(jobs, error)
            return
        for job in jobs:
            job.finish()

    def _commit_each(self, jobs: list[Job[Any]], error: Exception) -> None:
        """Do each of several jobs in a transaction of its own; finish a single one with its error."""
        if len(jobs) > 1:
            for job in jobs:
                self._commit([job])
        elif isinstance(error, lmdb.MapFullError) and jobs[0].urgent and not jobs[0].lacks_room:
            # A reader that was stopped can keep all old pages from being reused. Enlarging once must be enough.
            jobs[0].lacks_room = True
            self._commit(jobs)
        else:
            jobs[0].finish(_store_error(error) if isinstance(error, lmdb.Error) else error)

    def _do(self, job: Job[Any], transaction: Transaction) -> int:
        """Do a job; return what it adds to the digest."""
        if not job.start():
            return 0
        view = View(transaction, self._db)
        try:
            if self.room.is_due(job.size):
                self.room.measure(self._used_bytes(transaction))
            self.room.require(job.spare, job.size)
            job.result = job.work(view)
        except AntifraudError as error:
            # A refusal before the first change leaves the transaction to the others.
            if view.changed:
                raise
            job.error = error
        return view.difference

    def _require_in_place(self) -> None:
        if self._inodes_of_files() != self._inodes:
            raise StoreForeign("the folder of the decision store was replaced while it was open: nothing was changed")

    def _inodes_of_files(self) -> list[tuple[int, int]]:
        try:
            return [(status.st_dev, status.st_ino) for status in map(os.stat, self._paths)]
        except OSError:
            return []

    def look_after(self) -> None:
        """Clear the slots of killed readers, which would keep old pages, take over a new size, and write to the disk.

        Raises:
            StoreForeign: The folder was replaced.
            StoreError: The disk does not accept the changes.
        """
        self._require_in_place()
        try:
            self._env.reader_check()
            with self.read() as view:
                announced = view.number(SIZE)
            self._measure()
            if announced > self.map_bytes:
                self._set_size(announced)
            self.room.keep_on_disk(self._env.info()["last_pgno"])
            if not self._power_safe:
                self._env.sync(True)
        except lmdb.Error as error:
            raise _store_error(error) from error

    def settle(self) -> None:
        """Write everything to the disk, with the entry of a new file in its folder.

        Raises:
            StoreError: The disk does not accept it.
        """
        try:
            self._env.sync(True)
            sync_folder(self._file.parent)
            sync_folder(self._file.parent.parent)
        except (lmdb.Error, OSError) as error:
            raise _store_error(error) from error

    def close(self) -> None:
        """Finish what waits, write it to the disk and close the environment; the process can then open it again.

        If another process holds the lock for too long, the environment is closed as soon as the lock is free.

        Raises:
            StoreError: The disk does not accept it.
        """
        self._committer.stop(self._wait_seconds)
        if self._close_error is not None:
            raise _store_error(self._close_error) from self._close_error

    def _close(self) -> None:
        try:
            with self._gate.alone(patient=True), closing(self._env):
                self._env.sync(True)
        except lmdb.Error as error:
            self._close_error = error
        else:
            self._after_close()


def require_store(folder: Path) -> None:
    """Refuse a folder without a store.

    Raises:
        StoreForeign: There is none.
    """
    if not (folder / DATA_FILE).exists():
        raise StoreForeign(f"there is no decision store in {folder}: {HELP}")


def _store_error(error: Exception) -> StoreError:
    # The failures that an operator cures with a setting or with room.
    if isinstance(error, lmdb.MapFullError):
        return StoreFull("the decision store is full: raise ANTIFRAUD_STORE_MAP_BYTES and restart the scorer")
    if isinstance(error, lmdb.CorruptedError | lmdb.PageNotFoundError | lmdb.InvalidError):
        return StoreDamaged(f"the decision store is damaged ({type(error).__name__}): {HELP}")
    return StoreError(f"the decision store cannot be used ({type(error).__name__}): {HELP}")

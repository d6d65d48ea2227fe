"""LMDB: an environment that several processes share, and one transaction over its databases.

LMDB has one writer at a time over all processes, and a reader never waits. Changes go through a `Committer`. Another
process may enlarge the environment; this one then takes over the new size between two transactions.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import lmdb
from lmdb.verify import VerifyError, verify

from antifraud.errors import AntifraudError, StoreDamaged, StoreError, StoreForeign, StoreFull
from antifraud.files import sync_folder
from serving.store.committer import Committer, Job
from serving.store.gate import Gate
from serving.store.room import Room
from serving.store.view import Transaction, View

DATABASES: Final = (
    "live", "ids", "stubs", "entries", "contexts", "labels", "live_labels", "live_changes",
    "pending", "blocks", "evidence", "switch", "outbox", "dead", "workers", "meta",
)  # fmt: skip
DATA_FILE: Final = "data.mdb"
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
        """Open the environment in `folder`, which is made if it is missing; it can grow to `map_bytes`.

        With `power_safe`, a change is on the disk when `write` returns. Otherwise `look_after` writes it there.

        Raises:
            StoreError: It cannot be opened.
        """
        self._file, self._power_safe, self._wait_seconds = folder / DATA_FILE, power_safe, wait_seconds
        self._gate, self._after_close = Gate(), after_close
        self._open(folder, map_bytes, databases)
        self._inode = self._inode_of_file()
        self.room = Room(self._file, self.map_bytes)
        self._committer = Committer(self._commit)

    def _open(self, folder: Path, map_bytes: int, databases: Sequence[str]) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._env = lmdb.open(
                str(folder), map_size=map_bytes, max_dbs=len(databases), mode=0o600,
                sync=self._power_safe, metasync=self._power_safe,
            )  # fmt: skip
            self._db = {name: self._env.open_db(name.encode()) for name in databases}
        except (lmdb.Error, OSError) as error:
            raise _store_error(error) from error

    @property
    def map_bytes(self) -> int:
        """Largest size."""
        return int(self._env.info()["map_size"])

    @contextmanager
    def read(self) -> Iterator[View]:
        """Open a consistent view of one moment, without waiting for a writer; keep it open for less than a second.

        Raises:
            StoreError: The store cannot be read.
        """
        with self._gate.among_others():
            try:
                with self._begin() as transaction:
                    yield View(transaction, self._db)
            except lmdb.Error as error:
                raise _store_error(error) from error

    def write(self, work: Callable[[View], T], *, spare: float = 0) -> T:
        """Return what `work` returns, once its changes are committed; if it raises, it has changed nothing.

        `work` may run twice, the first time without effect. It is refused if less than the share `spare` of the
        reserve would remain.

        Raises:
            StoreFull: There is no room for changes of this kind.
            StoreBusy: Another process holds the lock of the store for too long.
            StoreError: The store cannot be written.
        """
        self.room.require(spare)
        return self._committer.run(work, self._wait_seconds)

    def _begin(self, *, write: bool = False) -> Transaction:
        try:
            return self._env.begin(write=write)
        except lmdb.MapResizedError:
            pass
        self._take_over_size()
        return self._env.begin(write=write)

    def _take_over_size(self) -> None:
        """Take over the size that another process has given the environment."""
        self._gate.leave()
        try:
            with self._gate.alone():
                # LMDB forbids it while this process has a transaction open.
                self._env.set_mapsize(0)
        finally:
            self._gate.enter()
        self.room.limit = self.map_bytes

    def _commit(self, jobs: list[Job[Any]]) -> None:
        """Do jobs in one transaction; if one spoils it, do each in its own."""
        try:
            with self._gate.among_others():
                self._require_in_place()
                with self._begin(write=True) as transaction:
                    # Sums differ from job to job, so the digest is written once for all of them.
                    if difference := sum([self._do(job, transaction) for job in jobs]):
                        View(transaction, self._db).add_to_digest(difference)
                    if self.room.is_due():
                        self.room.measure(View(transaction, self._db).pages())
        except Exception as error:  # noqa: BLE001 the requester gets it, and this thread must go on
            if len(jobs) == 1:
                jobs[0].finish(_store_error(error) if isinstance(error, lmdb.Error) else error)
            else:
                for job in jobs:
                    self._commit([job])
            return
        for job in jobs:
            job.finish()

    def _do(self, job: Job[Any], transaction: Transaction) -> int:
        """Do a job; return what it adds to the digest."""
        if not job.start():
            return 0
        view = View(transaction, self._db)
        # It may have been refused in a transaction that another job has spoilt.
        job.error = None
        try:
            job.result = job.work(view)
        except AntifraudError as error:
            # A refusal before the first change leaves the transaction to the others.
            if view.changed:
                raise
            job.error = error
        return view.difference

    def _require_in_place(self) -> None:
        if self._inode_of_file() != self._inode:
            raise StoreForeign("the folder of the decision store was replaced while it was open: nothing was changed")

    def _inode_of_file(self) -> tuple[int, int] | None:
        try:
            status = self._file.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

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
                self.room.measure(view.pages())
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

        Raises:
            StoreError: The disk does not accept it.
        """
        self._committer.stop()
        try:
            with self._gate.alone(), closing(self._env):
                self._env.sync(True)
        except lmdb.Error as error:
            raise _store_error(error) from error
        self._after_close()


def require_store(folder: Path) -> None:
    """Refuse a folder without a store.

    Raises:
        StoreForeign: There is none.
    """
    if not (folder / DATA_FILE).exists():
        raise StoreForeign(f"there is no decision store in {folder}: {HELP}")


@contextmanager
def examine(folder: Path) -> Iterator[View]:
    """Open a view of a store that may be damaged, after its file was found sound page by page.

    It is for a process of its own, because LMDB can crash on a damaged file.

    Raises:
        StoreDamaged: A page is wrong.
    """
    try:
        with (
            lmdb.open(str(folder), max_dbs=len(DATABASES), readonly=True, create=False) as environment,
            # If the store is in use, its writers leave the pages of this moment alone.
            environment.begin() as transaction,
        ):
            if flaws := verify(str(folder)):  # type: ignore[no-untyped-call]
                raise StoreDamaged(f"the file of the decision store is damaged ({flaws[0]}): {HELP}")
            # The main database has the names of the others as keys.
            names = [name for name in DATABASES if transaction.get(name.encode()) is not None]
            yield View(
                transaction, {name: environment.open_db(name.encode(), transaction, create=False) for name in names}
            )
    except (lmdb.Error, VerifyError) as error:
        raise StoreDamaged(f"the file of the decision store is damaged ({error}): {HELP}") from None


def _store_error(error: Exception) -> StoreError:
    # The failures that an operator cures with a setting or with room.
    if isinstance(error, lmdb.MapFullError):
        return StoreFull("the decision store is full: raise ANTIFRAUD_STORE_MAP_BYTES and restart the scorer")
    if isinstance(error, lmdb.CorruptedError | lmdb.PageNotFoundError | lmdb.InvalidError):
        return StoreDamaged(f"the decision store is damaged ({type(error).__name__}): {HELP}")
    return StoreError(f"the decision store cannot be used ({type(error).__name__}): {HELP}")

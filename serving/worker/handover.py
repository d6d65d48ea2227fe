"""Messages between Gunicorn's master and its workers during a reload, in memory that they share.

A reload starts new workers and tells the old ones to leave. An old worker goes on accepting until as many new ones can
decide, unless the whole service stops. Only the standard library is imported here: what the master imports stays the
same through every reload.
"""

import mmap
from typing import Final

LAST_AGE, WORKERS, STOPS, FIRST_PLACE = range(4)
"""Cells: age of the last old worker, number of new workers, whether the service stops; then a place for each worker."""
PLACES: Final = 256
"""Far more workers than live at one time."""
CELL_BYTES: Final = 8


class Handover:
    """The state of a reload. Make it before the workers are forked.

    Gunicorn numbers its workers, and calls the number age. A worker that can decide writes its age into its place.
    """

    def __init__(self) -> None:
        memory = mmap.mmap(-1, CELL_BYTES * (FIRST_PLACE + PLACES))  # anonymous: shared with all children
        self._cells = memoryview(memory).cast("Q")

    def begin(self, last_age: int, workers: int) -> None:
        """Note in the master that workers up to `last_age` are to be replaced by so many new `workers`."""
        self._cells[WORKERS], self._cells[LAST_AGE] = workers, last_age

    def stop(self) -> None:
        """Note in the master that the service stops, so that no worker waits for another."""
        self._cells[STOPS] = 1

    def report_ready(self, age: int) -> None:
        """Note that the worker of this age can decide."""
        self._cells[FIRST_PLACE + age % PLACES] = age

    def must_wait(self, age: int) -> bool:
        """Return whether the worker of this age, which was told to leave, must go on until new ones can decide."""
        last_age = self._cells[LAST_AGE]
        ready = sum(other > last_age for other in self._cells[FIRST_PLACE:])
        return not self._cells[STOPS] and age <= last_age and ready < self._cells[WORKERS]

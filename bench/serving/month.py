"""Measure the decision store after a simulated month at 50 transactions a second, shipped every hour.

    make bench-month
    python -m bench.serving.month --scale 10

Decisions go through the port's commit, without scores, at 1/20 of the traffic and of the customers and terminals; the
size is multiplied by 20. Each hour's decisions are written to a Parquet file and released. Removal is that of a worker.
The last three days must be flat: as much is removed as is stored.
"""

import argparse
import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from antifraud.clock import DAY_SECONDS, HOUR_SECONDS, day_of
from antifraud.features.registry import FEATURE_NAMES
from antifraud.settings.serving import GuardSettings, ScorerSettings
from bench.record import record
from serving.decisions.live import count_event, history_of
from serving.guard.watch import inspect_evidence
from serving.store.port import Horizon, Wanted
from serving.store.records import Context, Decision, Entry, NewDecision, Place
from serving.store.room import Room
from serving.store.store import init_store
from serving.worker.loading import State
from serving.worker.retention import COHORT_DAYS, GRACE_DAYS

COMMAND: Final = "make bench-month"
TRANSACTIONS_A_SECOND: Final = 50
CUSTOMERS, TERMINALS = 1_000_000, 10_000
DAYS: Final = 30
FLAT_DAYS: Final = 3
FIRST_DAY: Final = 20_000
LIVE_DAYS: Final = 2
"""Days after the cut-off at the end of a day: yesterday is in the lake in the night."""
GIGABYTE: Final = 10**9
MAP_BYTES: Final = 16 << 30
ENTRIES_A_READ: Final = 5_000
RECORDS_A_STEP, STEPS_AN_HOUR = 1_000, 20
"""Larger and fewer steps than those of a worker, which removes some records every second."""


class NoState:
    """A state that knows nobody: live records then hold all that is known."""

    def begin(self) -> "NoState":
        """Return a transaction."""
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def get(self, _: bytes) -> None:
        """Find nothing."""


class Month:
    """One simulated month on a store of its own."""

    def __init__(self, home: Path, scale: int) -> None:
        self._settings = ScorerSettings(home=home, store_map_bytes=MAP_BYTES)
        self._store = init_store(self._settings, "bench")
        self._guard = GuardSettings(home=home)
        self._file = self._settings.store_dir / "data.mdb"
        self._parquet = home / "shipped.parquet"
        self._scale = scale
        self._rng = np.random.default_rng(7)
        self._vectors = self._rng.normal(size=(1_000, len(FEATURE_NAMES)))
        self.bytes_by_day: list[int] = []

    def live_through(self, days: int) -> None:
        """Decide, ship and remove, hour by hour."""
        for hour in range(FIRST_DAY * 24, (FIRST_DAY + days) * 24):
            for wanted, time, amount in self._transactions(hour):
                self._decide(wanted, time, amount)
            self._ship()
            self._remove((hour + 1) * HOUR_SECONDS)
            if (hour + 1) % 24 == 0:
                self.bytes_by_day.append(self._bytes())
                print(f"day {len(self.bytes_by_day)}: {self.bytes_by_day[-1] / GIGABYTE:.3f} GB", flush=True)
        self._store.close()

    def _transactions(self, hour: int) -> Iterator[tuple[Wanted, int, int]]:
        count = TRANSACTIONS_A_SECOND * HOUR_SECONDS // self._scale
        times = hour * HOUR_SECONDS + np.sort(self._rng.integers(0, HOUR_SECONDS, count))
        customers = self._rng.integers(0, CUSTOMERS // self._scale, count)
        terminals = self._rng.integers(0, TERMINALS // self._scale, count)
        amounts = self._rng.lognormal(8, 1, count).astype(int) + 1
        for place in range(count):
            name = hashlib.md5(b"%d.%d" % (hour, place), usedforsecurity=False).hexdigest()
            customer, terminal = f"k1.{customers[place]:022}", f"k1.{terminals[place]:022}"
            yield Wanted(Place("", name), customer, terminal, range(0)), int(times[place]), int(amounts[place])

    def _decide(self, wanted: Wanted, time: int, amount: int) -> None:
        seen, state = self._store.look_up(wanted), State(day_of(time) - LIVE_DAYS, 7, NoState())
        live = [
            count_event(history_of(state, token, stored)[1], time=time, amount=amount, oldest_day=state.cutoff)
            for token, stored in ((wanted.customer, seen.live_customer), (wanted.terminal, seen.live_terminal))
        ]
        context = Context(f"2024-{day_of(time)}", 500_000, "SERVING", 0, state.cutoff)
        decision = Decision(
            context, amount % 10**6, time, time, wanted.terminal, amount, bytes(16), counted=True, history_complete=True
        )
        vector = self._vectors[amount % len(self._vectors)].tobytes()
        entry = Entry(*wanted.place, wanted.customer, vector)
        if not self._store.commit_decision(wanted, seen, NewDecision(decision, entry, *live)):
            raise RuntimeError("nobody else writes, so no commit can be refused")

    def _ship(self) -> None:
        """Write the hour's decisions to a Parquet file, and release them."""
        first, last = self._store.shipped().arrival + 1, self._store.newest_arrival()
        columns: dict[str, list[object]] = {"transaction_id": [], "customer": [], "vector": [], "score": []}
        after = first - 1
        while rows := self._store.entries(after + 1, last, ENTRIES_A_READ):
            for entry, decision in rows:
                values = entry.transaction_id, entry.customer, entry.vector, decision.score
                for column, value in zip(columns.values(), values, strict=True):
                    column.append(value)
            after = rows[-1][1].arrival
        pq.write_table(pa.table(columns), self._parquet)
        self._store.release(first, last)

    def _remove(self, now: int) -> None:
        kept = max(self._settings.label_delay_days + GRACE_DAYS, self._settings.late_event_days)
        before = now - kept * DAY_SECONDS - HOUR_SECONDS
        horizon = Horizon(before, day_of(now) - LIVE_DAYS, 0, day_of(before) - COHORT_DAYS)
        # Only what the guard has counted is removed.
        while inspect_evidence(self._store, self._guard, now).more:
            pass
        for _ in range(STEPS_AN_HOUR):
            self._store.remove_expired(horizon, RECORDS_A_STEP)
        self._store.look_after()

    def _bytes(self) -> int:
        """Return the size of the file, without the space that is reserved behind its last page."""
        return self._file.stat().st_size - Room(self._file, MAP_BYTES).reserve


def measure(scale: int, days: int) -> list[float]:
    """Return the size of the store at the end of each day, in GB, multiplied by `scale`."""
    with tempfile.TemporaryDirectory(prefix="store-") as folder:
        month = Month(Path(folder), scale)
        month.live_through(days)
    return [size * scale / GIGABYTE for size in month.bytes_by_day]


def main() -> None:
    """Measure a month, and record its size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=int, default=20, help="part of the traffic and of the entities")
    parser.add_argument("--days", type=int, default=DAYS)
    options = parser.parse_args()
    sizes = measure(options.scale, options.days)
    growth = sizes[-1] / sizes[-1 - FLAT_DAYS] - 1
    beside = f"1/{options.scale} of the traffic; growth in the last {FLAT_DAYS} days {growth:+.2%}"
    name = "scorer.month_gb" if options.scale == 20 else f"scorer.month_gb_at_1_of_{options.scale}"
    record(name, sizes[-1], "GB", COMMAND, beside, (min(sizes[-FLAT_DAYS:]), max(sizes[-FLAT_DAYS:])))


if __name__ == "__main__":
    main()

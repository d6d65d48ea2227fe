"""Compare the ingest of one raw file of 47 million rows with DuckDB: ``python -m bench.lake.ingest --home <folder>``.

Both sides read the same text, check every field, and make the same tokens of both ids. They write `clean`, `labels` and
`quarantine` as Parquet by day, sorted alike, and take turns. DuckDB is not asked for line numbers, publishing or
audits. The rows of both sides are compared. So are the reported defects and the ones that the simulator put in.
"""

import datetime as dt
import json
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final

import duckdb
import psutil

from antifraud.lake.catalog import open_catalog, published
from antifraud.lake.schemas import CLEAN, QUARANTINE
from antifraud.settings.core import JobSettings
from bench.lake.ingest_sql import statements
from bench.lake.world import Bench, bench_of, files_of, truth

COMMAND: Final = "python -m bench.lake.ingest"
GIB: Final = 1 << 30
LOOK_SECONDS: Final = 0.5


def ingest(settings: JobSettings, days: list[dt.date]) -> tuple[float, float]:
    """Run the job; return its seconds and the peak of its memory in GiB, all its processes together."""
    command = [sys.executable, "-m", "jobs.ingest", "--from", str(days[0]), "--to", str(days[-1])]
    began, peak, ended = time.monotonic(), [0.0], threading.Event()
    with subprocess.Popen(command, env=os.environ | {"ANTIFRAUD_HOME": str(settings.home)}) as process:
        watch = threading.Thread(target=_watch, args=(process.pid, peak, ended))
        watch.start()
        code = process.wait()
        ended.set()
        watch.join()
    if code:
        raise SystemExit(f"{' '.join(command)} ended with code {code}")
    return time.monotonic() - began, peak[0]


def _watch(pid: int, peak: list[float], ended: threading.Event) -> None:
    while not ended.wait(LOOK_SECONDS):
        used = 0
        try:
            job = psutil.Process(pid)
            for process in (job, *job.children(recursive=True)):
                used += process.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
        peak[0] = max(peak[0], used / GIB)


def with_duckdb(settings: JobSettings, target: Path) -> float:
    """Return the seconds that DuckDB needs for the same tables."""
    shutil.rmtree(target, ignore_errors=True)
    scratch = target.with_suffix(".db")
    scratch.unlink(missing_ok=True)
    began = time.monotonic()
    with duckdb.connect(str(scratch)) as database:
        database.execute("SET threads = 2; SET memory_limit = '6GB'; SET preserve_insertion_order = false")
        for statement in statements(settings, target):
            database.execute(statement)
    return time.monotonic() - began


def different_days(settings: JobSettings, days: list[dt.date], target: Path) -> int:
    """Count days with other clean rows on the two sides, by count and by a sum of hashes that ignores order."""
    query = (
        "SELECT day, count(*), sum(hash(transaction_id, event_time, customer, terminal, amount)) FROM {} GROUP BY day"
    )
    ours = duckdb.sql(query.format(files_of(settings, CLEAN, days))).fetchall()
    theirs = duckdb.sql(query.format(f"read_parquet('{target}/clean/*/*.parquet')")).fetchall()
    return len({*ours} ^ {*theirs})


def missed_defects(settings: JobSettings, days: list[dt.date]) -> tuple[int, int]:
    """Count the simulator's defects, and by how many the reported ones differ, by day and reason."""
    runs = published(open_catalog(settings), QUARANTINE, days[0], days[-1])
    injected, wrong = 0, 0
    for day, said in truth(settings).items():
        found = json.loads(runs[dt.date.fromisoformat(day)].counts)["quarantined"]
        for reason, count in said["quarantined"].items():
            injected += count
            wrong += abs(count - found.get(reason, 0))
    return injected, wrong


def measure(bench: Bench) -> None:
    """Let both sides take turns, compare and record."""
    settings, days = bench.settings, bench.days
    ours, theirs, peaks = [], [], []
    target = settings.home / "duckdb"
    for turn in range(bench.repetitions):
        shutil.rmtree(settings.home / "lake", ignore_errors=True)
        seconds, peak = ingest(settings, days)
        ours.append(seconds)
        peaks.append(peak)
        theirs.append(with_duckdb(settings, target))
        print(f"{turn + 1}: {ours[-1]:.0f} s and {peaks[-1]:.2f} GB, DuckDB {theirs[-1]:.0f} s", flush=True)
    if different := different_days(settings, days, target):
        raise SystemExit(f"the clean rows differ from DuckDB's on {different // 2 + different % 2} days or more")
    injected, wrong = missed_defects(settings, days)
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    rows = sum(day["rows"] for day in truth(settings).values())
    about = f"{rows:,} rows: {statistics.median(ours):.0f} s, DuckDB {statistics.median(theirs):.0f} s; equal rows"
    bench.keep("lake.ingest_vs_duckdb", statistics.median(ratios), "1", COMMAND, about, ratios)
    bench.keep("lake.ingest_peak_gb", max(peaks), "GB", COMMAND, "all processes", peaks)
    bench.keep(
        "lake.defects_missed", wrong, "rows", COMMAND, f"{injected:,} put in by the simulator, by day and reason"
    )


if __name__ == "__main__":
    measure(bench_of(__doc__, repetitions=3))

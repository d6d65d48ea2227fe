"""Write the raw files of a range of days, and the truth about them."""

import time
from dataclasses import dataclass
from pathlib import Path

from jobs.simulator.config import WorldConfig
from jobs.simulator.days import day_rows
from jobs.simulator.text import day_text, header_of
from jobs.simulator.truth import DayTruth, day_truth, move_untimed, save_truth
from jobs.simulator.world import World, build_world


@dataclass(frozen=True, slots=True)
class Run:
    """A request for `days` days of `world` from `first_day` on, in files of `days_per_file` days below `out`."""

    world: WorldConfig
    out: Path
    truth: Path
    days: int
    first_day: int = 0
    days_per_file: int = 1


def simulate(run: Run) -> None:
    """Write the files one by one, each whole or not at all; a repeat writes the same bytes."""
    run.out.mkdir(parents=True, exist_ok=True)
    began, rows, world = time.perf_counter(), 0, build_world(run.world)
    truths: dict[str, DayTruth] = {}
    last = run.first_day + run.days
    for first in range(run.first_day, last, run.days_per_file):
        written = _write_file(world, run.out, range(first, min(first + run.days_per_file, last)))
        truths |= written
        rows += sum(truth["rows"] for truth in written.values())
        print(f"simulate {run.world.date(first)}.txt: {rows:,} rows so far", flush=True)
    save_truth(run.truth, run.world, truths)
    seconds = time.perf_counter() - began
    print(f"simulate: {rows:,} rows of {run.days} days in {seconds:.1f} s, {rows / seconds:,.0f} rows/s")


def _write_file(world: World, out: Path, indices: range) -> dict[str, DayTruth]:
    """Write one raw file, with one day in memory at a time."""
    name = f"{world.config.date(indices[0])}.txt"
    temporary = out / f".{name}.tmp"
    truths: list[DayTruth] = []
    with temporary.open("wb") as file:
        file.write(header_of(world.config))
        for index in indices:
            day = day_rows(world, index)
            file.write(day_text(world.config, day))
            truths.append(day_truth(day))
            # Ingest puts rows without a usable time under the first day of their file, so the truth does, too.
            move_untimed(day, truths[-1], truths[0])
    temporary.replace(out / name)
    return {str(world.config.date(index)): truth for index, truth in zip(indices, truths, strict=True)}

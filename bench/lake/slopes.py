"""Measure ingest, totals and features against the number of rows: ``python -m bench.lake.slopes --home <folder>``.

Worlds of 24 days with 1, 5 and 48 million rows are loaded, one after the other in one session. The smallest is loaded
twice, because the JVM compiles on the first turn. The exponent is the slope of log seconds over log rows, of the worst
stage. Features are made for the last day alone, so only its rows count for them. `bench/lake/slope_rows.svg` shows all
points.
"""

import argparse
import datetime as dt
import math
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from antifraud.clock import ONE_DAY
from antifraud.lake.catalog import open_catalog, published
from antifraud.lake.schemas import CLEAN
from antifraud.settings.core import JobSettings
from bench.lake.world import CUSTOMERS, World, made
from bench.record import record
from jobs.day import STAGES
from jobs.publishing.tables import create_tables
from jobs.spark.session import start_session

COMMAND: Final = "make bench-slopes"
SIZES: Final = (CUSTOMERS // 50, CUSTOMERS // 10, CUSTOMERS)
STAGE_NAMES: Final = ("ingest", "totals", "features")
PLOT: Final = Path(__file__).parent / "slope_rows.svg"

Costs = dict[str, tuple[int, float]]
"""Rows and seconds by stage."""


def costs(home: Path, world: World) -> Costs:
    """Load a world into an empty lake: all days of ingest and totals, the last day of state and features."""
    settings = made(home, world)
    shutil.rmtree(settings.home / "lake", ignore_errors=True)
    spark = start_session("bench", settings)
    create_tables(spark, settings)
    days = world.days
    of_stage = {"ingest": days, "totals": days[:-1], "state": [days[-1] - ONE_DAY], "features": days[-1:]}
    found: Costs = {}
    for name, wanted in of_stage.items():
        began = time.monotonic()
        STAGES[name](spark, settings, wanted)
        found[name] = _rows(settings, wanted), time.monotonic() - began
        print(f"{world.customers:,} customers: {name} of {found[name][0]:,} rows {found[name][1]:.1f} s", flush=True)
    spark.stop()
    return found


def _rows(settings: JobSettings, days: list[dt.date]) -> int:
    return sum(run.rows for run in published(open_catalog(settings), CLEAN, days[0], days[-1]).values())


def exponent(points: list[tuple[int, float]]) -> float:
    """Return the slope of log seconds over log rows, by least squares.

    >>> round(exponent([(1, 5.0), (10, 50.0), (100, 500.0)]), 6)
    1.0
    """
    rows, seconds = zip(*((math.log(rows), math.log(seconds)) for rows, seconds in points), strict=True)
    return float(np.polyfit(rows, seconds, 1)[0])


def plot(found: Sequence[Costs], slopes: dict[str, float]) -> Figure:
    """Plot seconds over rows by stage on logarithmic axes, each with a line of proportional cost."""
    figure = Figure(figsize=(7, 5), layout="constrained")
    axes = figure.subplots()
    for name in STAGE_NAMES:
        rows, seconds = zip(*(each[name] for each in found), strict=True)
        (line,) = axes.loglog(rows, seconds, "o-", label=f"{name}, exponent {slopes[name]:.2f}")
        proportional = [seconds[-1] * each / rows[-1] for each in rows]
        axes.loglog(rows, proportional, ":", color=line.get_color(), linewidth=1)
    axes.set(xlabel="rows", ylabel="seconds", title="Cost against rows; dotted: proportional, from the largest world")
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


def measure(home: Path) -> None:
    """Load every world, record the exponents and plot."""
    worlds = [World(SIZES[0]), *(World(size) for size in SIZES)]
    found = [costs(home / str(world.customers), world) for world in worlds][1:]
    slopes = {name: exponent([each[name] for each in found]) for name in STAGE_NAMES}
    about = "; ".join(
        f"{name} {slopes[name]:.2f} ("
        + ", ".join(f"{rows:,} rows {seconds:.0f} s" for rows, seconds in (each[name] for each in found))
        + ")"
        for name in STAGE_NAMES
    )
    record("lake.slope_rows", max(slopes.values()), "1", COMMAND, about, (min(slopes.values()), max(slopes.values())))
    mpl.rcParams["svg.hashsalt"] = PLOT.name  # the same points give the same file
    plot(found, slopes).savefig(PLOT, metadata={"Date": None})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True, help="folder of the worlds; 15 GB, kept")
    measure(parser.parse_args().home)

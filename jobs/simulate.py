"""Write raw files of a simulated world, and the truth about them.

    python -m jobs.simulate --preset default --out var/raw/feed --days 100
    python -m jobs.simulate --preset default --out var/raw/live --first-day 100 --days 6 --change 2026-04-13

The second command continues the world of the first. A day depends only on the world and its date, so that days can be
written in any order and in several runs.
"""

import argparse
import dataclasses
import datetime as dt
import sys
from pathlib import Path

from antifraud.exit_codes import returns_exit_code
from jobs.simulator.config import CHANGE_KINDS, NIGHT_SHARE, Change, DefectRates, WorldConfig
from jobs.simulator.presets import PRESETS
from jobs.simulator.run import Run, simulate

TERMINALS_A_CUSTOMER = 0.8


@returns_exit_code
def main(arguments: argparse.Namespace) -> None:
    """Write days of the world that the arguments describe."""
    truth = arguments.truth or arguments.out.resolve().parent / "truth"
    simulate(
        Run(
            world_of(arguments), arguments.out, truth, arguments.days,
            first_day=arguments.first_day, days_per_file=arguments.days_per_file,
        )
    )  # fmt: skip


def world_of(arguments: argparse.Namespace) -> WorldConfig:
    """Return the preset with the changes of the arguments."""
    given = {
        name: getattr(arguments, name)
        for name in ("customers", "terminals", "start", "seed", "sparse_ids", "chains", "price_level")
        if getattr(arguments, name) is not None
    }
    if "customers" in given:
        given.setdefault("terminals", round(given["customers"] * TERMINALS_A_CUSTOMER))
    if arguments.change is not None:
        given["change"] = Change(arguments.change, arguments.change_kind, arguments.change_share)
    preset = PRESETS[arguments.preset]
    rates = {name: getattr(arguments, name) for name in DefectRates.__slots__ if getattr(arguments, name) is not None}
    return dataclasses.replace(preset, **given, defects=dataclasses.replace(preset.defects, **rates))


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = options.add_argument
    add("--out", type=Path, required=True, help="folder of the raw files")
    add("--truth", type=Path, help="folder of manifest.json (default: the folder `truth` beside --out)")
    add("--preset", choices=sorted(PRESETS), default="default", help="the world, before the options below")
    add("--days", type=int, required=True)
    add("--first-day", type=int, default=0, help="index of the first day to write; 0 is --start")
    add("--days-per-file", type=int, choices=(1, 30), default=1)
    add("--start", type=dt.date.fromisoformat, help="first day of the world")
    add("--seed", type=int)
    add("--customers", type=int, help="each makes about two transactions a day")
    add("--terminals", type=int, help="four for every five customers unless given")
    add("--chains", type=int, help="chains of terminals, named in a further column of the raw files")
    add("--price-level", type=float, help="factor of all amounts")
    add("--sparse-ids", action="store_true", default=None, help="12-digit identifiers instead of 0, 1, 2...")
    add("--change", type=dt.date.fromisoformat, help="day on which behaviour changes")
    add("--change-kind", choices=CHANGE_KINDS, default=CHANGE_KINDS[0])
    add("--change-share", type=float, default=NIGHT_SHARE, help="payments at night that a change brings")
    for name in DefectRates.__slots__:
        add(f"--{name.replace('_', '-')}", type=float, metavar="SHARE", help="share of rows with this defect")
    return options


if __name__ == "__main__":
    sys.exit(main(parser().parse_args()))

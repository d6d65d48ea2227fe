"""Fetch candidates, reports, releases and policies of other hosts, or store those of this host for others.

    python -m jobs.home fetch candidates reports
    python -m jobs.home store releases

The shared folder is `ANTIFRAUD_SHARED_HOME`. Only files that are missing or older are copied.
"""

from argparse import ArgumentParser, Namespace
from typing import Final

from antifraud.compute.shared_home import fetch, store
from antifraud.settings.core import JobSettings
from jobs.spark.runtime import base_parser, run_plain_job

WAYS: Final = {"fetch": fetch, "store": store}


def main(settings: JobSettings, arguments: Namespace) -> None:
    """Copy the folders and print how many files that were."""
    copied = WAYS[arguments.way](settings, arguments.folders)
    print(f"{arguments.way} {' '.join(arguments.folders)}: {copied} files")


def parser() -> ArgumentParser:
    """Return a parser of the way and the folders."""
    arguments = base_parser(__doc__)
    arguments.add_argument("way", choices=WAYS)
    arguments.add_argument("folders", nargs="+", choices=("candidates", "reports", "releases", "policies"))
    return arguments


if __name__ == "__main__":
    run_plain_job(main, parser(), of_any_lake=True)

"""Put a candidate that passed into service, or go back to a release that passes today.

    python -m jobs.promote --as-of 2026-04-10
    python -m jobs.promote --as-of 2026-04-10 --replace-unjudged 2026-03-01-5e6f7a8b
    python -m jobs.promote --as-of 2026-04-10 --resume "trained on the days after the change"
    python -m jobs.promote --release 2026-04-09-1a2b3c4d --dry-run
    python -m jobs.promote --aliases

The release pointer decides which release serves. MLflow's aliases follow the pointer, and running the job again repairs
them. A named release is judged first: by today's limits, on the newest matured days after its training. If it passes,
the scorer's switch serves it instead of the pointer's release, and the pointer stays.

While the service is suspended or rolled back, no pointer moves, unless ``--resume`` lets the candidate end that.

If the serving release was trained on other features than today's, it cannot be compared with the candidate. It stays
unless ``--replace-unjudged`` names it.
"""

import argparse

from antifraud.artifacts.pointer import Pointer, read_pointer
from antifraud.errors import ReleaseError
from antifraud.settings.core import JobSettings
from jobs.judging.promote import follow, promote, require_pass_today
from jobs.judging.switching import require_switch, roll_back_service
from jobs.spark.runtime import base_parser, calendar_day, run_plain_job


def main(settings: JobSettings, arguments: argparse.Namespace) -> None:
    """Promote the candidate of a day, or go back to a named release; with ``--dry-run`` only judge the named release.

    With ``--aliases`` nothing is promoted, and only MLflow's aliases are updated from the pointer.
    """
    if arguments.release:
        _roll_back(settings, arguments)
        return
    if arguments.aliases:
        pointer = _pointer(settings)
    else:
        replaced, resume = arguments.replace_unjudged, arguments.resume
        pointer = promote(settings, arguments.as_of, replace_unjudged=replaced, resume=resume)
    print(f"promote: {pointer.release} serves, previous {pointer.previous}, anchor {pointer.anchor}")
    follow(settings, pointer)


def _roll_back(settings: JobSettings, arguments: argparse.Namespace) -> None:
    """Judge the named release and let the scorer serve it, unless its switch changes while the release is judged."""
    if arguments.dry_run:
        require_pass_today(settings, arguments.release)
        print("dry run: the switch stays")
        return
    switch = require_switch(settings)
    report = require_pass_today(settings, arguments.release)
    roll_back_service(settings, switch, arguments.release, arguments.reason, report)


def _pointer(settings: JobSettings) -> Pointer:
    pointer = read_pointer(settings.releases_dir)
    if pointer is None:
        raise ReleaseError("nothing was ever promoted, so no alias has anything to follow: promote a candidate first")
    return pointer


def _parser() -> argparse.ArgumentParser:
    parser = base_parser(__doc__)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--as-of", type=calendar_day, help="promote the candidate of this day (YYYY-MM-DD)")
    which.add_argument("--release", help="go back to this release, if it passes today")
    which.add_argument("--aliases", action="store_true", help="only update MLflow's aliases from the pointer")
    parser.add_argument(
        "--replace-unjudged", metavar="RELEASE", help="with --as-of: replace it although its features differ"
    )
    parser.add_argument("--resume", metavar="REASON", default="", help="with --as-of: resume a service that is held")
    parser.add_argument(
        "--reason", default="it passes today's limits", help="with --release: why you go back; the audit trail keeps it"
    )
    parser.add_argument("--dry-run", action="store_true", help="with --release: judge it and move nothing")
    return parser


if __name__ == "__main__":
    run_plain_job(main, _parser())

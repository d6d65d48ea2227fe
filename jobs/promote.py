"""Put a candidate that passed into service, or go back to a release that passes today.

    python -m jobs.promote --as-of 2026-04-10
    python -m jobs.promote --as-of 2026-04-10 --replace-unjudged 2026-03-01-5e6f7a8b
    python -m jobs.promote --release 2026-04-09-1a2b3c4d --dry-run
    python -m jobs.promote --aliases

The release pointer decides which release serves. MLflow's aliases follow the pointer, and running the job again repairs
them. A named release is judged first: by today's limits, on the newest matured days after its training.

If the serving release was trained on other features than today's, it cannot be compared with the candidate. It stays
unless ``--replace-unjudged`` names it.
"""

import argparse

from antifraud.artifacts.pointer import Pointer, activate, read_pointer
from antifraud.errors import ReleaseError
from antifraud.keys.signing import PublicKey
from antifraud.settings.core import JobSettings
from jobs.judging.promote import follow, promote, require_pass_today
from jobs.spark.runtime import base_parser, calendar_day, run_plain_job


def main(settings: JobSettings, arguments: argparse.Namespace) -> None:
    """Promote the candidate of a day, or a named release; with ``--dry-run`` only judge the named release.

    With ``--aliases`` nothing is promoted, and only MLflow's aliases are updated from the pointer.
    """
    if arguments.aliases:
        pointer = _pointer(settings)
    elif arguments.release:
        before = read_pointer(settings.releases_dir)
        require_pass_today(settings, arguments.release)
        if arguments.dry_run:
            print("dry run: the pointer stays")
            return
        public = PublicKey.read(settings.release_public_key_path)
        sequence = before.sequence if before else 0
        pointer = activate(settings.releases_dir, arguments.release, public, expected_sequence=sequence)
    else:
        pointer = promote(settings, arguments.as_of, replace_unjudged=arguments.replace_unjudged)
    print(f"promote: {pointer.release} serves, previous {pointer.previous}, anchor {pointer.anchor}")
    follow(settings, pointer)


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
    parser.add_argument("--dry-run", action="store_true", help="with --release: judge it and move nothing")
    return parser


if __name__ == "__main__":
    run_plain_job(main, _parser())

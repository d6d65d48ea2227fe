"""Put a candidate that passed into service, or go back to a release that passes today.

    python -m jobs.promote --as-of 2026-04-10
    python -m jobs.promote --release 2026-04-09-1a2b3c4d --dry-run

The release pointer decides what serves; MLflow's aliases are made to follow it, also by running this again. A named
release is judged first, by today's limits, on the newest matured days after those it was trained on.
"""

import argparse
import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from antifraud.errors import GateRefused, ReleaseError
from antifraud.evaluator import CALIBRATION_FILE, MODEL_FILE
from antifraud.gate import check_threshold
from antifraud.gate_report import Limits
from antifraud.release import Pointer, activate, read_pointer, remove_unfinished, verify_bundle, write_bundle
from antifraud.settings import JobSettings
from jobs.model.candidate import GOLDEN_FILE, REPORT_FILE, Candidate, candidate_path, read_candidate
from jobs.model.card import CARD_FILE, model_card
from jobs.model.rollback import evidence_of_today
from jobs.model.tracking import Registry
from jobs.runtime import base_parser, run_plain_job


def promote(settings: JobSettings, as_of: dt.date) -> Pointer:
    """Release the candidate of a day and point to it; a second call changes nothing.

    Raises:
        GateRefused: The verdict is not PASS, or a release of a later day serves.
        ReleaseError: There is no candidate, or it was not validated.
    """
    candidate = read_candidate(candidate_path(settings, as_of))
    report = _report_of(candidate)
    if report["verdict"] != "PASS":
        why = " ".join(report["reasons"])
        raise GateRefused(f"candidate {candidate.id}: {report['verdict']}, so it does not serve. {why}")
    _require_newest(settings, as_of)
    remove_unfinished(settings.releases_dir)
    write_bundle(settings.releases_dir, candidate.id, _files(candidate, report), _manifest(candidate, report))
    return activate(settings.releases_dir, candidate.id)


def _report_of(candidate: Candidate) -> dict[str, Any]:
    try:
        report: dict[str, Any] = json.loads((candidate.path / REPORT_FILE).read_text())
    except FileNotFoundError as error:
        raise ReleaseError(f"candidate {candidate.id} has no report: run jobs/validate.py for it first") from error
    return report


def _require_newest(settings: JobSettings, as_of: dt.date) -> None:
    """A backfilled night must not replace what a later night put into service."""
    pointer = read_pointer(settings.releases_dir)
    if pointer is None:
        return
    serving = verify_bundle(settings.releases_dir / pointer.release).manifest["as_of"]
    if dt.date.fromisoformat(serving) > as_of:
        raise GateRefused(
            f"release {pointer.release} is newer than {as_of} and serves: use --release to go back to an older one"
        )


def _files(candidate: Candidate, report: Mapping[str, Any]) -> dict[str, bytes]:
    kept = (MODEL_FILE, CALIBRATION_FILE, GOLDEN_FILE, REPORT_FILE)
    files = {name: (candidate.path / name).read_bytes() for name in kept}
    return {**files, CARD_FILE: model_card(candidate.info, report).encode()}


def _manifest(candidate: Candidate, report: Mapping[str, Any]) -> dict[str, Any]:
    described = ("as_of", "feature_set", "features", "features_snapshot", "windows", "counts", "seed")
    decided = ("threshold", "verdict", "limits")
    return {name: candidate.info[name] for name in described} | {name: report[name] for name in decided}


def require_pass_today(settings: JobSettings, release: str) -> None:
    """Judge a release on today's data and show why.

    Raises:
        GateRefused: It breaks a limit today; the message says which.
        ReleaseError: There is no such release, or it does not verify.
        NotEnoughRows: Too few days have matured since it was trained.
    """
    limits, bundle = Limits(), verify_bundle(settings.releases_dir / release)
    report = check_threshold(evidence_of_today(settings, bundle, limits), bundle.manifest["threshold"], limits)
    print(f"{report.verdict}: release {release} on today's data", *report.reasons, sep="\n  ")
    if report.verdict != "PASS":
        raise GateRefused(f"release {release}: {report.verdict} on today's data, so the serving one stays")


def main(settings: JobSettings, arguments: argparse.Namespace) -> None:
    """Promote the candidate of a day, or a named release; with ``--dry-run`` only judge the named release."""
    if arguments.release:
        require_pass_today(settings, arguments.release)
        if arguments.dry_run:
            print("dry run: the pointer stays")
            return
        pointer = activate(settings.releases_dir, arguments.release)
    else:
        pointer = promote(settings, arguments.as_of)
    Registry.connect(settings).project(pointer)
    print(f"promote: {pointer.release} serves, previous {pointer.previous}, anchor {pointer.anchor}")


def _parser() -> argparse.ArgumentParser:
    parser = base_parser(__doc__)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--as-of", type=dt.date.fromisoformat, help="promote the candidate of this day (YYYY-MM-DD)")
    which.add_argument("--release", help="go back to this release, if it passes today")
    parser.add_argument("--dry-run", action="store_true", help="with --release: judge it and move nothing")
    return parser


if __name__ == "__main__":
    run_plain_job(main, _parser())

"""Search everything outside the raw zone for raw identifiers.

Small identifiers occur everywhere as counts, so bytes are searched only for sparse ones (`MIN_DIGITS` digits or more);
that no column of class ``identifier`` exists and that every token column holds tokens is audited at each publish.

    python -m jobs.leak_scan --day 2026-04-10

reads the identifiers from the raw feed and scans the home folder: Parquet, Avro and SQLite by value, compressed files
after decompression, everything else as bytes, both as decimal text (but for the decimals of numbers) and as binary
integers. What was scanned and found is written to ``reports/<day>/leaks.json``.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from antifraud.errors import LeakError
from antifraud.release import replace_file
from antifraud.settings import JobSettings
from jobs.leak.identifiers import MIN_DIGITS, Identifiers, sparse_identifiers
from jobs.leak.matching import matches
from jobs.leak.opening import pieces
from jobs.leak.report import Finding, describe
from jobs.runtime import day_parser, run_plain_job

RAW_ZONE = "raw"


def scan(home: Path, identifiers: set[int]) -> list[Finding]:
    """Places outside the raw zone of `home` that hold one of `identifiers`; the identifiers themselves are not told."""
    wanted = Identifiers.of(identifiers)
    return [finding for path in _files(home) for finding in _scan_file(home, path, wanted)]


def _files(home: Path) -> Iterator[Path]:
    """Every regular file outside the raw zone, in a fixed order."""
    for path in sorted(home.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.relative_to(home).parts[0] != RAW_ZONE:
            yield path


def _scan_file(home: Path, path: Path, wanted: Identifiers) -> Iterator[Finding]:
    try:
        for place, content in pieces(path):
            if hits := matches(content, wanted):
                yield Finding(str(path.relative_to(home)), place, hits)
    except FileNotFoundError:
        return  # a running service removed its own temporary file between listing and opening


def main(settings: JobSettings, arguments: argparse.Namespace) -> None:
    """Scan the home folder and write down what was scanned and found.

    Raises:
        LeakError: A raw identifier is outside the raw zone.
    """
    identifiers = sparse_identifiers(settings.under_home(RAW_ZONE))
    findings = scan(settings.under_home(), identifiers)
    report = {"identifiers": len(identifiers), "findings": [finding._asdict() for finding in findings]}
    replace_file(settings.under_home("reports", str(arguments.day), "leaks.json"), json.dumps(report, indent=2) + "\n")
    if not identifiers:
        print(f"leak scan: no identifier of the feed has {MIN_DIGITS} digits, so bytes cannot be searched for them")
        return
    print(f"leak scan: {len(identifiers):,} identifiers, {len(findings)} findings outside the raw zone")
    if findings:
        raise LeakError(
            f"raw identifiers are outside the raw zone: {describe(findings)}; remove these files, then find "
            "what wrote them"
        )


if __name__ == "__main__":
    run_plain_job(main, day_parser(__doc__))

"""Search everything outside the raw zone for raw identifiers.

Small identifiers occur everywhere as counts, so bytes are searched only for sparse ones (`MIN_DIGITS` digits or more);
that no column of class ``identifier`` exists and that every token column holds tokens is audited at each publish, and
the names of the columns of every table of the catalog are looked at here again.

    python -m jobs.leak_scan --day 2026-04-10

reads the identifiers of the raw feed, wherever that is, and scans the home folder, the Iceberg tables and the files of
catalog and MLflow where these are elsewhere, and every ``--also``: names of files, Parquet, Avro and SQLite by value,
compressed files after decompression, everything else as bytes, both as decimal text (but for the decimals of numbers)
and as binary integers. What was found is written to ``reports/<day>/leaks.json``.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from antifraud.errors import LeakError, SettingsError
from antifraud.files import replace_file
from antifraud.lake.storage import raw_folder, warehouse_folder
from antifraud.settings.core import JobSettings
from jobs.leak.columns import identifier_columns
from jobs.leak.identifiers import MIN_DIGITS, Identifiers, sparse_identifiers
from jobs.leak.matching import masked, matches
from jobs.leak.opening import pieces
from jobs.leak.report import Finding, describe
from jobs.spark.runtime import day_parser, run_plain_job

RAW_ZONE: Final = "raw"


def scan(folder: Path, identifiers: set[int], spared: Sequence[Path] = ()) -> list[Finding]:
    """Places in a folder that hold one of `identifiers`, but for those below `spared`; which ones is not told."""
    wanted = Identifiers.of(identifiers)
    return [finding for path in _files(folder, spared) for finding in _scan_file(folder, path, wanted)]


def places(settings: JobSettings, also: Sequence[Path] = ()) -> list[Path]:
    """Folders and files that may hold no identifier: whatever the settings put outside the home folder, too."""
    home = settings.under_home().resolve()
    databases = [file for file in (settings.catalog_file, settings.mlflow_file) if file]
    logs = [database.with_name(f"{database.name}-wal") for database in databases]
    wanted = [warehouse_folder(settings), *databases, *logs, *(path.resolve() for path in also)]
    return [home, *(path for path in wanted if path.exists() and not _below(path, home))]


def _below(path: Path, folder: Path) -> bool:
    return folder in (path, *path.parents)


def _files(folder: Path, spared: Sequence[Path]) -> Iterator[Path]:
    """Every regular file, in a fixed order."""
    for path in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
        if path.is_file() and not path.is_symlink() and not any(_below(path, zone) for zone in spared):
            yield path


def _scan_file(folder: Path, path: Path, wanted: Identifiers) -> Iterator[Finding]:
    name, hits = masked(str(path.relative_to(folder)) if path != folder else path.name, wanted)
    if hits:
        yield Finding(name, "name", hits)
    try:
        for place, content in pieces(path):
            if hits := matches(content, wanted):
                yield Finding(name, place, hits)
    except FileNotFoundError:
        return  # a running service removed its own temporary file between listing and opening


def _require_apart(settings: JobSettings, raw: Path, also: Sequence[Path]) -> None:
    home, lake = settings.under_home().resolve(), warehouse_folder(settings)
    named = also if _below(lake, home) else [lake, *also]
    if missing := [str(path) for path in named if not path.exists()]:
        raise SettingsError(f"there is no {', '.join(missing)} to be scanned: name folders and files that are there")
    if _below(home, raw):
        raise SettingsError(f"the home folder {home} lies in the raw zone {raw}, which is not scanned: put them apart")


def main(settings: JobSettings, arguments: argparse.Namespace) -> None:
    """Scan all `places` and write down what was found.

    Raises:
        LeakError: A raw identifier is outside the raw zone.
        RawFileError: The raw zone has no files to take identifiers from.
        SettingsError: A place that was named is not there, or the home folder lies in the raw zone.
    """
    raw = raw_folder(settings)
    _require_apart(settings, raw, arguments.also)
    identifiers = sparse_identifiers(raw)
    spared = [settings.under_home(RAW_ZONE).resolve(), raw]
    home, *others = places(settings, arguments.also)
    findings = identifier_columns(settings) + scan(home, identifiers, spared)
    for place in others:
        findings += [f._replace(path=f"{place}: {f.path}") for f in scan(place, identifiers, spared)]
    report = {"identifiers": len(identifiers), "findings": [finding._asdict() for finding in findings]}
    replace_file(settings.under_home("reports", str(arguments.day), "leaks.json"), json.dumps(report, indent=2) + "\n")
    if not identifiers:
        print(f"leak scan: no identifier of the feed has {MIN_DIGITS} digits, so bytes cannot be searched for them")
    else:
        print(f"leak scan: {len(identifiers):,} identifiers, {len(findings)} findings outside the raw zone")
    if findings:
        raise LeakError(
            f"raw identifiers are outside the raw zone: {describe(findings)}; remove these files and columns, then "
            "find what wrote them"
        )


if __name__ == "__main__":
    parser = day_parser(__doc__)
    parser.add_argument("--also", type=Path, action="append", default=[], help="a folder or file more; may be repeated")
    run_plain_job(main, parser, reads_raw=True)

"""Search everything outside the raw zone for raw identifiers.

    python -m jobs.leak_scan --day 2026-04-10

The job takes the identifiers from the raw feed. Short ones occur everywhere as counts, so only those of `MIN_DIGITS`
digits or more are searched for. Column names of every table in the catalog are checked too, for ids of any length.

It scans the home folder and every ``--also``. It also scans Iceberg tables, catalog and MLflow outside the home.

| searched | how |
| --- | --- |
| names of files | as text |
| Parquet, Avro, SQLite | by value |
| compressed files | after decompression |
| anything else | as bytes: decimal text, apart from the decimals of numbers, and binary integers |

The findings are written to ``reports/<day>/leaks.json``.
"""

import argparse
import json
from pathlib import Path

from antifraud.errors import LeakError
from antifraud.files import replace_file
from antifraud.lake.storage import raw_folder
from antifraud.settings.core import JobSettings
from jobs.leak.columns import identifier_columns
from jobs.leak.identifiers import MIN_DIGITS, sparse_identifiers
from jobs.leak.report import describe
from jobs.leak.scan import RAW_ZONE, places, require_scannable, scan
from jobs.spark.runtime import day_parser, run_plain_job


def main(settings: JobSettings, arguments: argparse.Namespace) -> None:
    """Scan all `places` and write a report of the findings.

    Raises:
        LeakError: A raw identifier is outside the raw zone.
        RawFileError: The raw zone has no files to take identifiers from.
        SettingsError: A named place is missing, or the home folder lies in the raw zone.
    """
    raw = raw_folder(settings)
    require_scannable(settings, raw, arguments.also)
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
    parser.add_argument(
        "--also", type=Path, action="append", default=[], help="another folder or file; may be repeated"
    )
    run_plain_job(main, parser, reads_raw=True)

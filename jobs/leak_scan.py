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
from pathlib import Path

from antifraud.errors import LeakError
from antifraud.files import replace_file
from antifraud.lake.storage import raw_folder
from antifraud.settings.core import JobSettings
from jobs.leak.columns import identifier_columns
from jobs.leak.identifiers import MIN_DIGITS, sparse_identifiers
from jobs.leak.report import describe
from jobs.leak.scan import RAW_ZONE, _require_apart, places, scan
from jobs.spark.runtime import day_parser, run_plain_job


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

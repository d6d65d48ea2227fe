"""Search everything outside the raw zone for raw identifiers.

    python -m jobs.leak_scan --day 2026-04-10

The job takes the identifiers from the raw feed. Short ones occur everywhere as counts, so only those of `MIN_DIGITS`
digits or more are searched for. Column names of every table in the catalog are checked too, for ids of any length.

It scans the home folder and every ``--also``. It also scans Iceberg tables, catalog and MLflow outside the home.

| searched | how |
| --- | --- |
| names of files, links, and members of archives | as text |
| Parquet, ORC, Arrow, Avro, SQLite | by value |
| compressed files (gzip, bzip2, xz, zstd, lz4), zip and tar archives | after decompression, also inside each other |
| anything else | as bytes: decimal text, apart from the decimals of numbers, and binary integers |

A file that is cut, damaged, encrypted or not to be read is *unsearchable*: a finding of its own, printed in one line.
The readable part is searched all the same. So is the rest of the files.

| exit code | meaning |
| --- | --- |
| 0 | everything was searched, and nothing was found |
| 30 | a leak, whatever else could not be searched |
| 32 | no leak, but something could not be searched |

The findings are written to ``reports/<day>/leaks.json``.
"""

import argparse
import json
from pathlib import Path

from antifraud.errors import LeakError, UnsearchableError
from antifraud.files import replace_file
from antifraud.lake.storage import raw_folder
from antifraud.settings.core import JobSettings
from jobs.leak.columns import identifier_columns
from jobs.leak.identifiers import MIN_DIGITS, sparse_identifiers
from jobs.leak.report import Search, describe
from jobs.leak.scan import RAW_ZONE, places, require_scannable, scan
from jobs.spark.runtime import day_parser, run_plain_job


def main(settings: JobSettings, arguments: argparse.Namespace) -> None:
    """Scan all `places` and write a report of the findings.

    Raises:
        LeakError: A raw identifier is outside the raw zone.
        UnsearchableError: There is no leak, but something could not be searched.
        RawFileError: The raw zone has no files to take identifiers from.
        SettingsError: A named place is missing, or the home folder lies in the raw zone.
    """
    raw = raw_folder(settings)
    require_scannable(settings, raw, arguments.also)
    report = settings.under_home("reports", str(arguments.day), "leaks.json")
    report.unlink(missing_ok=True)  # after a crash nothing is known, so an earlier result must not stay
    result = Search()
    identifiers = sparse_identifiers(raw, result.unsearchable)
    result.add(identifier_columns(settings))
    spared, (home, *others) = [settings.under_home(RAW_ZONE).resolve(), raw], places(settings, arguments.also)
    result.add(scan(home, identifiers, spared, others))
    for place in others:
        result.add(scan(place, identifiers, spared, [home, *others]), f"{place}: ")
    content = {"identifiers": len(identifiers), **result.to_dict()}
    replace_file(report, json.dumps(content, indent=2) + "\n")
    _say(result, len(identifiers))
    _judge(result)


def _say(result: Search, identifiers: int) -> None:
    for each in result.unsearchable:
        print(f"unsearchable: {each}")
    if not identifiers:
        print(f"leak scan: no identifier of the feed has {MIN_DIGITS} digits, so bytes cannot be searched for them")
    else:
        print(f"leak scan: {identifiers:,} identifiers, {len(result.findings)} findings outside the raw zone")


def _judge(result: Search) -> None:
    skipped = len(result.unsearchable)
    if result.findings:
        also = f"; {skipped} files could not be searched" if skipped else ""
        raise LeakError(
            f"raw identifiers are outside the raw zone: {describe(result.findings)}; remove these files and columns, "
            f"then find what wrote them{also}"
        )
    if skipped:
        raise UnsearchableError(
            f"no leak was found, but {skipped} files could not be searched: {describe(result.unsearchable)}; repair "
            "them, replace them by readable ones, or remove them, then scan again"
        )


if __name__ == "__main__":
    parser = day_parser(__doc__)
    parser.add_argument(
        "--also", type=Path, action="append", default=[], help="another folder or file; may be repeated"
    )
    run_plain_job(main, parser, reads_raw=True)

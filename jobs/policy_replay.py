"""Say what a policy would have done on past days, beside the model alone and the active policy.

    python -m jobs.policy_replay policy.toml --from 2026-04-01 --to 2026-04-14

Each payment of the lake's features is scored with a release, by default the one that serves, and decided by the policy.
The job counts flags, reviews, false-positive rate, precision, missed fraud, alerts a day, and the hits of each rule.
Only labels known at the end of ``--as-of`` count. ``python -m antifraud policy activate`` shows the figures again.

The exit code is 0 whatever the figures. The report lies in ``<home>/reports/policy/``; nothing is activated.
"""

import argparse
import datetime as dt
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from antifraud.artifacts.pointer import read_pointer
from antifraud.artifacts.policies import open_active, read_draft, report_path
from antifraud.clock import Span
from antifraud.errors import ReleaseError
from antifraud.files import replace_file
from antifraud.keys.signing import PublicKey
from antifraud.policy.replayed import describe_report, encode_report, find_objections
from antifraud.settings.core import JobSettings
from jobs.judging.policy_report import replay_policy
from jobs.judging.replaying import question
from jobs.spark.runtime import Stopwatch, range_parser, run_job


def _find_release(settings: JobSettings, named: str | None) -> str:
    pointer = read_pointer(settings.releases_dir)
    if named is None and pointer is None:
        raise ReleaseError("no release serves: promote one, or name one with --release")
    return named or (pointer.release if pointer else "")


def main(spark: SparkSession, settings: JobSettings, arguments: argparse.Namespace) -> None:
    """Replay the policy and write the report."""
    watch, draft = Stopwatch(), read_draft(arguments.policy)
    active = open_active(settings.policies_dir, PublicKey.read(settings.release_public_key_path))
    span = Span(arguments.first, arguments.last)
    asked = question(settings, _find_release(settings, arguments.release), span, as_of=arguments.as_of)
    report = replay_policy(spark, settings, asked, draft, active)
    path = report_path(settings, draft.sha256)
    replace_file(path, encode_report(report) + "\n")
    objections = [f"speaks against it: {line}" for line in find_objections(draft.policy, report, settings.fpr_limit)]
    print(*describe_report(report), *objections, f"report in {path}, {watch.seconds:.1f} s", sep="\n")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the job."""
    day: dict[str, Any] = {"type": dt.date.fromisoformat, "metavar": "YYYY-MM-DD"}
    made = range_parser(__doc__)
    made.add_argument("policy", type=Path, metavar="FILE", help="TOML file of the policy")
    made.add_argument("--release", help="id of the release (`release list` shows them); default: the one that serves")
    known = "judge by what was known at the end of this day; default: --to plus the label delay"
    made.add_argument("--as-of", help=known, **day)
    return made


if __name__ == "__main__":
    run_job("policy_replay", main, parser())

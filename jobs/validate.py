"""Judge a candidate: score select and certify rows on the cluster, reduce them, let the gate decide, report.

    python -m jobs.validate --as-of 2026-04-10

Exits 0 whatever the verdict: it is a result, not a failure. The report lies beside the candidate and in
``<home>/reports/<day>/``.
"""

from argparse import Namespace

from pyspark.sql import SparkSession

from antifraud.settings.core import JobSettings
from jobs.adapters.mlflow import Registry
from jobs.judging.report import figures, summary
from jobs.judging.validate import reports_of, validate, write_reports
from jobs.rows.inputs import Inputs
from jobs.rows.windows import Windows
from jobs.spark.runtime import Stopwatch, day_parser, run_job
from jobs.training.candidate import candidate_path, read_candidate


def main(spark: SparkSession, settings: JobSettings, arguments: Namespace) -> None:
    """Validate the candidate of a day."""
    watch = Stopwatch()
    candidate = read_candidate(candidate_path(settings, arguments.as_of))
    windows = Windows.from_dict(candidate.info["windows"])
    report = validate(spark, settings, candidate, Inputs.of(settings, windows.spans, arguments.as_of))
    reports = reports_of(settings, arguments.as_of)
    write_reports(report, [reports, candidate.path])
    Registry.connect(settings).record_verdict(candidate.id, reports, str(report.verdict), figures(report))
    print(*summary(report), f"validate {arguments.as_of}: {watch.seconds:.1f} s", sep="\n")


if __name__ == "__main__":
    run_job("validate", main, day_parser(__doc__, "--as-of"))

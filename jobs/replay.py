"""Replay a release on past days, and report on them as the gate does.

    python -m jobs.replay --release 2026-04-09-1a2b3c4d --from 2026-04-01 --to 2026-04-14
    python -m jobs.replay --release 2026-04-09-1a2b3c4d --from 2026-04-01 --to 2026-04-14 --decisions decisions.npz

The job reads the lake's features on the cluster, or logged vectors without one. Only labels known at the end of
``--as-of`` count. At least 14 days, with frauds among them, are needed: fewer give no loss bound.

The exit code is 0 whatever the verdict. The report lies in ``<home>/reports/replay/``; nothing is promoted.
"""

import argparse

from antifraud.artifacts.decision_log import DecisionLog
from antifraud.clock import Span
from antifraud.commands.replay_options import add_replay_options
from antifraud.gate.limits import Limits
from antifraud.gate.report import GateReport
from antifraud.settings.core import JobSettings
from jobs.judging.limits import limits_of
from jobs.judging.logged import answer_from_log
from jobs.judging.replaying import Answer, Question, answer_from_lake, question, replay_report
from jobs.judging.report import summary
from jobs.judging.validate import write_reports
from jobs.spark.runtime import Stopwatch, base_parser, run_plain_job
from jobs.spark.session import start_session


def report_name(asked: Question, source: str) -> str:
    """Return the folder of a replay's report; the same question always has the same folder."""
    days = f"{asked.span.first}..{asked.span.last}"
    return f"{asked.bundle.release}-at-{asked.threshold}-on-{days}-as-of-{asked.as_of}-{source.replace(' ', '-')}"


def _lake(settings: JobSettings, asked: Question, limits: Limits) -> Answer:
    spark = start_session("replay", settings)
    try:
        return answer_from_lake(spark, settings, asked, limits)
    finally:
        spark.stop()


def describe(report: GateReport, answer: Answer) -> list[str]:
    """Return the lines that a person reads first: the question, the figures, both verdicts."""
    asked = f"release {report.candidate} at threshold {report.threshold:,} on {report.judged_days.first} to"
    left = f"{answer.unknown:,} rows without one are left out of the rates"
    how = f"{report.source}, labels as of {report.as_of}; {left}"
    rates = f"flags {report.fpr:.2%} of legitimate transactions (at most {report.fpr_bound:.2%})"
    catches = f"catches {report.recall:.1%} of frauds, {report.value_recall:.1%} of their amount"
    return [
        f"{asked} {report.judged_days.last} ({how})",
        f"  {rates}, {catches}; {report.alerts_a_day:,.0f} alerts a day",
        *summary(report),
    ]


def main(settings: JobSettings, arguments: argparse.Namespace) -> None:
    """Replay the release and write the report."""
    watch, limits = Stopwatch(), limits_of(settings)
    span = Span(arguments.first, arguments.last)
    asked = question(settings, arguments.release, span, threshold=arguments.threshold, as_of=arguments.as_of)
    if arguments.decisions:
        answer = answer_from_log(DecisionLog(arguments.decisions), asked)
    else:
        answer = _lake(settings, asked, limits)
    report = replay_report(asked, answer, settings, limits)
    folder = settings.under_home("reports", "replay", report_name(asked, answer.source))
    write_reports(report, [folder])
    print(*describe(report, answer), f"report in {folder}, {watch.seconds:.1f} s", sep="\n")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the job."""
    made = base_parser(__doc__)
    add_replay_options(made)
    return made


if __name__ == "__main__":
    run_plain_job(main, parser())

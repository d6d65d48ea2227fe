"""Judge what serves and the releases to go back to on today's data, so that the guard knows where to go on a trip.

    python -m jobs.judge --as-of 2026-04-10
    python -m jobs.judge --as-of 2026-04-10 --onset 2026-04-01

Only labels known at the end of ``--as-of`` count. With ``--onset``, the onset test takes the days since then, instead
of the newest matured days. The exit code is 0 whatever the outcome. The pages lie in ``<home>/reports/<day>/standing``;
`jobs/publish_judgement.py` puts the judgement beside the release pointer.
"""

from argparse import ArgumentParser, Namespace

from pyspark.sql import SparkSession

from antifraud.settings.core import JobSettings
from jobs.judging.standing import judge_standing
from jobs.judging.standing_files import add_onset, describe_judgement, folder_of, see_moment, write_standing
from jobs.spark.runtime import Stopwatch, day_parser, run_job


def main(spark: SparkSession, settings: JobSettings, arguments: Namespace) -> None:
    """Judge the releases of a day and write the pages."""
    watch = Stopwatch()
    found = judge_standing(spark, settings, see_moment(settings, arguments.as_of, arguments.onset))
    folder = folder_of(settings, arguments.as_of, arguments.onset)
    write_standing(folder, found)
    print(*describe_judgement(found.judgement), f"report in {folder}, {watch.seconds:.1f} s", sep="\n")


def parser() -> ArgumentParser:
    """Return the parser of the job."""
    made = day_parser(__doc__, "--as-of")
    add_onset(made)
    return made


if __name__ == "__main__":
    run_job("judge", main, parser())

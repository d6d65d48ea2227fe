"""Put the judgement of a day beside the release pointer, where the guard reads it.

    python -m jobs.publish_judgement --as-of 2026-04-10

A judgement that was made later stays. Clusters make judgements, and only the host of the releases writes there.
"""

from argparse import ArgumentParser, Namespace

from antifraud.settings.core import JobSettings
from jobs.judging.standing_files import add_onset, describe_judgement, folder_of, publish_standing
from jobs.spark.runtime import day_parser, run_plain_job


def main(settings: JobSettings, arguments: Namespace) -> None:
    """Publish the judgement and print which one stands now."""
    standing = publish_standing(settings, folder_of(settings, arguments.as_of, arguments.onset))
    print(*describe_judgement(standing), sep="\n")


def parser() -> ArgumentParser:
    """Return the parser of the job."""
    made = day_parser(__doc__, "--as-of")
    add_onset(made)
    return made


if __name__ == "__main__":
    run_plain_job(main, parser())

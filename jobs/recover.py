"""Roll a service that a trip has suspended back to a release that is good today, if the standing judgement has one.

    python -m jobs.recover

The exit code is 0 if nothing may serve yet, or if somebody has changed the switch meanwhile: the DAG `recover` looks
again every five minutes. The token is that of the scope `judge` (``ANTIFRAUD_SCORER_JUDGE_TOKEN``).
"""

from argparse import Namespace

from antifraud.settings.core import JobSettings
from jobs.judging.recovering import recover
from jobs.spark.runtime import base_parser, run_plain_job


def main(settings: JobSettings, _arguments: Namespace) -> None:
    """Try once to roll back, and say what was done."""
    print(f"recover: {recover(settings)}")


if __name__ == "__main__":
    run_plain_job(main, base_parser(__doc__))

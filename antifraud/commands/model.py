"""Commands about a release's behaviour: replay past days with it, explain one of its scores."""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from antifraud.artifacts.bundle import open_release
from antifraud.artifacts.decision_log import DecisionLog
from antifraud.commands.command import Environ, argument, command
from antifraud.commands.replay_options import add_replay_options, replay_arguments
from antifraud.commands.terminal import say
from antifraud.errors import SchemaError, SettingsError
from antifraud.model.explain import TOP, Doubles, Explainer, parse_vector
from antifraud.settings.serving import ScorerSettings
from antifraud.transaction_id import EXPECTED, is_transaction_id

PROJECT: Final = Path(__file__).resolve().parents[2]
"""Folder of the jobs. The core starts them as processes and never imports them."""


@command("replay", add_replay_options)
def replay(options: argparse.Namespace, environ: Environ) -> None:
    """Replay past days with a release, and report like the gate.

    Reads the lake's features with Spark, or, with --decisions, the vectors that the scorer logged. Only labels known
    at the end of --as-of count. At least 14 days, with frauds among them, are needed: fewer give no loss bound. The
    job `jobs/replay.py` is started as a process of its own with the same arguments; spark-submit can start it as well.
    Its exit code is passed on, and is 0 whatever the verdict. The report is written to <home>/reports/replay/.
    """
    if not (PROJECT / "jobs" / "replay.py").exists():
        raise SettingsError(f"there is no jobs/replay.py in {PROJECT}: run the command from a checkout of the project")
    # The job must be importable from whatever folder the person called the command in.
    python_path = [str(PROJECT), *filter(None, [environ.get("PYTHONPATH")])]
    line = [sys.executable, "-m", "jobs.replay", *replay_arguments(options)]
    ended = subprocess.run(line, env={**environ, "PYTHONPATH": os.pathsep.join(python_path)}, check=False)
    if ended.returncode:  # the job has printed its error
        sys.exit(ended.returncode)


def _add_vector(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--vector", type=Path, metavar="FILE", help="JSON file with the vector")
    source.add_argument("--transaction", type=_transaction_id, metavar="ID", help="transaction id, with --from-log")
    parser.add_argument("--from-log", type=Path, metavar="FILE", help="export that holds the transaction")


def _transaction_id(text: str) -> str:
    if not is_transaction_id(text):
        raise argparse.ArgumentTypeError(f"expected {EXPECTED}")
    return text


@command(
    "explain",
    argument("--release", required=True, help="id of the release (`release list` shows them)"),
    _add_vector,
    argument("--top", type=int, default=TOP, metavar="N", help=f"reasons that are shown (default {TOP})"),
)
def explain(options: argparse.Namespace, environ: Environ) -> None:
    """Explain a release's score of one transaction in words.

    The reasons are exact Shapley values in log odds of fraud. The transaction is one of an export of the scorer's
    decisions (`python -m serving.export_log`), or a vector in a JSON file. Such a file holds a list of numbers and
    nulls in the order of docs/features.md, or an object by feature name.
    """
    if (options.transaction is None) != (options.from_log is None):
        raise SettingsError("a transaction is looked up in an export: give --transaction and --from-log together")
    if options.top < 1:
        raise SettingsError(f"--top is {options.top}: expected 1 or more")
    explainer = Explainer.of(open_release(ScorerSettings.from_environment(environ), options.release))
    for line in explainer.explain(_read_vector(options)).lines(options.top):
        say(line)


def _read_vector(options: argparse.Namespace) -> Doubles:
    if options.from_log is not None:
        return DecisionLog(options.from_log).vector_of(options.transaction)
    try:
        return parse_vector(options.vector.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise SchemaError(f"{options.vector} cannot be read as text ({type(error).__name__}): expected JSON") from error

"""The commands about a release's behaviour: what it would have done, and why it decided as it did."""

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from antifraud.artifacts.bundle import open_release
from antifraud.artifacts.decision_log import DecisionLog
from antifraud.commands.replay_options import add_replay_options, replay_arguments
from antifraud.errors import SchemaError, SettingsError
from antifraud.model.explain import TOP, Doubles, Explainer, parse_vector
from antifraud.settings.serving import ScorerSettings

PROJECT: Final = Path(__file__).resolve().parents[2]
"""Folder of the jobs: the core starts them as processes and never imports them."""
REPLAY: Final = """\
What a release would have done on past days, with the same report as the gate's.

Reads the lake's features with Spark, or, with --decisions, the vectors that the scorer logged. Only labels known
at the end of --as-of count. At least 14 days, with frauds among them, are needed: fewer give no loss bound. The job
`jobs/replay.py` is started as a process of its own, with the same arguments (it can be given to spark-submit as
well); its exit code is passed on, and is 0 whatever the verdict. The report is written to <home>/reports/replay/."""
EXPLAIN: Final = """\
Why a release scores a transaction as it does: exact Shapley values in log odds of fraud, in words.

The transaction is a vector in a JSON file (a list of numbers and nulls in the order of docs/features.md, or an
object by feature name), or one of an export of the scorer's decisions (`python -m serving.export_log`)."""


def add_model_commands(topics: Any) -> None:
    """Add ``replay`` and ``explain`` to the parser's topics."""
    _add(topics, "replay", REPLAY, _replay, add_replay_options)
    _add(topics, "explain", EXPLAIN, _explain, _explain_options)


def _add(topics: Any, name: str, text: str, command: Any, add_options: Any) -> None:
    formatter = argparse.RawDescriptionHelpFormatter
    first_line = text.splitlines()[0]
    parser = topics.add_parser(name, help=first_line, description=text, formatter_class=formatter, allow_abbrev=False)
    add_options(parser)
    parser.set_defaults(command=command)


def _explain_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--release", required=True, help="id of the release (`release list` shows them)")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--vector", type=Path, metavar="FILE", help="JSON file with the vector")
    which.add_argument("--transaction", type=int, metavar="ID", help="transaction id, with --from-log")
    parser.add_argument("--from-log", type=Path, metavar="FILE", help="export that holds the transaction")
    parser.add_argument("--top", type=int, default=TOP, metavar="N", help=f"reasons that are shown (default {TOP})")


def _replay(options: argparse.Namespace, environ: Mapping[str, str]) -> None:
    """Run the job and end with its exit code; it has told its error itself."""
    if not (PROJECT / "jobs" / "replay.py").exists():
        raise SettingsError(f"there is no jobs/replay.py in {PROJECT}: run the command from a checkout of the project")
    known = [str(PROJECT), *filter(None, [environ.get("PYTHONPATH")])]
    command = [sys.executable, "-m", "jobs.replay", *replay_arguments(options)]
    ended = subprocess.run(command, env={**environ, "PYTHONPATH": os.pathsep.join(known)}, check=False)
    if ended.returncode:
        sys.exit(ended.returncode)


def _explain(options: argparse.Namespace, environ: Mapping[str, str]) -> None:
    """Print the reasons."""
    if (options.transaction is None) != (options.from_log is None):
        raise SettingsError("a transaction is looked up in an export: give --transaction and --from-log together")
    if options.top < 1:
        raise SettingsError(f"--top is {options.top}: at least one reason is shown")
    explainer = Explainer.of(open_release(ScorerSettings.from_environment(environ), options.release))
    for line in explainer.explain(_vector(options)).lines(options.top):
        print(line)  # noqa: T201 a command talks to a person


def _vector(options: argparse.Namespace) -> Doubles:
    if options.from_log is not None:
        return DecisionLog(options.from_log).vector_of(options.transaction)
    try:
        return parse_vector(options.vector.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise SchemaError(f"{options.vector} cannot be read as text ({type(error).__name__}): expected JSON") from error

"""Every expected failure has a place in one tree, an exit code and a line in docs/errors.md."""

import ast
import re
import subprocess
from pathlib import Path

from antifraud import errors
from antifraud.client import errors as of_clients
from antifraud.client.errors import BadAnswer, ClientError, Refused, Suspended, Unreachable
from antifraud.compute import errors as of_clusters
from antifraud.errors import (
    AntifraudError,
    ClockBehind,
    ConstantScore,
    MissingDay,
    NoFraud,
    NotANumber,
    NotEnoughRows,
    NothingToServe,
    NotTaken,
    OnlyFraud,
    OtherPayload,
    SwitchedOff,
    UndefinedMetric,
    UnknownKey,
)
from antifraud.lake import errors as of_lake
from antifraud.policy import errors as of_policies

ROOT = Path(__file__).resolve().parents[2]
NAMES = vars(errors) | vars(of_clusters) | vars(of_lake) | vars(of_policies) | vars(of_clients)


def test_every_error_has_an_exit_code_of_its_own():
    """No two errors share an exit code, so that a script can tell failures apart without the message."""
    kinds = (MissingDay, NotEnoughRows, UndefinedMetric, ConstantScore, NotANumber, NoFraud, OnlyFraud, ClockBehind)
    every = [kind for kind in NAMES.values() if isinstance(kind, type) and issubclass(kind, AntifraudError)]

    assert [kind.exit_code for kind in kinds] == [22, 25, 26, 27, 28, 29, 31, 53]
    assert sorted({kind.exit_code for kind in every}) == sorted(kind.exit_code for kind in every)


def test_the_list_of_exit_codes_is_complete():
    """docs/errors.md lists all classes except their base, which nothing raises."""
    every = [kind for kind in NAMES.values() if isinstance(kind, type) and issubclass(kind, AntifraudError)]
    listed = re.findall(r"\| (\d+) \| `(\w+)` \|", (ROOT / "docs" / "errors.md").read_text())

    assert listed == sorted((str(kind.exit_code), kind.__name__) for kind in every if kind is not AntifraudError)


def test_what_handles_the_general_failure_handles_the_particular():
    """A handler of a general failure also catches the particular ones."""
    assert issubclass(NoFraud, UndefinedMetric)
    assert issubclass(OnlyFraud, UndefinedMetric)
    assert issubclass(ClockBehind, errors.PublishError)
    assert issubclass(Suspended, ClientError)


def test_failures_of_scorer_and_sdk_have_codes_too():
    """Codes in the sixties come from scorer and guard, codes from 70 on from the SDK."""
    scorer, client = (
        (SwitchedOff, OtherPayload, NothingToServe, NotTaken, UnknownKey),
        (ClientError, Refused, Suspended, Unreachable, BadAnswer),
    )

    assert [kind.exit_code for kind in scorer] == [63, 64, 65, 66, 83]
    assert [kind.exit_code for kind in client] == [70, 71, 72, 73, 74]


def test_no_expected_failure_is_defined_elsewhere():
    """Other exceptions end no process: HTTP answers, a lost commit, damage, a strange version, a simulated kill."""
    tree = {name for name, kind in NAMES.items() if isinstance(kind, type)} | {"Exception"}
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    sources = [name for name in listed.split() if not name.startswith("tests/") and (ROOT / name).exists()]
    defined = [
        (name, node.name)
        for name in sources
        for node in ast.walk(ast.parse((ROOT / name).read_text()))
        if isinstance(node, ast.ClassDef) and {ast.unparse(base).rpartition(".")[2] for base in node.bases} & tree
    ]

    homes = {f"antifraud/{home}errors.py" for home in ("", "compute/", "policy/", "lake/", "client/")}
    assert [found for found in defined if found[0] not in homes] == [
        ("bench/switch/simulator/processes.py", "Killed"),
        ("bench/switch/simulator/recovery.py", "JobKilled"),
        ("bench/switch/simulator/stage.py", "Violated"),
        ("infra/terraform/check/syntax.py", "SyntaxProblem"),
        ("jobs/leak/damage.py", "Damage"),
        ("jobs/publishing/conflicts.py", "Conflict"),
        ("serving/api/problems.py", "Problem"),
        ("serving/worker/refusals.py", "Refused"),
    ]

"""The servers that take turns: each with two workers on this machine, and single rows over kept connections."""

import json
import os
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import psutil

from antifraud.features.registry import FEATURE_NAMES
from antifraud.settings.serving import ScorerSettings
from bench.serving.processes import NOON, ROOT, ScorerProcess, Version, prepare_home, wait_for
from infra.local.ports import free_port

WORKERS: Final = 2
WORLD: Final = ROOT / "tests" / "blackbox" / "world.py"
TREES: Final = 500
"""As many as training makes."""
CUSTOMERS: Final = 1_000_000
TERMINALS: Final = 10_000
MODEL: Final = "model.cbm"
START_SECONDS: Final = 120.0
PRODUCTION_POLL_SECONDS: Final = str(ScorerSettings().poll_seconds)
"""Other benchmarks poll more often, because they wait for what the poller does."""


class Candidate(ABC):
    """A server that answers one kind of request."""

    name: str
    path: str = "/v1/decisions"

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()

    @property
    def url(self) -> str:
        """Address of its requests."""
        return f"http://127.0.0.1:{self._port}{self.path}"

    @property
    def headers(self) -> dict[str, str]:
        """Headers of its requests."""
        return {"Content-Type": "application/json"}

    @abstractmethod
    def body(self, number: int) -> Any:
        """Return the body of a request as values for JSON."""

    @abstractmethod
    def running(self) -> Any:
        """Return a context in which it answers; its value is the process that has all others as children."""


class Command(Candidate):
    """A server that one command starts."""

    ready: str = "/readyz"

    @abstractmethod
    def command(self) -> Sequence[str]:
        """Return the command."""

    def environment(self) -> Mapping[str, str]:
        """Return what its environment has beside the usual."""
        return {}

    @contextmanager
    def running(self) -> Iterator[psutil.Process]:
        """Run it until the end."""
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
            **self.environment(),
        }
        with (self._folder / f"{self.name}.log").open("ab") as log:
            process = psutil.Popen(
                self.command(), cwd=self._folder, env=environment, stdout=log, stderr=subprocess.STDOUT
            )
            try:
                wait_for(self._answers, self.name, START_SECONDS)
                yield process
            finally:
                process.terminate()
                process.wait(30)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self._port}{self.ready}").is_success
        except httpx.TransportError:
            return False


class NoOp(Command):
    """A bare Flask view under the scorer's Gunicorn configuration."""

    name = "no-op"

    def command(self) -> Sequence[str]:
        """Return Gunicorn's command."""
        config, app = str(ROOT / "serving" / "gunicorn_conf.py"), "bench.serving.edge.noop:start()"
        return [sys.executable, "-m", "gunicorn", "-c", config, "--workers", str(WORKERS), app]

    def environment(self) -> Mapping[str, str]:
        """Return its address, and the scorer's home: the configuration asks for an access file."""
        return {"SCORER_BIND": f"127.0.0.1:{self._port}", "ANTIFRAUD_HOME": str(self._folder / "home")}

    def body(self, number: int) -> Any:
        """Return the body that the scorer gets."""
        return transaction(number, customers=1)


class MlflowServe(Command):
    """``mlflow models serve`` with the scorer's model, which gets the features in the request and keeps no state."""

    name, path, ready = "mlflow", "/invocations", "/ping"

    def command(self) -> Sequence[str]:
        """Return the command; the environment at hand has all that the model needs."""
        options = ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(self._port)]
        serve = ["models", "serve", "--model-uri", str(self._folder / "mlflow"), "--workers", str(WORKERS)]
        return [sys.executable, "-m", "mlflow", *serve, *options]

    def environment(self) -> Mapping[str, str]:
        """Return a path with the environment's programs, which mlflow starts."""
        return {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}

    def body(self, number: int) -> Any:
        """Return a row."""
        return {"dataframe_split": {"columns": list(FEATURE_NAMES), "data": [list(row_of(number).values())]}}


class PandasRow(Command):
    """FastAPI under Uvicorn with the scorer's model and a data frame a request, without state."""

    name = "FastAPI with a pandas row"

    def command(self) -> Sequence[str]:
        """Return Uvicorn's command."""
        options = ["--host", "127.0.0.1", "--port", str(self._port), "--workers", str(WORKERS)]
        return [sys.executable, "-m", "uvicorn", "bench.serving.edge.pandas_row:app", "--no-access-log", *options]

    def environment(self) -> Mapping[str, str]:
        """Return the path of the model."""
        return {"MODEL_FILE": str(self._folder / MODEL)}

    def body(self, number: int) -> Any:
        """Return a row."""
        return row_of(number)


class Scorer(Candidate):
    """The scorer with its store: each request is a new transaction, decided and kept."""

    name = "scorer"

    def __init__(self, folder: Path, customers: int) -> None:
        super().__init__(folder)
        self._customers = customers
        self.process = ScorerProcess(Version(), folder / "home", ANTIFRAUD_POLL_SECONDS=PRODUCTION_POLL_SECONDS)

    @property
    def url(self) -> str:
        """Address of its requests."""
        return f"{self.process.url}{self.path}"

    @property
    def headers(self) -> dict[str, str]:
        """Headers with the token of a client."""
        return {**super().headers, "Authorization": f"Bearer {self.process.token()}"}

    @contextmanager
    def running(self) -> Iterator[psutil.Process]:
        """Run Gunicorn until the end, with its log where nobody reads it."""
        self.process.log = Path(os.devnull)
        try:
            self.process.start()
            yield psutil.Process(self.process.master.pid)
        finally:
            self.process.stop()

    def body(self, number: int) -> Any:
        """Return a new transaction."""
        return transaction(number, self._customers)


def transaction(number: int, customers: int) -> dict[str, Any]:
    """Return the transaction with a number; each hits another customer, far from the last one."""
    return {
        "transaction_id": f"e-{number}",
        "event_time": NOON - number % 7_200,
        "customer": f"k2.{number * 7_919 % customers:022}",
        "terminal": f"k1.{number % TERMINALS:022}",
        "amount": 100 + number % 39_989,
    }


def row_of(number: int) -> dict[str, float]:
    """Return a row of features."""
    return {name: float((number * 31 + place * 17) % 400) for place, name in enumerate(FEATURE_NAMES)}


def prepare(folder: Path, customers: int) -> Version:
    """Build the scorer's home with a state of so many customers, and its model in the forms of the others."""
    import mlflow.catboost
    from catboost import CatBoostClassifier

    version, home, model = Version(), folder / "home", folder / MODEL
    version.require(
        home, "-P", str(WORLD), str(home), "--entities", str(customers), "--trees", str(TREES), "--catboost", str(model)
    )
    prepare_home(version, home)
    mlflow.catboost.save_model(CatBoostClassifier().load_model(model), folder / "mlflow", pip_requirements=[])
    return version


def lines(candidate: Candidate, first: int, count: int) -> Iterator[str]:
    """Yield the bodies of some requests as JSON."""
    for number in range(first, first + count):
        yield json.dumps(candidate.body(number), separators=(",", ":"))

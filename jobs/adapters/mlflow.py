"""The one adapter to MLflow: candidates as runs and model versions, the release pointer as aliases.

MLflow shows candidates and finds them; it decides nothing. Everything here is idempotent: each candidate has one
version, and the aliases follow from the release pointer. Nothing that is logged holds ids or tokens.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from antifraud.artifacts.pointer import Pointer
from antifraud.errors import TrackingError
from antifraud.settings.core import JobSettings

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT: Final = "antifraud"
MODEL: Final = "antifraud"
CANDIDATE_TAG: Final = "candidate"
QUIET: Final = {"MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
"""Progress bars and usage reports have no place in a job."""
PATIENCE: Final = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3", "MLFLOW_HTTP_REQUEST_TIMEOUT": "30"}
"""Seconds instead of the minutes that MLflow would wait for a server that is down; the environment may differ."""


@contextmanager
def _answering() -> Iterator[None]:
    """Turn what MLflow, its HTTP client and its database raise into one expected failure.

    The message names only the type of the cause, because the cause's own text may hold an address with a password.
    """
    from mlflow.exceptions import MlflowException
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, RequestException, SQLAlchemyError, OSError) as error:
        raise TrackingError(
            f"MLflow did not complete a request ({type(error).__name__}): check that it runs, then run this again"
        ) from error


@dataclass(frozen=True, slots=True)
class Version:
    """A model version and the run that made it."""

    number: str
    run: str


@dataclass(frozen=True, slots=True)
class Registry:
    """The experiment and the registered model `antifraud` on one tracking server."""

    client: "MlflowClient"
    experiment: str

    @classmethod
    def connect(cls, settings: JobSettings) -> Self:
        """Open the tracking server of the settings, and create experiment and model if they are new.

        Raises:
            TrackingError: The server does not answer. The methods raise it, too.
        """
        os.environ.update({**QUIET, **{name: os.environ.get(name, value) for name, value in PATIENCE.items()}})
        with _answering():
            return cls._open(settings, settings.mlflow_tracking_uri)

    @classmethod
    def _open(cls, settings: JobSettings, uri: str) -> Self:
        from mlflow import MlflowClient

        if settings.mlflow_file:
            settings.mlflow_file.parent.mkdir(parents=True, exist_ok=True)
        client = MlflowClient(uri, uri)
        known = client.get_experiment_by_name(EXPERIMENT)
        experiment = known.experiment_id if known else client.create_experiment(EXPERIMENT, _artifacts(settings))
        if not client.search_registered_models(f"name = '{MODEL}'"):
            client.create_registered_model(MODEL)
        return cls(client, experiment)

    @_answering()
    def record_candidate(
        self, candidate: str, folder: Path, params: Mapping[str, Any], metrics: Mapping[str, float]
    ) -> str:
        """Log a candidate once, as a run and a model version with the alias ``candidate``, and return the run's id."""
        version = self._find(candidate) or self._add(candidate, folder, params, metrics)
        self.client.set_registered_model_alias(MODEL, "candidate", version.number)
        return version.run

    @_answering()
    def record_verdict(self, candidate: str, folder: Path, verdict: str, metrics: Mapping[str, float]) -> None:
        """Add the gate's verdict, its figures and the reports in `folder` to the candidate's run."""
        if version := self._find(candidate):
            self.client.set_tag(version.run, "verdict", verdict)
            self.client.set_model_version_tag(MODEL, version.number, "verdict", verdict)
            self._log_metrics(version.run, metrics)
            self.client.log_artifacts(version.run, str(folder), "report")

    @_answering()
    def project(self, pointer: Pointer) -> None:
        """Set the aliases champion, previous and anchor to the releases that the pointer names.

        Raises:
            TrackingError: No model version was recorded for the champion.
        """
        wanted = {"champion": pointer.release, "previous": pointer.previous, "anchor": pointer.anchor}
        present = self.client.get_registered_model(MODEL).aliases
        for alias, release in wanted.items():
            if release and (version := self._find(release)):
                self.client.set_registered_model_alias(MODEL, alias, version.number)
            elif alias in present:
                self.client.delete_registered_model_alias(MODEL, alias)
        if self._find(pointer.release) is None:
            raise TrackingError(f"MLflow has no version of {pointer.release}: run jobs/train.py for its day again")

    def _find(self, candidate: str) -> Version | None:
        wanted = f"name = '{MODEL}' and tags.{CANDIDATE_TAG} = '{candidate}'"
        found = [
            Version(str(version.version), str(version.run_id)) for version in self.client.search_model_versions(wanted)
        ]
        return found[0] if found else None

    def _add(self, candidate: str, folder: Path, params: Mapping[str, Any], metrics: Mapping[str, float]) -> Version:
        run = self.client.create_run(self.experiment, run_name=candidate, tags={CANDIDATE_TAG: candidate}).info
        for name, value in params.items():
            self.client.log_param(run.run_id, name, value)
        self._log_metrics(run.run_id, metrics)
        self.client.log_artifacts(run.run_id, str(folder), "candidate")
        self.client.set_terminated(run.run_id)
        source = f"{run.artifact_uri}/candidate"
        made = self.client.create_model_version(MODEL, source, run.run_id, tags={CANDIDATE_TAG: candidate})
        return Version(str(made.version), run.run_id)

    def _log_metrics(self, run: str, metrics: Mapping[str, float]) -> None:
        for name, value in metrics.items():
            self.client.log_metric(run, name, value)


def _artifacts(settings: JobSettings) -> str | None:
    """Return the folder of artifacts beside a database file; None where a server places artifacts itself."""
    # Without it MLflow would put them into the working directory.
    return settings.under_home("mlflow", "artifacts").as_uri() if settings.mlflow_file else None

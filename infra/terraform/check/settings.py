"""Compare what the environments output with the settings that processes read."""

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from antifraud.settings.cloud import CloudSettings
from antifraud.settings.core import PREFIX, JobSettings, Settings
from antifraud.settings.dags import DagSettings
from antifraud.settings.serving import GuardSettings, ScorerSettings, ShipperSettings

if TYPE_CHECKING:
    from infra.terraform.check.project import Project

READERS: Final[dict[str, tuple[type[Settings], ...]]] = {
    "airflow_settings": (DagSettings, JobSettings),
    "cluster_description": (JobSettings,),
    "scorer_settings": (ScorerSettings, GuardSettings, ShipperSettings, JobSettings),
}
"""Output of an environment, and the processes that get it, or its field `environment`, as their environment."""
OF_GUNICORN: Final = "SCORER_BIND"
ELSEWHERE: Final = {
    "CLOUD_ENDPOINT": "default: the public address",
    "CLOUD_KEY": "not set: the Airflow host has an account of its own",
    "CLOUD_PYTHON": "default: the image has it there",
    "CLOUD_POLL_SECONDS": "default",
    "CLOUD_ROOTS": "not set: the usual authorities",
    "CLOUD_TIMEOUT_SECONDS": "default",
    "CLUSTER_CLOCKS_APART_SECONDS": "default",
    "DATAPROC_IMAGE": "default: it belongs to the code, not to an account",
    "SPARK_VERSION": "default: it belongs to the code, not to an account",
}
"""Settings of the compute target that no output gives, and where their value comes from instead."""


def names_of(*kinds: type[Settings]) -> set[str]:
    """Return the variables that some processes read."""
    return {PREFIX + field.name.upper() for kind in kinds for field in dataclasses.fields(kind)}


def settings_problems(project: "Project", folder: str) -> Iterator[str]:
    """Yield settings that an environment gives and nobody reads, or that a cluster needs and nobody gives."""
    outputs = project.outputs_of(folder)
    found = outputs.fields if outputs else {}
    given = {name: set(found[name].fields.get("environment", found[name]).fields) for name in READERS if name in found}
    for output, kinds in READERS.items():
        for name in sorted(given.get(output, set()) - names_of(*kinds) - {OF_GUNICORN}):
            yield f"{output} gives {name}, which no process reads"
    elsewhere = {PREFIX + name for name in ELSEWHERE}
    for name in sorted(names_of(CloudSettings) - names_of(Settings) - given.get("airflow_settings", set()) - elsewhere):
        yield f"airflow_settings lacks {name}"
    for name in sorted(elsewhere - names_of(CloudSettings)):
        yield f"{name} is listed as set elsewhere, but is no setting"

"""Read the prices, the volumes, and the sizes in the Terraform files."""

import functools
import re
import tomllib
from pathlib import Path
from typing import Any, Final, NamedTuple

from infra.terraform.check.literals import local_value
from infra.terraform.check.project import Project, read_files

TABLE: Final = Path(__file__).with_name("prices.toml")
PRESET: Final = re.compile(r"c(\d+)-m(\d+)$")
MEASURED_TRAINING: Final = "model.train_10m_minutes"


class Shape(NamedTuple):
    """Cores and memory of a host."""

    cores: int
    memory_gb: int


@functools.lru_cache
def table() -> dict[str, Any]:
    """Return the table of prices and volumes."""
    return tomllib.loads(TABLE.read_text())


@functools.lru_cache
def sizes(environment: str) -> dict[str, dict[str, Any]]:
    """Return the sizes of an environment, as its Terraform file spells them."""
    found: dict[str, dict[str, Any]] = local_value(Project(read_files()), f"envs/{environment}", "sizes")
    return found


def shape_of(preset: str) -> Shape:
    """Return what a host of a preset has.

    >>> shape_of("s3-c8-m32")
    Shape(cores=8, memory_gb=32)

    Raises:
        ValueError: The name does not say it.
    """
    found = PRESET.search(preset)
    if found is None:
        raise ValueError(f"the preset {preset} does not name cores and memory, as s3-c8-m32 does")
    return Shape(int(found[1]), int(found[2]))

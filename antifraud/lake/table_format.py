"""Classes that describe tables of the lake; `antifraud/lake/schemas.py` is the description."""

from dataclasses import dataclass

from antifraud.lake.raw_format import Sensitivity


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `type` is a Spark SQL type, and `null` says what a null means (empty if the column is never null)."""

    name: str
    type: str
    meaning: str
    sensitivity: Sensitivity = "public"
    unit: str = ""
    null: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One Iceberg table. Raise `version` when its rows would change for the same inputs.

    `retired` names columns of earlier versions. A data job drops them, and no column may take their names again.
    """

    name: str
    meaning: str
    partition_by: tuple[str, ...]
    sort_by: tuple[str, ...]
    columns: tuple[Column, ...]
    version: int = 1
    retired: tuple[str, ...] = ()

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def token_names(self) -> tuple[str, ...]:
        """Names of the columns of tokens."""
        return tuple(column.name for column in self.columns if column.sensitivity == "token")

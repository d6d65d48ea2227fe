"""Pick the lines that a job printed out of an Airflow task log, while the task is running."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

JOB_LOGGERS: Final = ("SparkSubmitHook", "SubprocessHook", "dags.")
NOISE: Final = re.compile(
    r"\s*$|\s|\d\d/\d\d/\d\d |WARNING|WARN |Using |Setting |To adjust|Spark-Submit|Identified|Tmp dir"
    r"|\d{4}/\d\d/\d\d |🏃|🧪|Running command|Output:|Command exited|::"
)
"""Beginnings of lines that Spark, its launcher and Airflow's operators print."""


@dataclass
class JobLines:
    """A follower of one Airflow's task logs: every call returns only new lines."""

    folder: Path
    """Airflow's base log folder."""
    positions: dict[Path, int] = field(default_factory=dict)

    def new(self, dag: str, run_id: str, task: str, attempt: int) -> Iterator[str]:
        """Yield the lines that the job has printed since the last call."""
        path = self.folder / f"dag_id={dag}" / f"run_id={run_id}" / f"task_id={task}" / f"attempt={attempt}.log"
        if not path.is_file():
            return
        with path.open("rb") as file:
            file.seek(self.positions.get(path, 0))
            for line in file:
                if not line.endswith(b"\n"):
                    break  # still being written
                self.positions[path] = self.positions.get(path, 0) + len(line)
                if text := job_line(line):
                    yield text


def job_line(line: bytes) -> str | None:
    """Return the text of a log line if a job printed it.

    >>> job_line(b'{"logger": "x.SparkSubmitHook", "event": "ingest: 10 rows in 1.0 s"}')
    'ingest: 10 rows in 1.0 s'
    >>> job_line(b'{"logger": "x.SparkSubmitHook", "event": "26/11/24 03:00:00 WARN Utils: x"}')
    """
    try:
        entry = json.loads(line)
    except ValueError:
        return None  # a library that does not use the log's format
    event = str(entry.get("event", ""))
    wanted = any(logger in str(entry.get("logger", "")) for logger in JOB_LOGGERS)
    return event if wanted and not NOISE.match(event) else None

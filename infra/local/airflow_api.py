"""Call the parts of Airflow's REST API that a run needs."""

import datetime as dt
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from antifraud.errors import PublishError

BACKFILL_AT_ONCE: Final = 2
"""Days that a backfill runs in parallel."""
CONFLICT: Final = 409
ATTEMPTS: Final = 20
PAUSE_SECONDS: Final = 1.0
TIMEOUT_SECONDS: Final = 120
"""Limit for one answer. On a busy machine, Airflow waits half a minute for its SQLite."""


@dataclass(frozen=True, slots=True)
class DagRun:
    """A run of a DAG; `about` is its day, or the name of a manual run."""

    id: str
    about: str
    state: str

    @classmethod
    def of(cls, run: Mapping[str, Any]) -> "DagRun":
        """Return the run that an answer of the API describes.

        `about` comes from the logical date, because the id of a scheduled run names the day after its own.
        """
        about = (run["logical_date"] or run["dag_run_id"]).partition("T00:00:00")[0].partition("__")[0]
        return cls(run["dag_run_id"], about, run["state"])


class AirflowApi:
    """A client of an Airflow in which every user is an admin, as on a private machine."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS)

    def close(self) -> None:
        """Close the connections to Airflow."""
        self._client.close()

    def is_healthy(self) -> bool:
        """Return whether scheduler, DAG processor and triggerer send heartbeats."""
        try:
            answer = self._client.get("/api/v2/monitor/health")
        except httpx.TransportError:
            return False
        parts = ("scheduler", "dag_processor", "triggerer")
        return answer.is_success and all(answer.json()[part]["status"] == "healthy" for part in parts)

    def dags(self) -> set[str]:
        """Return the ids of the parsed DAGs."""
        return {dag["dag_id"] for dag in self._get("/dags")["dags"]}

    def import_errors(self) -> list[str]:
        """Return the stack traces of DAG files that do not parse."""
        return [error["stack_trace"] for error in self._get("/importErrors")["import_errors"]]

    def unpause(self, dag: str) -> None:
        """Let the scheduler start runs of a DAG."""
        self._call("PATCH", f"/dags/{dag}", json={"is_paused": False})

    def pause(self, dag: str) -> None:
        """Let the scheduler start no further run of a DAG."""
        self._call("PATCH", f"/dags/{dag}", json={"is_paused": True})

    def trigger(self, dag: str, run_id: str, conf: dict[str, Any]) -> None:
        """Start a manual run, unless a run of this id exists."""
        body = {"dag_run_id": run_id, "logical_date": None, "conf": conf}
        self._call("POST", f"/dags/{dag}/dagRuns", json=body, accept=(CONFLICT,))

    def backfill(self, dag: str, first: dt.date, last: dt.date) -> None:
        """Start a backfill of the days that have not succeeded, unless a backfill is active."""
        body = {
            "dag_id": dag,
            "from_date": f"{first}T00:00:00Z",
            "to_date": f"{last}T00:00:00Z",
            "reprocess_behavior": "failed",
            "max_active_runs": BACKFILL_AT_ONCE,
        }
        self._call("POST", "/backfills", json=body, accept=(CONFLICT,))

    def runs(self, dag: str) -> list[DagRun]:
        """Return the newest runs of a DAG."""
        found = self._get(f"/dags/{dag}/dagRuns", limit=100, order_by="-run_after")["dag_runs"]
        return [DagRun.of(run) for run in found]

    def runs_of_days(self, dag: str, first: dt.date, last: dt.date) -> list[DagRun]:
        """Return the runs of the days `first` to `last`, in the order of the days."""
        bounds = {"logical_date_gte": f"{first}T00:00:00Z", "logical_date_lte": f"{last}T00:00:00Z"}
        found = self._get(f"/dags/{dag}/dagRuns", order_by="logical_date", **bounds)["dag_runs"]
        return [DagRun.of(run) for run in found]

    def tasks(self, dag: str, run_id: str) -> list[dict[str, Any]]:
        """Return the task instances of a run in the order in which they began."""
        found = self._get(f"/dags/{dag}/dagRuns/{run_id}/taskInstances")["task_instances"]
        return sorted(found, key=lambda task: task["start_date"] or "9")

    def _get(self, path: str, **query: Any) -> Any:
        return self._call("GET", path, params=query)

    def _call(self, method: str, path: str, accept: tuple[int, ...] = (), **options: Any) -> Any:
        for _ in range(ATTEMPTS):
            if "Authorization" not in self._client.headers:
                self._sign_in()
            answer = self._client.request(method, f"/api/v2{path}", **options)
            if answer.status_code == httpx.codes.UNAUTHORIZED:
                del self._client.headers["Authorization"]
            elif answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            else:
                time.sleep(PAUSE_SECONDS)  # the scheduler has locked SQLite
        if not answer.is_success and answer.status_code not in accept:
            raise PublishError(f"Airflow answered {answer.status_code} to {method} {path}: {answer.text[:500]}")
        return answer.json() if answer.content else None

    def _sign_in(self) -> None:
        token = self._client.get("/auth/token").raise_for_status().json()["access_token"]
        self._client.headers["Authorization"] = f"Bearer {token}"

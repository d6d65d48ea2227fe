"""Run the whole path on this machine: ``python -m infra.local.run [--once]``.

The run makes keys and raw files, and starts MLflow, Airflow, scorer, guard and a webhook subscriber. Airflow takes the
history to a promoted release. Live transactions follow; then customers spend more, until the guard suspends the
service. It comes back without a person, when a training on the changed customers passes. The run ends with a summary. A
second run of the same folder continues where the first one ended.
"""

import argparse
import datetime as dt
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from antifraud.artifacts.pointer import read_pointer
from antifraud.clock import days_between
from antifraud.errors import PublishError
from antifraud.exit_codes import returns_exit_code
from antifraud.lake.catalog import check_lake
from antifraud.settings.core import JobSettings
from infra.local import recovery, story
from infra.local.airflow_api import AirflowApi
from infra.local.environment import ROOT, declared_scope, environment
from infra.local.pipeline import Pipeline
from infra.local.plan import Options, Plan
from infra.local.ports import HOST, choose_ports
from infra.local.progress import Progress
from infra.local.record import RunRecord, only_run_of
from infra.local.repeated_ids import require_distinct_ids
from infra.local.services import prepare_airflow, services, wait_ready
from infra.local.summary import lake_counts, leak_report, render, save_summary
from infra.local.supervisor import Supervisor, end_leftovers
from infra.local.timeline import write_timeline
from infra.local.verdict import find_report, verdict_lines
from infra.local.world import PRICE_LEVELS, fill_raw_zone, init_store, make_secrets, plan_for, subscribe

if TYPE_CHECKING:
    from antifraud.gate.report import GateReport

LOOK_SECONDS = 1.0
RESULTS = ("release", "ordinary_day", "guard", "recover", "resume", "new_release", "store")
"""Parts of the record that the summary holds; a part is None if it was not played."""


class Run:
    """One run with its calendar, its record and its processes."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.home = options.home
        self.plan: Plan = plan_for(options)
        if options.data:
            require_distinct_ids(options.data, self.plan, declared_scope())
        self.progress = Progress()
        end_leftovers(self.home, self.progress.say)
        self.record = RunRecord.load(self.home, _world(options, self.plan))
        self.record.ports = choose_ports(self.record.ports)
        self.record.save()
        self.environ = environment(self.home, self.plan, self.record.ports)
        self.supervisor = Supervisor(self.home, self.environ, ROOT, self.progress.say)
        self.airflow = AirflowApi(self.url("airflow"))
        self.report: GateReport | None = None
        """The gate's report of the last day; None before it is read, and if an earlier version wrote it."""

    def whole_path(self) -> dict[str, Any]:
        """Run every part in order and return the summary."""
        part = self.progress.part
        with part("keys, services"):
            make_secrets(self.home, self.environ, self.progress.say)
            subscribe(self.home, self.url("webhook") + "/events")
            init_store(self.home, self.environ, self.progress.say)
            prepare_airflow(self.home, self.environ)
            self.supervisor.start(services(self.home, self.record.ports))
        with part("raw files"):
            fill_raw_zone(self.options, self.plan, self.environ, self.progress.say)
        with part("services ready"):
            pipeline = self._wait_for_services()
        self._lake(pipeline)
        self._model(pipeline)
        if release := self._release():
            self._live(release, pipeline)
        with part("monitor"):
            self._monitor(pipeline)
        return self._summary()

    def _wait_for_services(self) -> Pipeline:
        for name, path in (("mlflow", "/health"), ("scorer", "/healthz")):
            wait_ready(name, self.url(name) + path, self.supervisor)
        wait_ready("airflow-api-server", self.airflow.url + "/api/v2/monitor/health", self.supervisor)
        pipeline = Pipeline(self.airflow, self.supervisor, self.progress, self.home / "logs" / "airflow")
        pipeline.wait_ready()
        return pipeline

    def _lake(self, pipeline: Pipeline) -> None:
        days = days_between(self.plan.first, self.plan.last)
        first_of_backfill = days[-self.options.backfill_days]
        bulk = {"first": str(days[0]), "last": str(days[-self.options.backfill_days - 1]), "dry_run": False}
        with self.progress.part("history: DAG reprocess, one range"):
            pipeline.run("reprocess", f"{bulk['first']}_{bulk['last']}", bulk)
        with self.progress.part("last days: DAG lake, backfill"):
            pipeline.backfill("lake", first_of_backfill, days[-1])

    def _model(self, pipeline: Pipeline) -> None:
        with self.progress.part("model: DAG retrain"):
            pipeline.run("retrain", str(self.plan.last), {"as_of": str(self.plan.last)})
            self.report = find_report(self._report_path(), self.progress.say)
            for line in verdict_lines(self.report) if self.report else ():
                self.progress.say(f"   {line}")

    def _live(self, release: str, pipeline: Pipeline) -> None:
        scorer = story.Scorer.connect(self.home, self.url("scorer"), declared_scope(), self._settings.clock)
        stage = story.Stage(scorer, self.home, self.plan, self.record, self.progress)
        part = self.progress.part
        with part("scorer takes the release"):
            story.wait_for_release(scorer, release, self.progress)
            story.begin(scorer, self.progress)
        self._once("release", lambda: release)
        with part("live traffic: an ordinary day"):
            story.decide_day(stage, self.plan.live[0])
        with part("live traffic: customers change"):
            # Before the lake goes on: payments that are older than its newest state have an incomplete history.
            for day in self.plan.live[1:]:
                story.decide_day(stage, day)
        with part("a week later: labels of the ordinary day"):
            self._once("ordinary_day", lambda: story.require_quiet(stage))
        if self.plan.comes_back:
            with part("the night judges: DAGs reprocess and monitor"):
                recovery.judge_before_trip(stage, pipeline)
        with part("labels of changed customers"):
            self._once("guard", lambda: story.await_trip(stage))
        self._way_back(stage, pipeline)
        self.record.keep("store", scorer.client.status()["store"])

    def _way_back(self, stage: story.Stage, pipeline: Pipeline) -> None:
        part = self.progress.part
        if not self.plan.comes_back:
            with part("the way back"):
                self.progress.say("   there are no raw files of changed customers to learn from: an admin resumes")
                self._once("resume", lambda: story.resume_after_trip(stage))
            return
        with part("no release is good: DAG recover"):
            self._once("recover", lambda: recovery.recover(stage, pipeline))
        with part("weeks later: DAGs reprocess and retrain"):
            self._once("resume", lambda: recovery.come_back(stage, pipeline))
        if self.record.results["resume"]["by"] == story.ADMIN:
            return
        with part("live traffic: the new release"):
            self._once("new_release", lambda: recovery.decide_again(stage))

    def _once(self, name: str, tell: Callable[[], Any]) -> None:
        """Keep the result of a part, unless an earlier run has done it."""
        if name in self.record.results:
            self.progress.say(f"   {name.replace('_', ' ')}: done in an earlier run")
        else:
            self.record.keep(name, tell())

    def _monitor(self, pipeline: Pipeline) -> None:
        day = str(self._newest_day)
        try:
            pipeline.run("monitor", day, {"day": day})
        except PublishError:
            # The run fails all the same, but its summary names leaks and files that could not be searched.
            if (self.home / "reports" / day / "leaks.json").exists():
                self.progress.say(render(self._summary()))
            raise

    def _summary(self) -> dict[str, Any]:
        plan, results = self.plan, self.record.results
        summary = {
            "lake": lake_counts(self._settings, plan.first, plan.last),
            "verdict": self.report,
            **{name: results.get(name) for name in RESULTS},
            "timeline": self._timeline(),
            "leaks": leak_report(self.home, self._newest_day),
            "parts": self.progress.parts,
            "seconds": round(self.progress.elapsed(), 1),
            "addresses": {
                "Airflow": self.url("airflow"),
                "MLflow": self.url("mlflow"),
                "scorer": self.url("scorer"),
                "reports": str(self.home / "reports"),
                "logs": str(self.home / "logs"),
            },
        }
        save_summary(self.home, summary)
        return summary

    @property
    def _newest_day(self) -> dt.date:
        """The last day that the lake has."""
        return self.plan.retrained if "as_of" in self.record.results.get("resume", {}) else self.plan.last

    def _timeline(self) -> str | None:
        """Draw the way back and return the path of the picture; None if nothing came back."""
        results = self.record.results
        return str(write_timeline(self.home / "reports", results)) if "new_release" in results else None

    @property
    def _settings(self) -> JobSettings:
        return JobSettings.from_environment(self.environ)

    def _report_path(self) -> Path:
        return self.home / "reports" / str(self.plan.last) / "report.json"

    def _release(self) -> str | None:
        pointer = read_pointer(self.home / "releases")
        return pointer.release if pointer else None

    def stop(self) -> None:
        """Close all connections and end all processes."""
        self.airflow.close()
        self.progress.say("stopping the services")
        self.supervisor.stop()

    def url(self, service: str) -> str:
        """Return the address of a service."""
        return f"http://{HOST}:{self.record.ports[service]}"


def _world(options: Options, plan: Plan) -> dict[str, Any]:
    """Return the values that must be equal in all runs of one folder."""
    source = "preset " + options.preset if options.data is None else str(options.data)
    # Under another scope, a transaction that was sent before would be decided again.
    source += ", ids restart every day" if declared_scope() == "day" else ""
    days = {"days": plan.history_days, "until": str(plan.until)}
    return {"source": source, **days, "sparse_ids": options.sparse_ids}


def parse(arguments: list[str]) -> Options:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--once", action="store_true", help="stop the services after the summary")
    add("--home", type=Path, default=Path("var"), help="folder of all state")
    add("--preset", choices=tuple(PRICE_LEVELS), default="default", help="size of the simulated world")
    add("--data", type=Path, help="folder of raw files instead of a simulated world")
    add("--days", type=int, help="number of days of history")
    add("--backfill-days", type=int, default=3, help="days of history that are loaded one by one, the last ones")
    add("--sparse-ids", action=argparse.BooleanOptionalAction, default=True, help="12-digit ids in a simulated world")
    back = "play the weeks after the trip, until a training resumes the service; otherwise an admin does"
    add("--way-back", action=argparse.BooleanOptionalAction, default=True, help=back)
    given = parser.parse_args(arguments)
    data = given.data and given.data.resolve()
    return Options(
        given.home.resolve(),
        given.once,
        given.preset,
        data,
        given.days,
        given.backfill_days,
        given.sparse_ids,
        given.way_back,
    )


@returns_exit_code
def main(options: Options) -> None:
    """Run the whole path, keep the services up until Ctrl-C unless ``--once``, and end every process."""
    options.home.mkdir(parents=True, exist_ok=True)
    check_lake(JobSettings(home=options.home))
    with only_run_of(options.home):
        _run(options)


def _run(options: Options) -> None:
    run = Run(options)
    try:
        summary = run.whole_path()
        print(render(summary), flush=True)
        if not options.once:
            print("\nThe services stay up until Ctrl-C.", flush=True)
            while True:
                run.supervisor.check()
                time.sleep(LOOK_SECONDS)
    finally:
        run.stop()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        sys.exit(main(parse(sys.argv[1:])))
    except KeyboardInterrupt:
        print()

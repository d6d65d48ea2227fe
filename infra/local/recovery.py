"""Play the way back after a trip, without a person: judgement, retraining, resume.

The lake goes on with the days after the change. The DAG `recover` judges what could serve and starts a training, which
is too early. The nightly training of a later day passes on changed customers, and resumes the service by itself.
"""

import datetime as dt
import json
from typing import Any, Final

from antifraud.artifacts.judgement import read_judgement
from antifraud.artifacts.pointer import read_pointer
from antifraud.clock import ONE_DAY
from antifraud.errors import PublishError
from antifraud.gate.report import read_report
from antifraud.killswitch.news import News
from antifraud.killswitch.recovery import days_after
from antifraud.killswitch.trips import Trip
from antifraud.settings.core import JobSettings
from infra.local.events import wait_for_event
from infra.local.live_rows import LiveRow
from infra.local.pipeline import Pipeline
from infra.local.story import Stage, after, describe_webhook, learn_day, resume_as_admin, send_rows, wait_for_release
from infra.local.world import deliver
from jobs.rows.windows import Windows
from jobs.training.candidate import candidate_path, read_candidate

FIRST_PAYMENTS: Final = 2_000
"""Payments that are decided after the resume: enough to see the false-positive rate."""


def judge_before_trip(stage: Stage, pipeline: Pipeline) -> None:
    """Load the live days into the lake, and make the standing judgement of the night before the trip.

    The labels of the first changed day come before midnight, and the judgement after it.
    """
    day = stage.plan.judged
    learn_day(stage, stage.plan.onset)
    stage.scorer.clock.step_to(after(day, days=1))
    load_days(stage, pipeline, stage.plan.live[0], day)
    pipeline.run("monitor", str(day), {"day": str(day)})


def load_days(stage: Stage, pipeline: Pipeline, first: dt.date, last: dt.date) -> None:
    """Let the feed deliver some days, and load them in one range."""
    deliver(stage.home, last)
    pipeline.run("reprocess", f"{first}_{last}", {"first": str(first), "last": str(last), "dry_run": False})


def recover(stage: Stage, pipeline: Pipeline) -> dict[str, Any]:
    """Let the DAG `recover` judge what could serve, and follow the training that it starts; return what it found.

    Raises:
        PublishError: Nothing was judged, or the service is not suspended any more: the days showed too little for that.
    """
    trip = _trip_of(stage)
    pipeline.run_paused("recover", f"trip-{trip.epoch}")
    judgement, _, trouble = read_judgement(stage.home / "releases")
    if judgement is None:
        raise PublishError(f"there is no standing judgement: {trouble}")
    for each in judgement.releases:
        stage.progress.say(f"   {each.release} may not serve: {each.reason}")
    state = pipeline.await_task("retrain", "recover", "promote")
    days = _days_after(stage, trip, stage.plan.judged)
    stage.progress.say(f"   the first training: {days} certify days after the onset on {trip.onset}, too few to resume")
    if (switch := stage.scorer.switch)["mode"] != "SUSPENDED":
        raise PublishError(
            f"the service is {switch['mode']} with {days} certify days after the onset: {switch['reason']}"
        )
    return {
        "judged": str(judgement.as_of_day),
        "why_none": {each.release: each.reason for each in judgement.releases},
        "first_training": {"as_of": str(stage.plan.judged), "certify_days_after_onset": days, "promote": state},
    }


def come_back(stage: Stage, pipeline: Pipeline) -> dict[str, Any]:
    """Load the later days and let the nightly training resume the service; return what resumed it.

    If its candidate may not be promoted, the service stays suspended, and an admin resumes it.

    Raises:
        PublishError: The service is suspended although the candidate may be promoted.
    """
    plan, trip = stage.plan, _trip_of(stage)
    stage.scorer.clock.step_to(after(plan.retrained, days=1))
    load_days(stage, pipeline, plan.judged + ONE_DAY, plan.retrained)
    pipeline.run("retrain", str(plan.retrained), {"as_of": str(plan.retrained)})
    report = read_report(stage.home / "reports" / str(plan.retrained) / "report.json")
    training = {"as_of": str(plan.retrained), "verdict": str(report.verdict)}
    if why := report.why_not_promotable():
        stage.progress.say(f"   the training of {plan.retrained} does not resume: {why}")
        return {**training, "why": why.partition(". ")[0], **resume_as_admin(stage, plan.after, _next_rows(stage))}
    if (switch := stage.scorer.switch)["mode"] != "SERVING":
        raise PublishError(f"the training of {plan.retrained} passes, but the service is {switch['mode']}")
    stage.progress.say(f"   resumed by {switch['by']}: {switch['reason']}")
    event = wait_for_event(stage.scorer.webhooks, News.RESUMED, switch["began"])
    stage.progress.say(f"   webhook received, its signature verifies: {json.dumps(event.data)}")
    return {
        **{name: switch[name] for name in ("by", "at", "epoch", "reason")},
        **training,
        "release": report.candidate,
        "false_positive_rate": report.fpr,
        "certify_days_after_onset": _days_after(stage, trip, plan.retrained),
        "webhook": describe_webhook(event),
    }


def decide_again(stage: Stage) -> dict[str, Any]:
    """Send the first payments of the next day to the new release; return their figures.

    Raises:
        PublishError: The scorer does not serve the release that the pointer names.
    """
    pointer = read_pointer(stage.home / "releases")
    if pointer is None:
        raise PublishError("the service was resumed, but no release is promoted")
    wait_for_release(stage.scorer, pointer.release, stage.progress)
    day = stage.plan.after
    return {"day": str(day), **send_rows(stage, day, _next_rows(stage))}


def _next_rows(stage: Stage) -> list[LiveRow]:
    """Step over the day after the training and return its first payments; those of weeks ago come too late."""
    stage.scorer.clock.step_to(after(stage.plan.after, days=1))
    return stage.rows_of(stage.plan.after)[:FIRST_PAYMENTS]


def _trip_of(stage: Stage) -> Trip:
    return Trip(**stage.record.results["guard"]["trip"])


def _days_after(stage: Stage, trip: Trip, as_of: dt.date) -> int:
    """Return how many certify days of a candidate lie after the onset."""
    candidate = read_candidate(candidate_path(JobSettings(home=stage.home), as_of))
    return days_after(trip, Windows.from_dict(candidate.info["windows"]).certify)

"""An analyst reprocesses two days on Airflow's pages in a browser, the newest day first.

The file's name puts it last among the functional tests, because it changes the finished run.
"""

import datetime as dt
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

from antifraud.lake.catalog import Run, open_catalog, published
from antifraud.lake.schemas import (
    CLEAN,
    FEATURES,
    LABELS,
    NAMESPACE,
    QUARANTINE,
    RUNS,
    STATE,
    TOTALS_CUSTOMER,
    TOTALS_TERMINAL,
)
from antifraud.settings.core import JobSettings
from jobs.raw.demand import UNREAD
from tests.functional.conftest import LONG_RUN_ONLY

pytestmark = [pytest.mark.timeout(3_600), LONG_RUN_ONLY]
DAYS = UNCHANGED, CORRECTED = dt.date(2026, 4, 9), dt.date(2026, 4, 10)
ONE_DAY = dt.timedelta(days=1)
TASKS = ("feed", "ingest", "history", "features", "published", "export")
MADE_OF_AMOUNTS = (CLEAN, TOTALS_CUSTOMER, TOTALS_TERMINAL, STATE, FEATURES)
OTHERS = (QUARANTINE, LABELS)
TOTALS = (TOTALS_CUSTOMER.name, TOTALS_TERMINAL.name)
AMOUNT = 4
"""The amount's position in a raw row."""
LEFT_OUT = ("days", "published", "export")
"""Tasks of `reprocess` that a dry run leaves out."""
DRY_RUN_SECONDS = 300
ANSWER_MS = 60_000
BACKFILL_MS = 900_000


@pytest.fixture
def pictures(tmp_path) -> Path:
    """Return a folder for pictures of what the browser shows."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    return folder


@pytest.fixture
def page(chromium, airflow, pictures):
    """Open Airflow in a browser, and keep a picture of the last page, whether the test passes or fails."""
    # Chromium's sandbox does not work for root, and in a container tests run as root.
    options = {"executable_path": chromium, "headless": True, "args": ["--no-sandbox"]}
    with sync_playwright() as playwright, playwright.chromium.launch(**options) as browser:
        opened = browser.new_page(
            base_url=airflow.url, locale="en-US", timezone_id="UTC", viewport={"width": 1280, "height": 900}
        )
        opened.set_default_timeout(ANSWER_MS)
        expect.set_options(timeout=ANSWER_MS)
        yield opened
        opened.screenshot(path=pictures / "last.png")


def correct(file: Path) -> None:
    """Deliver a day's file again with another amount in its last row."""
    lines = file.read_text().splitlines(keepends=True)
    fields = lines[-1].split(",")
    fields[AMOUNT] = f"{Decimal(fields[AMOUNT]) + Decimal('0.01'):.2f}"
    file.write_text("".join([*lines[:-1], ",".join(fields)]))


def published_by(home: Path, day: dt.date) -> dict[str, Run]:
    """Return, by table, the lake's record of the run that published a day."""
    catalog = open_catalog(JobSettings(home=home))
    return {table.name: published(catalog, table, day, day)[day] for table in (*MADE_OF_AMOUNTS, *OTHERS)}


def forget_totals(home: Path, day: dt.date) -> None:
    """Delete the records which say that the totals of a day were published."""
    runs = open_catalog(JobSettings(home=home)).load_table((NAMESPACE, RUNS.name))
    runs.delete(f"day = '{day}' and table in {TOTALS}")


def ended(tasks: list[dict[str, Any]], name: str) -> dt.datetime:
    """Return when a task of a run ended."""
    return dt.datetime.fromisoformat(next(task["end_date"] for task in tasks if task["task_id"] == name))


def choose_day(page: Page, name: str, day: dt.date) -> None:
    """Type a day into a field of the dialog, and leave its time as Airflow sets it."""
    page.get_by_role("group").filter(has_text=name).get_by_text("Select date and time").click()
    field = page.get_by_role("textbox", name=name)
    field.fill(f"{day:%Y/%m/%d}")
    field.press("Enter")
    page.get_by_role("heading", name="Run Backfill").click()
    expect(field).to_be_hidden()


def choose(page: Page, label: str) -> None:
    """Choose one of several options by its text."""
    # The radio button has no size of its own: people see and click what is drawn beside it.
    page.get_by_role("dialog").get_by_text(label, exact=True).click()
    expect(page.get_by_role("radio", name=label, exact=True)).to_be_checked()


def fill_dialog(page: Page, pictures: Path) -> None:
    """Ask for both days, whatever became of their earlier runs, backwards and one at a time.

    A picture shows the dialog before that, with two runs at a time.
    """
    choose(page, "Backfill")
    choose_day(page, "From", UNCHANGED)
    choose_day(page, "To", CORRECTED)
    choose(page, "All Runs")
    page.get_by_role("spinbutton").fill("2")
    expect(page.get_by_text("2 runs will be triggered.")).to_be_visible()
    page.screenshot(path=pictures / "backfill_dialog.png")
    page.get_by_role("dialog").get_by_text("Run Backwards", exact=True).click()
    page.get_by_role("spinbutton").fill("1")


def run_of(page: Page, day: dt.date) -> Locator:
    """Return a day's row in the list of runs, which Airflow names by the day after, when the run may begin."""
    return page.get_by_role("row").filter(has_text=f"backfill__{day + ONE_DAY}T00:00:00")


def reprocess(page: Page, pictures: Path) -> None:
    """Go from Airflow's first page to two runs that have succeeded."""
    page.goto("/")
    for name in ("Dags", "lake"):
        page.get_by_role("link", name=name, exact=True).click()
    trigger = page.get_by_role("button", name="Trigger Dag")
    expect(trigger).to_have_count(1)  # until the next page is there, the list of DAGs has one button a DAG
    trigger.click()
    fill_dialog(page, pictures)
    page.get_by_role("button", name="Run Backfill").click()
    banner = page.get_by_text("Backfill in progress")
    expect(banner).to_be_visible()
    page.get_by_role("link", name="Runs", exact=True).click()
    expect(banner).to_be_hidden(timeout=BACKFILL_MS)
    for day in DAYS:
        expect(run_of(page, day)).to_contain_text("Success")
    page.screenshot(path=pictures / "backfill_runs.png")


def test_a_dry_run_tells_what_a_corrected_file_changes(airflow, finished_run):
    """By default `reprocess` is a dry run: it lists the stale tables and days, and publishes nothing."""
    home = finished_run.home
    before = published_by(home, CORRECTED)
    correct(home / "raw" / "feed" / f"{CORRECTED}.txt")

    airflow.unpause("reprocess")
    airflow.trigger("reprocess", "dry", {"first": str(UNCHANGED), "last": str(CORRECTED)})
    until = time.monotonic() + DRY_RUN_SECONDS
    while (state := airflow.runs("reprocess")[0].state) in {"queued", "running"} and time.monotonic() < until:
        time.sleep(1)

    assert state == "success"
    states = {task["task_id"]: task["state"] for task in airflow.tasks("reprocess", "dry")}
    assert states == dict.fromkeys(("stale", "plan"), "success") | dict.fromkeys(LEFT_OUT, "skipped")
    [log] = (home / "logs" / "airflow").glob("dag_id=reprocess/run_id=dry/task_id=stale/*.log")
    told = log.read_text()
    assert f"clean            {CORRECTED}: {UNREAD}" in told
    assert f"features         {CORRECTED}: follows from clean or state of {CORRECTED}" in told
    assert str(UNCHANGED) not in "".join(line for line in told.splitlines() if "follows from" in line)
    assert published_by(home, CORRECTED) == before


def test_two_days_are_reprocessed(page, airflow, finished_run, pictures):
    """Both runs succeed; of the corrected day, everything made from amounts is new, and the rest is left alone.

    The corrected day runs first and looks back on totals that are gone. Their day's own run is still queued, so the
    corrected day's run makes them.
    """
    home = finished_run.home
    before = {day: published_by(home, day) for day in DAYS}
    correct(home / "raw" / "feed" / f"{CORRECTED}.txt")
    forget_totals(home, UNCHANGED)
    began = dt.datetime.now(dt.UTC)

    reprocess(page, pictures)

    page.get_by_role("link", name="Backfills", exact=True).click()
    listed = page.get_by_role("row", name=f"{UNCHANGED} 00:00:00 {CORRECTED} 23:59:59 All Runs")
    expect(listed).not_to_have_count(0)
    runs = [airflow.tasks("lake", run.id) for run in airflow.runs_of_days("lake", *DAYS)]
    for tasks in runs:
        assert {task["task_id"]: task["state"] for task in tasks} == dict.fromkeys(TASKS, "success")
        assert all(dt.datetime.fromisoformat(task["start_date"]) > began for task in tasks)
    assert ended(runs[1], "export") < dt.datetime.fromisoformat(runs[0][0]["start_date"])
    after = {day: published_by(home, day) for day in DAYS}
    for table, run in after[UNCHANGED].items():
        earlier = before[UNCHANGED][table]
        assert run == earlier if table not in TOTALS else (run.rows, run.inputs) == (earlier.rows, earlier.inputs)
    for table in OTHERS:
        assert after[CORRECTED][table.name] == before[CORRECTED][table.name]
    for table in MADE_OF_AMOUNTS:
        run, earlier = after[CORRECTED][table.name], before[CORRECTED][table.name]
        assert (run.rows, run.inputs != earlier.inputs, run.sequence > earlier.sequence) == (earlier.rows, True, True)

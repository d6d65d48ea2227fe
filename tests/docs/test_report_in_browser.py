"""In a browser, the gate's page shows verdict, limits and reasons on one screen, from one file."""

from types import SimpleNamespace

import numpy as np
import pytest
from playwright.sync_api import sync_playwright

from antifraud.gate.judge import Certify
from antifraud.settings.core import JobSettings
from antifraud.stats.episodes import Frauds
from antifraud.stats.score_tables import ScoreTable
from antifraud.stats.threshold import LegitBlocks
from infra.setup.browser import find_chromium
from jobs.judging.certify_rows import ReducedWindows
from jobs.judging.limits import limits_of
from jobs.judging.report import judged
from jobs.reporting.page import PAGE_FILE, render
from jobs.reporting.promise import EXCEPTIONS, PROMISE
from tests.report_example import WINDOWS

DAYS, ROWS, FIRST_DAY = 28, 60_000, 20_519
WIDTH, HEIGHT = 1_280, 800
GOOD, POOR = 4.0, 1.5
FULL_VOLUME = 129_600_000
ORIGIN = {
    "PASS": "β 4, frozen on select; target 4.50 % → lowest threshold 93,592 ppm",
    "FAIL": "β 4, frozen on select; target 4.50 % → lowest threshold 93,592 ppm",
    "INFEASIBLE": "β 24, frozen on select; target 4.50 % → lowest threshold 93,592 ppm",
}
SUCCESSION = {
    "PASS": "May be promoted. There is no champion to compare with, so a PASS is enough.",
    "FAIL": "Is not promoted. The verdict is not PASS.",
    "INFEASIBLE": "Is not promoted. The verdict is not PASS.",
}


def window(seed, separation):
    """Return a window with 2 % fraud whose scores lie `separation` standard deviations above the legitimate ones."""
    rng = np.random.default_rng(seed)
    fraud = rng.random(ROWS) < 0.02
    score = (1_000_000 / (1 + np.exp(4 - rng.normal(separation * fraud, 1)))).astype(int)
    amount, day = rng.exponential(150_000, ROWS).astype(int) + 1, FIRST_DAY + rng.integers(0, DAYS, ROWS)
    customer, terminal = rng.integers(0, 5_000, ROWS), rng.integers(0, 900, ROWS)
    frauds = Frauds(score[fraud], amount[fraud], customer[fraud], terminal[fraud], DAYS, day[fraud])
    blocks = [
        LegitBlocks(name, code[~fraud], score[~fraud], np.ones((~fraud).sum(), int))
        for name, code in (("terminals", terminal), ("customers", customer))
    ]
    unknown = rng.poisson(40, DAYS)
    return Certify(ScoreTable.from_rows(day, score, fraud, amount), frauds, blocks, unknown_a_day=unknown)


CASES = {
    "PASS": (GOOD, {}),
    "FAIL": (GOOD, {"alerts_a_day": 5}),
    "INFEASIBLE": (POOR, {"declared_transactions_a_month": FULL_VOLUME, "declared_fraud_share": 0.02}),
}


def report(verdict):
    """Return the report that validation writes for a window with this verdict; the gate gives the reasons."""
    separation, declared = CASES[verdict]
    settings = JobSettings(**declared)
    info = {"as_of": "2026-04-10", "windows": WINDOWS}
    reduced = ReducedWindows(window(2, separation).table, window(1, separation), 1)
    candidate = SimpleNamespace(id="2026-04-10-0123abcd", info=info)
    found = judged(candidate, reduced, settings, limits_of(settings))
    assert found.verdict == verdict
    return found


@pytest.fixture(scope="module")
def browser():
    """Start Chromium without a window."""
    # Chromium's sandbox does not work for root, and in a container tests run as root.
    options = {"executable_path": find_chromium(), "headless": True, "args": ["--no-sandbox"]}
    with sync_playwright() as playwright, playwright.chromium.launch(**options) as launched:
        yield launched


@pytest.fixture(scope="module", params=CASES)
def opened(request, browser, tmp_path_factory):
    """Open the page of each verdict, and record the browser's requests and complaints."""
    content, file = report(request.param), tmp_path_factory.mktemp("report") / PAGE_FILE
    file.write_text(render(content))
    page, asked, complaints = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}), [], []
    page.on("request", lambda sent: asked.append(sent.url))
    page.on("console", lambda said: complaints.append(said.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(file.as_uri())
    page.screenshot(path=file.with_suffix(".png"))
    yield SimpleNamespace(page=page, report=content, url=file.as_uri(), asked=asked, complaints=complaints)
    page.close()


def test_verdict_limits_and_reasons_need_no_scrolling(opened):
    """At 1280 x 800, verdict, limits, bounds, reasons and action are inside the window."""
    page, content = opened.page, opened.report
    shown = {
        ".word": [content.verdict],
        ".gauge .row:first-child": ["False-positive rate limit 5.00 %", "Missed fraud, RUB a month limit 500,000"],
        ".origin": [ORIGIN[content.verdict]],
        ".screen li": list(content.reasons),
        ".succession": [SUCCESSION[content.verdict]],
        ".action": [f"Best single action {content.action}"],
        "svg.tradeoff": None,
    }
    for selector, texts in shown.items():
        found = page.locator(selector)
        if texts is not None:
            assert [" ".join(each.split()) for each in found.all_inner_texts()] == texts
        for box in [each.bounding_box() for each in found.all()]:
            assert min(box["x"], box["y"], box["width"], box["height"]) >= 0, selector
            assert box["x"] + box["width"] <= WIDTH, selector
            assert box["y"] + box["height"] <= HEIGHT, selector


def test_the_kill_switch_declares_its_exceptions_on_the_first_screen(opened):
    """At 1280 x 800, the page of a release that may serve says what the kill-switch promises, and what breaks it."""
    found = opened.page.locator(".promise").all()
    assert [each.inner_text() for each in found][:2] == [PROMISE, EXCEPTIONS]
    if opened.report.verdict == "PASS":
        assert max(each["y"] + each["height"] for each in [each.bounding_box() for each in found[:2]]) <= HEIGHT


def test_nothing_sticks_out(opened):
    """Nothing scrolls sideways, and no text is wider than its card or outside the plot."""
    wider = "nodes => nodes.filter(node => node.scrollWidth > node.clientWidth).map(node => node.innerText)"
    outside = """nodes => nodes.filter(node => {
        const text = node.getBoundingClientRect(), plot = node.closest('svg').getBoundingClientRect()
        return text.left < plot.left || text.right > plot.right || text.top < plot.top || text.bottom > plot.bottom
    }).map(node => node.textContent)"""
    assert opened.page.locator("html, .card, .card table").evaluate_all(wider) == []
    assert opened.page.locator("svg.tradeoff text").evaluate_all(outside) == []


def test_the_plot_is_drawn(opened):
    """The plot has a curve with height and width, both limits and the choice."""
    page = opened.page
    box = page.locator("svg.tradeoff polyline.curve").bounding_box()
    assert min(box["width"], box["height"]) > 50
    counts = {kind: page.locator(f"svg.tradeoff {kind}").count() for kind in ("line.limit", "circle.chosen")}
    assert counts == {"line.limit": 2, "circle.chosen": 2}, "the choice, and its name in the legend"


def test_the_page_is_one_file_without_complaints(opened):
    """The browser requests nothing but the file itself, and its console stays empty."""
    assert opened.asked == [opened.url]
    assert opened.complaints == []

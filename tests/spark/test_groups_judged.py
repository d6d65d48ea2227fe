"""Chains of terminals in the lake reach the gate: its bound widens, and the report names them."""

import pytest

from antifraud.gate.report import read_report
from antifraud.settings.core import JobSettings
from antifraud.stats.threshold import TOGETHER, fpr_bounds
from jobs.judging.certify_rows import ReducedWindows, scored_windows
from jobs.judging.limits import limits_of
from jobs.judging.validate import validate, write_reports
from jobs.rows.inputs import Inputs
from jobs.rows.windows import windows_of
from jobs.training.train import train
from tests.release_keys import put_keys
from tests.spark.model_lake import AS_OF, fill, shape

CHAINS = 10


@pytest.fixture(scope="module")
def chained(open_lake, tmp_path_factory):
    """Return report and reduced windows of a lake where legitimate rows of one chain in ten often look like fraud."""
    settings = shape(JobSettings(home=tmp_path_factory.mktemp("chained")))
    put_keys(settings.home)
    session = open_lake(settings)
    fill(session, chains=CHAINS)
    candidate = train(session, settings, AS_OF)
    inputs = Inputs.of(settings, windows_of(settings, AS_OF).spans, AS_OF)
    report = validate(session, settings, candidate, inputs)
    write_reports(report, [candidate.path])
    with scored_windows(session, inputs, candidate.path) as results:
        reduced = ReducedWindows.of_candidate(results, settings, inputs, candidate, limits_of(settings))
    return candidate, report, reduced.certify


def test_the_bound_is_wider_by_chains(chained):
    """At the judged threshold the bound by chains is wider than the one by terminals, and so are all kinds together."""
    _, report, certify = chained
    without = [kind for kind in certify.all_blocks if kind.name != "groups"]
    before = fpr_bounds(certify.table, without, report.threshold, report.limits.delta)

    groups = next(kind for kind in certify.blocks if kind.name == "groups")
    assert (groups.totals.size, groups.within) == (CHAINS, "terminals")
    assert report.fpr_bounds["groups"] > report.fpr_bounds["terminals"] == before["terminals"]
    assert report.fpr_bounds[TOGETHER] > before[TOGETHER]


def test_report_page_and_card_name_the_chains(chained):
    """The stored report lists the bound by groups, and the model card says how many chains there are."""
    candidate, report, _ = chained

    assert read_report(candidate.path / "report.json").fpr_bounds == report.fpr_bounds
    [said] = [each for each in report.assumptions if each.name == "rate_group"]
    assert (said.fails, said.words) == (False, "The rows name 10 chains or regions; a bound by them needs 7.")
    assert "groups" in (candidate.path / "report.html").read_text()

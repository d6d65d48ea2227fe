"""A report is read back from its file unchanged, and a file of another version is refused with a way out."""

import dataclasses
import datetime as dt
import json
from dataclasses import replace
from typing import get_args, get_type_hints

import pytest

from antifraud.clock import Span
from antifraud.errors import ReleaseError, ReportError
from antifraud.files import hash_of
from antifraud.gate.findings import Alternative, Verdict
from antifraud.gate.judge import judge
from antifraud.gate.limits import Limits
from antifraud.gate.report import VERSION, GateReport, read_report
from tests.report_example import CHAMPION, NO_LIMIT, PASS, REPLAY, report
from tests.unit.gate.test_judge import GOOD, select, window
from tests.unit.jobs.reporting.test_page import ROW, SLICE

WHOLE = {
    "tradeoff": (ROW, replace(ROW, threshold=60_000, precision=0.3, beta=None)),
    "slices": (SLICE,),
    "champion": replace(
        CHAMPION, reasons=("Why.",), loss=PASS.loss, days=Span(dt.date(2026, 3, 7), dt.date(2026, 4, 3))
    ),
    "promotable": False,
    "promotable_reason": "May be worse.",
    "pointer_sequence": 3,
    "looks": 2,
    "counts": {"certify": {"fraud": 6_012, "legitimate": 276_563, "unknown": 34}},
    "baselines": {"catboost": {"auc": 0.9359}, "random_forest": {"auc": 0.92}},
    "baseline_rows": 30_000,
    "train_rows": 123_753,
    "precision": None,
}
PAST = {**REPLAY, "source": "lake", "seen_in_training": (dt.date(2026, 3, 7),), "evaluator_difference_ppm": None}


@pytest.fixture
def file(tmp_path):
    """Return the path of a report."""
    return tmp_path / "report.json"


@pytest.mark.parametrize("changes", [{}, WHOLE, PAST], ids=["least", "everything", "replay"])
def test_a_file_holds_the_whole_report(file, changes):
    """Reading a file gives the same report, and writing that report gives the same bytes."""
    written = report(**changes)
    file.write_text(written.to_json())

    assert read_report(file) == written
    assert read_report(file).to_json() == written.to_json()


def test_the_gates_own_judgement_survives(file):
    """A judgement of a real window, with NumPy's figures, is read back unchanged, too."""
    judged = judge(select(GOOD), window(1, GOOD), Limits(), alternatives=[Alternative("forest", 7.0)])
    written = report(**judged.by_name(), at_full_volume=judged)
    file.write_text(written.to_json())

    assert read_report(file) == written


def test_the_file_reads_without_the_code():
    """The file can be read without the code: it has its version, days as texts, the widest bound and derived values."""
    found = json.loads(report(champion=CHAMPION, promotable=True, **NO_LIMIT).to_json())

    assert (found["version"], found["verdict"], found["action"]) == (4, "PASS", "Promote.")
    assert found["reasons"] == ["The rate is within its limit.", "The loss is within its limit."]
    assert found["windows"]["certify"] == {"first": "2026-03-07", "last": "2026-04-03"}
    assert (found["fpr_bound"], found["loss_limit_informative"]) == (0.045, False)
    assert (found["at_full_volume"]["fpr_bound"], found["at_full_volume"]["loss_limit_informative"]) == (0.045, True)
    compared = found["champion"]["comparison"]
    assert compared["non_inferior"] is False
    assert (compared["fpr_difference_bound"], compared["fpr_binding"]) == (0.006, "terminals")


@pytest.mark.parametrize(
    ("version", "said"),
    [
        (None, "has no version"),
        (0, "has version 0"),
        (2, "has version 2"),
        (1, "has version 1"),
        ("4", "has version 4"),
        (3, "has version 3"),
    ],
)
def test_another_version_is_refused(file, version, said):
    """A file without a version or of another version is refused with exit code 43 and a way out."""
    values = {**report().to_dict(), "version": version}
    file.write_text(json.dumps({name: value for name, value in values.items() if value is not None}))

    with pytest.raises(ReportError) as refused:
        read_report(file)
    assert str(refused.value) == (
        f"the gate report {file} {said}, expected version 4: run jobs/validate.py for its day again, or read it with "
        "the code that wrote it"
    )
    assert (refused.value.exit_code, issubclass(ReportError, ReleaseError)) == (43, True)


def without(name):
    """Return the values of a report that lacks one of them."""
    return {key: value for key, value in report().to_dict().items() if key != name}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (without("action"), "the whole has no action"),
        ({**report().to_dict(), "fpr": "0.04"}, "fpr is of type str, expected float"),
        ({**report().to_dict(), "threshold": 0.5}, "threshold is of type float, expected int"),
        ({**report().to_dict(), "verdict": "MAYBE"}, "verdict is 'MAYBE', expected Verdict"),
        ({**report().to_dict(), "as_of": "yesterday"}, "as_of is 'yesterday', expected date"),
        ({**report().to_dict(), "loss": {}}, "loss has no mean, bound, level"),
        ({**report().to_dict(), "reasons": ["Why.", 7]}, r"reasons\[1\] is of type int, expected str"),
        ({**report().to_dict(), "windows": {"certify": []}}, "windows.certify is of type list, expected dict"),
    ],
)
def test_a_damaged_file_is_refused(file, values, said):
    """The error about a damaged file names the place, what was found and what was expected."""
    file.write_text(json.dumps(values))

    with pytest.raises(ReportError, match=rf"{file} is damaged \({said}.*run it again"):
        read_report(file)


def test_a_file_that_is_none_is_refused(file):
    """A missing file, half a file and other JSON are refused."""
    with pytest.raises(ReportError, match=f"there is no gate report {file}: run jobs/validate.py for its day first"):
        read_report(file)
    file.write_text(report().to_json()[:-9])
    with pytest.raises(ReportError, match="is damaged"):
        read_report(file)
    file.write_text("[]")
    with pytest.raises(ReportError, match="has no version"):
        read_report(file)


def test_only_a_pass_that_replaces_the_champion_is_promotable():
    """A report explains why it is not promotable: by its verdict, or by the comparison with the champion."""
    failed = report(verdict=Verdict.FAIL, reasons=("The rate is too high.",), action="Raise it.")

    assert failed.why_not_promotable() == "FAIL, so it does not serve. The rate is too high. Raise it."
    assert report(promotable=False, promotable_reason="May be worse.").why_not_promotable() == (
        "PASS, but it does not replace the champion. May be worse."
    )
    assert report(promotable=False).why_not_promotable() == "PASS, but it does not replace the champion."
    assert report(promotable=True).why_not_promotable() is None


def field_names(kind):
    """Return the names of a class's fields, and of those of every class that they hold."""
    names = []
    for name, hint in sorted(get_type_hints(kind).items()):
        held = [each for each in (hint, *walk_arguments(hint)) if dataclasses.is_dataclass(each)]
        names.append({name: [field_names(each) for each in held]} if held else name)
    return names


def walk_arguments(hint):
    """Yield every type inside a generic one."""
    for each in get_args(hint):
        yield each
        yield from walk_arguments(each)


def test_another_form_has_another_version():
    """Every name in the file belongs to the version: if this fails, raise `VERSION` and write the new hash here."""
    assert (VERSION, hash_of(field_names(GateReport))) == (4, "c7265873274c8fb6")

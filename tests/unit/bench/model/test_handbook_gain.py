"""Weekly figures of an earlier run are read from its output, and paired with ours by their dates."""

import datetime as dt
import json

import pytest

from bench import record
from bench.model.handbook_gain import paired, printed_by, record_gains, weeks_in

STARTS = [dt.date(2018, 5, 19) + dt.timedelta(days=7 * number) for number in range(6)]
FIGURES = {"auc": 0.8842, "ap": 0.753, "tpr5": 0.7812, "cp100": 0.3257}
OUTPUT = f"""\
ingest 2018-04-01..2018-06-29 (90 days): 863,006 rows in 22.9 s
stage                rows  seconds
tuned XGBoost: {{'n_estimators': 321, 'max_depth': 7}}
{STARTS[0]} 7 days       {{'auc': 0.8921, 'ap': 0.7487, 'tpr5': 0.7764, 'cp100': 0.3271}}
{STARTS[0]} XGBoost      {{'auc': 0.8793, 'ap': 0.6658, 'tpr5': 0.7596, 'cp100': 0.3171}}
""" + "".join(f"{start} all history  {FIGURES}\n" for start in STARTS)


def weeks_of(*recalls, **others):
    """Make weeks with these recalls."""
    return {start: FIGURES | {"tpr5": recall} | others for start, recall in zip(STARTS, recalls, strict=True)}


def test_figures_of_all_history_are_read_from_the_output():
    """Other contestants, the stages' lines and the tuned parameters are left out."""
    assert weeks_in([*OUTPUT.splitlines(), "model.handbook_auc = 0.876047 1"]) == dict.fromkeys(STARTS, FIGURES)


@pytest.mark.parametrize("damage", [(f"{STARTS[5]} all", "killed"), ("'tpr5': 0.7812, ", "")])
def test_an_incomplete_output_is_refused(damage):
    """A run that ended early, or printed other figures, cannot be compared."""
    with pytest.raises(SystemExit, match="of 'all history' instead of 6 with auc, ap, cp100, tpr5: give the output"):
        weeks_in(OUTPUT.replace(*damage).splitlines())


def test_differences_are_paired_by_date():
    """The order in which weeks were measured does not matter."""
    before = weeks_of(0.75, 0.76, 0.77, 0.78, 0.79, 0.8)
    now = dict(reversed(weeks_of(0.76, 0.77, 0.78, 0.79, 0.8, 0.78).items()))

    assert paired(now, before, "tpr5") == pytest.approx([0.01, 0.01, 0.01, 0.01, 0.01, -0.02])


def test_other_weeks_are_refused():
    """Weeks of other raw files are no pairs, even if their number is the same."""
    before = weeks_of(*[0.75] * 6)
    now = {start + dt.timedelta(days=1): figures for start, figures in before.items()}

    with pytest.raises(SystemExit, match=r"weeks from 2018-05-20, .* paired with weeks from 2018-05-19, .* same raw"):
        paired(now, before, "tpr5")


def test_means_spreads_and_better_weeks_are_recorded(tmp_path, monkeypatch):
    """Six pairs give three gains, each with its lowest and highest week, and a count of better weeks."""
    monkeypatch.setattr(record, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(record, "PAGE", tmp_path / "RESULTS.md")
    before = weeks_of(0.75, 0.76, 0.77, 0.78, 0.79, 0.8, auc=0.87, ap=0.75)
    now = weeks_of(0.77, 0.77, 0.78, 0.79, 0.79, 0.79, auc=0.88, ap=0.749)

    record_gains(now, before)

    entries = {entry["name"]: entry for entry in json.loads((tmp_path / "results.json").read_text())}
    assert {name: (pytest.approx(entry["value"]), entry["spread"] and pytest.approx(entry["spread"]))
            for name, entry in entries.items()} == {
        "model.handbook_recall_gain": (0.04 / 6, [-0.01, 0.02]),
        "model.handbook_auc_gain": (0.01, [0.01, 0.01]),
        "model.handbook_ap_gain": (-0.001, [-0.001, -0.001]),
        "model.handbook_weeks_better": (4, None),
    }  # fmt: skip
    assert entries["model.handbook_recall_gain"]["baseline"] == (
        "0.7817 on all history, 0.7750 at commit b393281; the same 6 weeks in pairs"
    )


@pytest.fixture
def checkout(tmp_path):
    """Make a folder with an interpreter that prints where and how it was started."""
    interpreter = tmp_path / "old" / ".venv/bin/python"
    interpreter.parent.mkdir(parents=True)
    interpreter.write_text('#!/bin/sh\necho "$PWD" "$@"\n')
    interpreter.chmod(0o755)
    return tmp_path / "old"


def test_the_older_version_runs_in_its_own_checkout(checkout, tmp_path):
    """Its own interpreter gets its own module and the folder of raw files, in its own folder."""
    assert printed_by(checkout, tmp_path / "data") == f"{checkout} -m bench.handbook {tmp_path}/data\n"


def test_an_older_version_that_fails_ends_the_command(checkout, tmp_path):
    """A failed run is named with its code, whatever it has printed before."""
    (checkout / ".venv/bin/python").write_text("#!/bin/sh\necho 2018-05-19\nexit 3\n")

    with pytest.raises(SystemExit, match=r"-m bench\.handbook .* ended with code 3"):
        printed_by(checkout, tmp_path / "data")


def test_a_checkout_without_an_environment_is_refused(tmp_path):
    """Nothing but its own environment can run the older version."""
    with pytest.raises(SystemExit, match="has no environment: run `make setup` in it"):
        printed_by(tmp_path, tmp_path / "data")

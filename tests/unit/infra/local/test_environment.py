"""The environment of a run fits its calendar."""

import datetime as dt
from pathlib import Path

import pytest

from antifraud.clock import DAY_SECONDS
from antifraud.errors import SettingsError
from antifraud.settings.core import JobSettings
from infra.local.environment import environment
from infra.local.plan import make_plan
from infra.local.run import Run, parse

HEADER = "# tranaction_id | tx_datetime | customer_id | terminal_id | tx_amount | tx_time_seconds | tx_time_days | tx_fraud | tx_fraud_scenario\n"  # noqa: E501
PORTS = dict.fromkeys(("mlflow", "scorer", "webhook", "airflow"), 1)


def test_the_first_live_day_is_over_when_the_run_begins_and_a_later_run_goes_on(tmp_path):
    """Business time begins at the midnight after the first live day; a step is kept for the next run."""
    plan = make_plan(dt.date(2026, 1, 1), 120)
    midnight = (plan.live[0] - dt.date(1970, 1, 1)).days * DAY_SECONDS + DAY_SECONDS

    clock = JobSettings.from_environment(environment(tmp_path, plan, PORTS)).clock
    assert 0 <= clock.now() - midnight < 60
    clock.step_to(midnight + 3 * DAY_SECONDS)

    again = JobSettings.from_environment(environment(tmp_path, plan, PORTS)).clock
    assert 0 <= again.now() - midnight - 3 * DAY_SECONDS < 60


@pytest.mark.parametrize(("declared", "taken"), [({}, "global"), ({"ANTIFRAUD_ID_SCOPE": "day"}, "day")])
def test_the_source_says_how_far_its_ids_are_unique(tmp_path, monkeypatch, declared, taken):
    """The caller's declaration reaches every process of the run; other settings of the caller do not."""
    monkeypatch.delenv("ANTIFRAUD_ID_SCOPE", raising=False)
    for name, value in {**declared, "ANTIFRAUD_SEED": "5"}.items():
        monkeypatch.setenv(name, value)

    environ = environment(tmp_path, make_plan(dt.date(2026, 1, 1), 120), PORTS)

    assert JobSettings.from_environment(environ).id_scope == taken
    assert "ANTIFRAUD_SEED" not in environ


def test_a_home_is_continued_under_its_own_scope(tmp_path, monkeypatch):
    """Another scope would give transactions new ids, and decide them again: it is refused before anything starts."""
    options = parse(["--home", str(tmp_path), "--preset", "small"])
    monkeypatch.setenv("ANTIFRAUD_ID_SCOPE", "day")
    Run(options)
    Run(options)
    monkeypatch.delenv("ANTIFRAUD_ID_SCOPE")
    with pytest.raises(SettingsError, match=r"preset small, ids restart every day.*asked for was .*'preset small'"):
        Run(options)


def repeating(folder):
    """Write 62 daily files of one row each, all with the transaction id 1."""
    for number in range(62):
        day = dt.date(2026, 1, 1) + dt.timedelta(days=number)
        row = f"1,{day} 01:00:00,11,3,5.00,{number * DAY_SECONDS + 3_600},{number},0,0\n"
        (folder / f"{day}.txt").write_text(HEADER + row)
    return folder


def test_undeclared_ids_that_restart_start_nothing(tmp_path, monkeypatch):
    """The four live days share an id, which the scorer would decide once: the error says what to declare."""
    data, home = repeating(tmp_path), tmp_path / "home"
    home.mkdir()
    options = parse(["--home", str(home), "--data", str(data)])
    monkeypatch.delenv("ANTIFRAUD_ID_SCOPE", raising=False)
    with pytest.raises(SettingsError) as caught:
        Run(options)
    assert str(caught.value) == (
        f"{data}: 1 transaction ids of 2026-03-01 were used on the days before, expected new ones: set "
        "ANTIFRAUD_ID_SCOPE=day if the ids restart every day, otherwise correct the files"
    )
    assert list(home.iterdir()) == []

    monkeypatch.setenv("ANTIFRAUD_ID_SCOPE", "day")
    assert Run(options).plan.live[0] == dt.date(2026, 2, 28)


def test_a_mistyped_scope_starts_nothing(tmp_path, monkeypatch):
    """The error names the two values and repeats none that was given."""
    monkeypatch.setenv("ANTIFRAUD_ID_SCOPE", "hunter2")
    with pytest.raises(SettingsError) as caught:
        Run(parse(["--home", str(tmp_path)]))
    assert str(caught.value) == (
        "ANTIFRAUD_ID_SCOPE is not one of its values: expected global or day; correct it or unset it"
    )
    assert list(Path(tmp_path).iterdir()) == []

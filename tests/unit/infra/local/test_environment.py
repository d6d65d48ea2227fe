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


def test_the_scorer_accepts_the_first_live_row(tmp_path, monkeypatch):
    """Business time is 11.5 days ahead of the first live row, more than the scorer accepts by default."""
    monkeypatch.setenv("ANTIFRAUD_LATE_EVENT_DAYS", "1")
    plan = make_plan(dt.date(2026, 1, 1), 120)

    days = int(environment(tmp_path, plan, PORTS)["ANTIFRAUD_LATE_EVENT_DAYS"])

    first = dt.datetime.combine(plan.live[0], dt.time(), tzinfo=dt.UTC)
    assert (plan.business_now - first).total_seconds() == 11.5 * DAY_SECONDS
    assert days == 12


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

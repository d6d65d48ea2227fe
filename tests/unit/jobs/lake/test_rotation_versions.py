"""A rotation of keys refuses a lake with days of another version before it publishes anything."""

import datetime as dt

import pytest

from antifraud.errors import PublishError
from antifraud.keys.pseudonym import Key
from antifraud.lake.catalog import Run
from antifraud.lake.schemas import TOTALS_TERMINAL
from antifraud.settings.core import JobSettings
from jobs.lake.rotation import ORDER, Rotation, require_present_version

DAYS = [dt.date(2026, 1, day) for day in (1, 2, 3)]


def rotation(home, *, outdated=(), under="k1"):
    """A rotation to the key k2 in which terminals' totals of the days `outdated` are of another version."""
    runs = {table: {day: Run(table.name, day, "0", 1, 1, "{}", 1) for day in DAYS} for table in ORDER}
    runs[TOTALS_TERMINAL] = {day: run for day, run in runs[TOTALS_TERMINAL].items() if day not in outdated}
    keys = {table: dict.fromkeys(DAYS, frozenset({under})) for table in ORDER}
    return Rotation(JobSettings(home=home), Key("k2", bytes(32)), DAYS[0], runs, keys)


def test_days_of_another_version_are_refused(tmp_path):
    """Their rows are under the old key, and no run of this version says what they were made from."""
    with pytest.raises(PublishError) as caught:
        require_present_version(rotation(tmp_path, outdated=DAYS[:2]))

    assert str(caught.value) == (
        "totals_terminal of 2026-01-01..2026-01-02 (2 days) is not of this version, so it cannot be re-keyed: "
        "run jobs/stale.py and bring the lake up to date first"
    )


def test_a_lake_of_one_version_may_rotate(tmp_path):
    """All days have runs of this version."""
    require_present_version(rotation(tmp_path))


def test_older_days_that_are_under_the_new_key_are_no_obstacle(tmp_path):
    """Nothing is left to do for them."""
    require_present_version(rotation(tmp_path, outdated=DAYS, under="k2"))

"""Live transactions are the usable rows of a raw file, in order and with the truth."""

import datetime as dt
import gzip

import pytest

from antifraud.clock import ONE_DAY
from antifraud.errors import MissingDay, RawFileError
from infra.local.live_rows import LiveRow, changed, live_rows
from infra.local.plan import LABEL_DELAY_DAYS, make_plan
from infra.local.raw_folder import raw_files
from infra.local.story import Stage
from infra.local.world import live_folder

DAY = dt.date(2026, 4, 11)
MIDNIGHT = 1_775_865_600
HEADER = "# tranaction_id | tx_datetime | customer_id | terminal_id | tx_amount | tx_time_seconds | tx_time_days | tx_fraud | tx_fraud_scenario\n"  # noqa: E501
ROWS = """8,2026-04-11 00:00:02,3,0,70.9,8640002,100,0,0
7,2026-04-11 00:00:02,4,1,250,8640002,100,1,1
9,2026-04-10 24:00:00,4,1,5.00,8640000,99,0,0
10,2026-04-11 00:00:03,4,Err,5.00,8640003,100,0,0
11,2026-04-11 00:00:03,-999999,1,5.00,8640003,100,0,0
12,2026-04-11 00:00:03,4,1,0.00,8640003,100,0,0
7,2026-04-11 00:00:04,4,1,250,8640004,100,1,1
13,garbage
"""
EXPECTED = [
    LiveRow(9, MIDNIGHT, 4, 1, 500, is_fraud=False),
    LiveRow(7, MIDNIGHT + 2, 4, 1, 25_000, is_fraud=True),
    LiveRow(8, MIDNIGHT + 2, 3, 0, 7_090, is_fraud=False),
]


@pytest.mark.parametrize("packed", [False, True])
def test_usable_rows_in_order(tmp_path, packed):
    """Unusable rows and repeated ids are left out, a time of 24:00:00 counts, and equal times are ordered by id."""
    content = (HEADER + ROWS).encode()
    (tmp_path / f"{DAY}.txt{'.gz' if packed else ''}").write_bytes(gzip.compress(content) if packed else content)
    assert live_rows(tmp_path, DAY) == EXPECTED


def test_rows_after_a_stray_quote_are_read_and_only_ids_of_the_contract_count(tmp_path):
    """A quote is a character like any other; a row with an id of 20 digits, a float or a wrong label is left out."""
    hostile = [
        '20,"2026-04-11 00:00:05,3,0,70.9,8640005,100,0,0',
        "21,2026-04-11 00:00:05,3,99999999999999999999,70.9,8640005,100,0,0",
        "22,2026-04-11 00:00:05,3,0,7e1,8640005,100,0,0",
        "23,2026-04-11 00:00:05,3,0,0.29,8640005,100,0,0",
        "24,2026-04-11 00:00:05,3,0,1.005,8640005,100,0,0",
        "25,2026-04-11 00:00:05,3,0,1.00,8640005,100,2,0",
        "26,2026-04-11 00:00:05,3,0,1.00,8640006,100,0,0",
    ]
    (tmp_path / f"{DAY}.txt").write_text(HEADER + "\n".join(hostile) + "\n" + ROWS)

    assert live_rows(tmp_path, DAY) == [*EXPECTED, LiveRow(23, MIDNIGHT + 5, 3, 0, 29, is_fraud=False)]


def test_change_multiplies_honest_amounts_only():
    """The change multiplies honest amounts, and frauds stay as they were."""
    assert [row.amount for row in changed(EXPECTED, 3)] == [1_500, 25_000, 21_270]


@pytest.mark.parametrize(("is_simulated", "amounts"), [(True, [7_090]), (False, [21_270])], ids=["simulated", "own"])
def test_only_own_files_are_changed_by_the_run(tmp_path, is_simulated, amounts):
    """The simulator has changed the customers of its files; those of own files spend more from the onset on."""
    plan = make_plan(DAY - dt.timedelta(days=101), 100, is_simulated=is_simulated)
    folder = live_folder(tmp_path)
    folder.mkdir(parents=True)
    (folder / f"{DAY}.txt").write_text(HEADER + ROWS.splitlines()[0] + "\n")
    stage = Stage(None, tmp_path, plan, None, None)
    assert plan.onset == DAY
    assert [row.amount for row in stage.rows_of(DAY)] == amounts


def test_a_day_without_rows_is_named(tmp_path):
    """A day without rows is refused, whether it lies after the last file or before the first."""
    (tmp_path / f"{DAY}.txt").write_text(HEADER + ROWS)
    with pytest.raises(MissingDay, match=r"no row of 2026-04-12: add its raw file, or give fewer --days"):
        live_rows(tmp_path, dt.date(2026, 4, 12))
    with pytest.raises(MissingDay, match=r"begins after 2026-04-10"):
        live_rows(tmp_path, dt.date(2026, 4, 10))


def test_two_files_of_one_day_are_refused(tmp_path):
    """A plain and a compressed file that begin on the same day are refused."""
    for name in ("2026-04-11.txt", "2026-04-11.txt.gz"):
        (tmp_path / name).touch()
    with pytest.raises(RawFileError, match=r"11\.txt and 2026-04-11\.txt\.gz both begin on 2026-04-11"):
        raw_files(tmp_path)


def test_live_days_follow_the_history():
    """Business time begins when the first live day is over."""
    plan = make_plan(dt.date(2026, 1, 1), 100)
    assert (plan.last, plan.live[0], plan.live[-1]) == (dt.date(2026, 4, 10), DAY, dt.date(2026, 4, 14))
    assert plan.business_start == dt.datetime(2026, 4, 12, tzinfo=dt.UTC).timestamp()


def test_the_new_release_has_learnt_the_change():
    """Half of its train window lies after the change."""
    plan = make_plan(dt.date(2026, 1, 1), 100, is_simulated=True, way_back=True)
    train, select, certify = plan.windows
    select_begins = plan.retrained - dt.timedelta(days=LABEL_DELAY_DAYS + select + certify - 1)
    assert select_begins - plan.onset == dt.timedelta(days=train // 2) + ONE_DAY


def test_a_history_too_short_for_any_model_is_refused():
    """A history that is too short is refused, and the error says how many days are needed."""
    with pytest.raises(MissingDay, match="49 days of history were found, 50 are needed"):
        make_plan(DAY, 49)

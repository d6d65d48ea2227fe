"""`simulate` writes the raw format to the byte, reproducibly, with a truth that equals the files."""

import dataclasses
import datetime as dt
import json
import re
from collections import Counter

import pytest

from jobs.simulate import parser, world_of
from jobs.simulator.config import DefectRates
from jobs.simulator.presets import PRESETS
from jobs.simulator.run import Run, simulate

HEADER = (
    "# tranaction_id | tx_datetime | customer_id | terminal_id | tx_amount"
    " | tx_time_seconds | tx_time_days | tx_fraud | tx_fraud_scenario"
)
GOOD_ROW = re.compile(r"\d+,\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+,\d+,\d+\.\d\d,\d+,\d+,[01],[0-3]")
OFTEN = DefectRates(0.01, 0.01, 0.01, 0.01, 0.01, 0.01)
WORLD = dataclasses.replace(PRESETS["small"], defects=OFTEN)


def run(folder, **how):
    simulate(Run(WORLD, folder / "feed", folder / "truth", **{"days": 3, **how}))
    return {path.name: path.read_text() for path in sorted((folder / "feed").iterdir())}


def truth(folder):
    return json.loads((folder / "truth" / "manifest.json").read_text())


def defect_of(line):
    """Return the defect that a reader sees in one line, apart from duplicates, or None."""
    fields = line.split(",")
    if len(fields) != 9 or not re.fullmatch(r"\d+\.\d\d", fields[4]):
        return "unparsable"
    if fields[3] in {"Err", "None", ""}:
        return "terminal_invalid"
    if fields[2] == "-999999":
        return "customer_invalid"
    if fields[4] == "0.00":
        return "amount_not_positive"
    return "midnight" if fields[1].endswith("24:00:00") else None


def found(lines):
    """Return the defects of a day, counted by reading its lines."""
    kinds = Counter(defect_of(line) for line in lines)
    ids = [line.split(",")[0] for line in lines]
    return {**kinds, "duplicate": len(ids) - len(set(ids))}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    return folder, run(folder)


def test_a_file_is_the_raw_format(world):
    """Each day has one file, with the misspelt header of the contract and nine fields in every good row."""
    _, files = world

    assert list(files) == ["2026-01-01.txt", "2026-01-02.txt", "2026-01-03.txt"]
    for text in files.values():
        header, *lines = text.removesuffix("\n").split("\n")
        assert header == HEADER
        assert all(GOOD_ROW.fullmatch(line) for line in lines if defect_of(line) is None)


def test_chains_are_a_tenth_column_beside_the_same_rows(world, tmp_path):
    """A world with chains names one of them in every whole row, of twelve digits, and else has the same rows."""
    chained = dataclasses.replace(WORLD, chains=4)
    simulate(Run(chained, tmp_path / "feed", tmp_path / "truth", days=1))
    header, *lines = (tmp_path / "feed" / "2026-01-01.txt").read_text().splitlines()

    assert header == f"{HEADER} | terminal_group_id"
    whole = [line for line in lines if line.count(",") == 9]
    assert {line.rpartition(",")[2] for line in whole} == {f"30000000000{chain}" for chain in range(4)}
    assert len(whole) > 0.97 * len(lines)
    parts = [line.rpartition(",")[0] if line.count(",") == 9 else line for line in lines]
    assert parts == world[1]["2026-01-01.txt"].splitlines()[1:]


def test_time_columns_agree(world):
    """In good rows, the printed time is the world's start plus the seconds, and the day is their quotient."""
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    for line in world[1]["2026-01-02.txt"].splitlines()[1:]:
        if defect_of(line) is None:
            _, moment, _, _, _, seconds, day, _, _ = line.split(",")
            assert moment == f"{start + dt.timedelta(seconds=int(seconds)):%Y-%m-%d %H:%M:%S}"
            assert int(day) == int(seconds) // 86_400


def test_a_midnight_row_is_printed_under_the_day_before(world):
    """A midnight row has the right seconds, but its date says 24:00:00 and its day is one too small."""
    lines = [line for line in world[1]["2026-01-02.txt"].splitlines() if " 24:00:00" in line]

    assert lines
    for line in lines:
        _, moment, _, _, _, seconds, day, _, _ = line.split(",")
        assert (moment, seconds, day) == ("2026-01-01 24:00:00", "86400", "0")


def test_the_truth_counts_what_the_files_hold(world):
    """The truth counts each injected defect of each day as a reader does, and clean and quarantined rows add up."""
    folder, files = world
    days = truth(folder)["days"]

    for name, text in files.items():
        day, seen = days[name.removesuffix(".txt")], found(text.splitlines()[1:])
        assert day["quarantined"] == {reason: seen.get(reason, 0) for reason in day["quarantined"]}
        assert day["midnight_repaired"] == seen.get("midnight", 0)
        assert day["rows"] == len(text.splitlines()) - 1 == day["clean"] + sum(day["quarantined"].values())
        assert min(day["quarantined"].values()) > 0


def test_the_truth_knows_the_fraud_of_the_rows_that_ingest_keeps(world):
    """The truth's fraud of a month equals a sum over the good lines, in which repeated ids count once."""
    folder, files = world
    rows, amount, seen = 0, 0, set()
    for line in (line for text in files.values() for line in text.splitlines()[1:]):
        fields = line.split(",")
        if defect_of(line) in {None, "midnight"} and fields[0] not in seen:
            seen.add(fields[0])
            rows += fields[7] == "1"
            amount += int(fields[4].replace(".", "")) * (fields[7] == "1")

    month = truth(folder)["months"]["2026-01"]
    assert (month["fraud_rows"], month["fraud_amount"]) == (rows, amount)
    assert month["clean"] == len(seen)
    assert month["fraud_share"] == pytest.approx(rows / len(seen), abs=1e-6)


def test_writing_again_gives_the_same_bytes(world, tmp_path):
    """A second run writes the same files and truth, and leaves no temporary file."""
    folder, files = world

    assert run(tmp_path) == files
    assert truth(tmp_path) == truth(folder)


def test_a_world_is_continued_later(world, tmp_path):
    """Days written in two runs, and their truth, equal those written in one run."""
    run(tmp_path, days=2)

    assert run(tmp_path, days=1, first_day=2) == world[1]
    assert truth(tmp_path) == truth(world[0])


def test_thirty_days_in_a_file_hold_the_same_rows(tmp_path, world):
    """One file of thirty days holds the rows of the daily files; rows without a usable time count on its first day."""
    (text,) = run(tmp_path, days_per_file=30).values()
    days = truth(tmp_path)["days"]
    cut = {name: sum(line.count(",") < 8 for line in text.splitlines()[1:]) for name, text in world[1].items()}

    assert text.splitlines()[1:] == [line for part in world[1].values() for line in part.splitlines()[1:]]
    assert sum(day["rows"] for day in days.values()) == len(text.splitlines()) - 1
    assert days["2026-01-03"]["rows"] == len(world[1]["2026-01-03.txt"].splitlines()) - 1 - cut["2026-01-03.txt"]


def test_the_command_line_changes_the_preset():
    """The command line changes a preset, and terminals follow the number of customers."""
    arguments = "--out x --days 1 --preset small --customers 1000 --sparse-ids --change 2026-02-01 --midnight 0.001"
    config = world_of(parser().parse_args([*arguments.split(), "--price-level", "0.5"]))

    assert (config.customers, config.terminals, config.sparse_ids) == (1_000, 800, True)
    assert (config.change.kind, config.change.day) == ("spend3x", dt.date(2026, 2, 1))
    assert config.price_level == 0.5
    assert config.defects == dataclasses.replace(PRESETS["small"].defects, midnight=0.001)

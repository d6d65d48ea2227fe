"""Settings are read once, are typed, and never repeat a value that does not parse."""

import re
from pathlib import Path

import pytest

from antifraud.errors import SettingsError
from antifraud.features.buckets import LONGEST_WINDOW_DAYS
from antifraud.settings.core import JobSettings
from antifraud.settings.dags import DagSettings
from antifraud.settings.ranges import range_of, type_without_range
from antifraud.settings.serving import GuardSettings, ScorerSettings
from antifraud.stats.loss import MIN_DAYS
from antifraud.stats.threshold import MIN_BLOCKS
from jobs.rows.windows import SHORTEST_CERTIFY_DAYS

ROOT = Path(__file__).resolve().parents[3]
KINDS = (JobSettings, ScorerSettings, GuardSettings, DagSettings)
OF_FLOATS = [
    "fpr_limit", "quarantine_limit", "volume_error", "declared_fraud_share", "fraud_share_error", "fraud_month_sd",
    "fpr_target", "attainable_value_recall", "delta", "delta_a_year", "margin_fpr", "poll_seconds", "interval_seconds",
    "store_wait_seconds", "guard_lease_seconds", "warn_error_share", "warn_p99_seconds", "warn_state_hours",
    "warn_parity_share", "warn_store_fill", "warn_shipper_seconds", "warn_fraud_share",
]  # fmt: skip
RANGES = {
    name: range_of(field.type)
    for kind in KINDS
    for name, field in kind.__dataclass_fields__.items()
    if range_of(field.type)
}
"""Range of every setting that has one, by its name."""


def read(name, value):
    """Read a value as the process with this setting does."""
    kind = next(kind for kind in KINDS if name in kind.__dataclass_fields__)
    return getattr(kind.from_environment({f"ANTIFRAUD_{name.upper()}": value}), name)


def test_defaults_need_no_environment():
    """By default everything lies below var."""
    settings = JobSettings.from_environment({})

    assert settings.raw_path == Path("var/raw/feed").resolve()
    assert settings.lake_catalog_uri.startswith("sqlite:////")


def test_variables_are_parsed_by_type():
    """Paths, integers and floats are parsed as such."""
    environ = {"ANTIFRAUD_HOME": "/srv/af", "ANTIFRAUD_LABEL_DELAY_DAYS": "9", "ANTIFRAUD_QUARANTINE_LIMIT": "0.01",
               "ANTIFRAUD_RAW_DIR": "/data/raw", "PATH": "/bin"}  # fmt: skip
    settings = JobSettings.from_environment(environ)

    assert (settings.home, settings.raw_path) == (Path("/srv/af"), Path("/data/raw"))
    assert (settings.label_delay_days, settings.quarantine_limit) == (9, 0.01)


def test_a_malformed_value_is_named_but_not_shown():
    """A secret put into the wrong variable is not echoed."""
    with pytest.raises(SettingsError, match="ANTIFRAUD_SEED is not a valid int") as caught:
        JobSettings.from_environment({"ANTIFRAUD_SEED": "hunter2"})
    assert "hunter2" not in str(caught.value)


def test_secrets_lie_in_files_of_their_own_zone():
    """The key ring lies in the raw zone, the scorer's secrets outside it."""
    assert JobSettings(home=Path("/h")).keyring_path == Path("/h/raw/secrets/keyring.json")
    assert ScorerSettings(home=Path("/h")).access_path == Path("/h/secrets/access.json")


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_file_lists_every_setting(kind):
    """`.env.example` names each variable of each process."""
    example = (ROOT / ".env.example").read_text()

    assert [f for f in kind.__dataclass_fields__ if f"ANTIFRAUD_{f.upper()}=" not in example] == []


def test_every_number_has_a_range():
    """A new numeric setting without a range fails here."""
    numbers = (int, float, int | None, float | None)
    types = {name: field.type for kind in KINDS for name, field in kind.__dataclass_fields__.items()}

    assert {name for name, kind in types.items() if type_without_range(kind) in numbers} == set(RANGES)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "-0.001", "1e300"])
@pytest.mark.parametrize("name", OF_FLOATS)
def test_no_float_is_taken_that_is_no_number_or_out_of_range(name, value):
    """NaN compares as false with everything, so a limit of NaN would never bind."""
    with pytest.raises(SettingsError, match=re.escape(f"ANTIFRAUD_{name.upper()} is {float(value)}: expected ")):
        read(name, value)


@pytest.mark.parametrize("name", sorted(set(RANGES) - set(OF_FLOATS) - {"clock_offset_seconds"}))
def test_no_count_is_negative_or_beyond_every_machine(name):
    """Negative days, rows, seconds and amounts are refused, and so are numbers beyond dates and 64 bits."""
    for value in ("-1", str(10**40)):
        with pytest.raises(SettingsError, match=f"ANTIFRAUD_{name.upper()} is {value}: expected "):
            read(name, value)


@pytest.mark.parametrize(
    ("name", "refused", "taken", "expected"),
    [
        ("clock_offset_seconds", "3155760001", "-3155760000", "-3,155,760,000 to 3,155,760,000"),
        ("label_delay_days", "-1", "0", "0 to 3,650"),
        ("state_keep_days", "30", "31", "31 to 3,650"),
        ("train_days", "0", "1", "1 to 3,650"),
        ("select_days", "6", "7", "7 to 3,650"),
        ("certify_days", "13", "14", "14 to 3,650"),
        ("declared_transactions_a_month", "-5", "0", "0 to 1,000,000,000,000"),
        ("alerts_a_day", "0", "1", "1 to 1,000,000,000"),
        ("delta_a_year", "-1", "0", "a share from 0 to 1, such as 0.05 for 5 %"),
        ("volume_error", "3", "1", "a share from 0 to 1, such as 0.05 for 5 %"),
        ("delta", "0", "0.0001", "a share between 0 and 0.5, such as 0.01 for 1 %"),
        ("delta", "0.5", "0.49", "a share between 0 and 0.5, such as 0.01 for 1 %"),
        ("seed", "4294967296", "4294967295", "0 to 4,294,967,295"),
        ("s3_attempts", "0", "1", "1 to 100"),
        ("poll_seconds", "0", "0.001", "0.001 to 86,400"),
        ("retry_after_seconds", "-1", "0", "0 to 86,400"),
    ],
)
def test_an_end_of_a_range_is_taken_and_what_lies_beyond_is_not(name, refused, taken, expected):
    """Both ends are accepted; beyond them, one line says what was found and what was expected."""
    assert read(name, taken) == float(taken)
    with pytest.raises(SettingsError) as caught:
        read(name, refused)
    value = float(refused) if name in OF_FLOATS else int(refused)
    assert str(caught.value) == f"ANTIFRAUD_{name.upper()} is {value}: expected {expected}; correct it or unset it"
    assert caught.value.exit_code == 10


def test_the_shortest_windows_are_those_that_the_statistics_need():
    """With shorter windows a night would train and then fail to be judged."""
    assert RANGES["select_days"].least == MIN_BLOCKS == 7
    assert RANGES["certify_days"].least == SHORTEST_CERTIFY_DAYS == MIN_DAYS == 14
    assert RANGES["state_keep_days"].least == LONGEST_WINDOW_DAYS + 1 == 31

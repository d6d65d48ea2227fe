"""Settings are read once, typed, and never repeat what they could not parse."""

from pathlib import Path

import pytest

from antifraud.errors import SettingsError
from antifraud.settings import GuardSettings, JobSettings, ScorerSettings

ROOT = Path(__file__).resolve().parents[2]


def test_defaults_need_no_environment():
    """Everything lies below var unless said otherwise."""
    settings = JobSettings.from_environment({})

    assert settings.raw_path == Path("var/raw/feed").resolve()
    assert settings.lake_catalog_uri.startswith("sqlite:////")


def test_variables_are_parsed_by_type():
    """Paths, integers and floats come as such."""
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
    """The key ring lies in the raw zone, the scorer's secrets do not."""
    assert JobSettings(home=Path("/h")).keyring_path == Path("/h/raw/secrets/keyring.json")
    assert ScorerSettings(home=Path("/h")).access_path == Path("/h/secrets/access.json")


@pytest.mark.parametrize("kind", [JobSettings, ScorerSettings, GuardSettings])
def test_the_example_file_lists_every_setting(kind):
    """`.env.example` names each variable of each process."""
    example = (ROOT / ".env.example").read_text()

    assert [f for f in kind.__dataclass_fields__ if f"ANTIFRAUD_{f.upper()}=" not in example] == []

"""Accounts: a user and a password in a file that only its owner can read."""

from dataclasses import dataclass, field
from pathlib import Path

from antifraud.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Account:
    """A user and the password."""

    user: str
    password: str = field(repr=False)


def load_account(path: Path) -> Account:
    """Read an account file; lines that begin with ``#`` are comments.

    Raises:
        SettingsError: The file is missing, readable by others, or lacks a line.
    """
    if not path.is_file():
        raise SettingsError(f"no account file at {path}: write one with the lines user= and password=, mode 0600")
    if path.stat().st_mode & 0o077:
        raise SettingsError(f"the account file {path} is readable by other users: run chmod 600 on it")
    lines = [line.strip() for line in path.read_text().splitlines()]
    values = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    if missing := [name for name in ("user", "password") if not values.get(name)]:
        raise SettingsError(f"the account file {path} lacks {' and '.join(f'{name}=' for name in missing)}: add it")
    return Account(values["user"], values["password"])

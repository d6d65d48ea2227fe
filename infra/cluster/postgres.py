"""Start a private PostgreSQL for the Iceberg catalog on this machine."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from antifraud.errors import SettingsError
from infra.cluster.processes import HOST, Server, new_account, wait_until
from infra.local.ports import free_port

DEBIAN: Final = Path("/usr/lib/postgresql")
SYSTEM_USER: Final = "postgres"
"""User of Debian's package: PostgreSQL refuses to run as root."""
DATABASE: Final = "lake"


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running PostgreSQL with one database and an account that owns it."""

    uri: str
    account_file: Path
    server: Server

    def stop(self) -> None:
        """Stop the server."""
        self.server.stop()


def start_postgres(folder: Path, account_file: Path) -> Postgres:
    """Create a database cluster in `folder` and start it on a free port.

    The folder is new, and the user postgres can enter it.

    Raises:
        SettingsError: PostgreSQL is not installed, or did not start.
    """
    binaries, port = find_binaries(), free_port()
    own = os.geteuid() != 0
    if not own:
        shutil.chown(folder, SYSTEM_USER)
    admin = new_account(folder / "admin.account", SYSTEM_USER)
    secret = folder / "admin.password"
    secret.touch(0o600)
    secret.write_text(admin.password)
    if not own:
        shutil.chown(secret, SYSTEM_USER)
    data = str(folder / "data")
    login = [f"--username={SYSTEM_USER}", f"--pwfile={secret}", "--auth=scram-sha-256", "--no-sync"]
    _run(own, [str(binaries / "initdb"), "--pgdata", data, *login])
    options = {"port": port, "listen_addresses": HOST, "unix_socket_directories": folder, "max_connections": 200}
    command = [str(binaries / "postgres"), "-D", data, *(f"--{name}={value}" for name, value in options.items())]
    log = folder / "postgres.log"
    server = Server.start("postgres", _as_user(own, command), log, dict(os.environ))
    # It listens before it is ready, and refuses early clients: "the database system is starting up".
    asked = [str(binaries / "pg_isready"), "--quiet", f"--host={HOST}", f"--port={port}"]
    try:
        wait_until(server, lambda: subprocess.run(asked, check=False).returncode == 0, log)
        _make_database(port, admin.password, account_file)
    except BaseException:
        server.stop()
        raise
    return Postgres(f"postgresql+psycopg2://{HOST}:{port}/{DATABASE}", account_file, server)


def find_binaries() -> Path:
    """Return the folder of initdb, pg_isready and postgres.

    Raises:
        SettingsError: PostgreSQL is not installed.
    """
    found = shutil.which("postgres")
    folders = [Path(found).resolve().parent] if found else sorted(DEBIAN.glob("*/bin"), reverse=True)
    if not folders:
        raise SettingsError("PostgreSQL is not installed: apt-get install postgresql (macOS: brew install postgresql)")
    return folders[0]


def _as_user(own: bool, command: Sequence[str]) -> list[str]:  # noqa: FBT001 - private, called by name above
    return list(command) if own else ["setpriv", f"--reuid={SYSTEM_USER}", f"--regid={SYSTEM_USER}", "--init-groups",
                                      *command]  # fmt: skip


def _run(own: bool, command: Sequence[str]) -> None:  # noqa: FBT001 - private, called by name above
    done = subprocess.run(_as_user(own, command), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SettingsError(f"{Path(command[0]).name} failed: {done.stderr.strip()}")


def _make_database(port: int, password: str, account_file: Path) -> None:
    """Create the catalog's database, and a role that owns it and nothing else."""
    import psycopg2
    from psycopg2 import sql

    account = new_account(account_file, DATABASE)
    names = {"role": sql.Identifier(account.user), "database": sql.Identifier(DATABASE)}
    login = {"dbname": "postgres", "user": SYSTEM_USER, "password": password}
    connection = psycopg2.connect(host=HOST, port=port, **login)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("CREATE ROLE {role} LOGIN PASSWORD %s").format(**names), [account.password])
            cursor.execute(sql.SQL("CREATE DATABASE {database} OWNER {role}").format(**names))
    finally:
        connection.close()

"""Generate docs/cloud.md from the Terraform files: who may do what and why, and where settings come from."""

from collections.abc import Iterator
from typing import Any, Final

from docs.settings_page import NOTICE
from infra.terraform.check.literals import local_texts, local_value
from infra.terraform.check.project import Project, read_files
from infra.terraform.check.settings import ELSEWHERE

RIGHTS: Final = "modules/rights"
PLATFORM: Final = "modules/platform"
OUTPUTS: Final = {
    "lake_settings": "`airflow_settings`, `cluster_description`",
    "airflow_settings": "`airflow_settings`",
    "cluster_settings": "`cluster_description`",
    "scorer_settings": "`scorer_settings`",
}
"""Local values with settings, and the outputs that have them."""
WHO: Final = (
    "## Who may do what, and why\n\nNobody else has a right that Terraform gives. No account may read the audit trail. "
    "Raw files are readable with the storage key of `raw` alone.\n"
)
ROLES: Final = {"key_rights": "kms.keys.encrypterDecrypter", "secret_rights": "lockbox.payloadViewer"}


def cloud_page() -> str:
    """Return docs/cloud.md."""
    project = Project(read_files())
    accounts = local_value(project, "modules/accounts", "accounts")
    rows = [row for name in accounts for row in _rights_of(project, name)]
    return "\n".join(
        [
            f"# Rights and settings in the cloud\n\n{NOTICE}From `infra/terraform`.\n",
            "## Service accounts\n",
            _table(("account", "what it does"), [(f"`{name}`", text) for name, text in accounts.items()]),
            WHO,
            _table(("account", "role", "on", "why"), rows),
            "## Settings of processes\n\nHosts get these as their environment, and `terraform output` shows them.\n",
            _table(("setting", "output", "value"), list(_settings(project))),
        ]
    )


def _rights_of(project: Project, account: str) -> Iterator[tuple[str, ...]]:
    for kind in ("folder_rights", "bucket_rights", "key_rights", "secret_rights"):
        for entry in local_value(project, RIGHTS, kind).values():
            if account in entry.get("accounts", [entry.get("account")]):
                yield f"`{account}`", f"`{entry.get('role') or ROLES[kind]}`", _object(entry), entry["why"]


def _object(entry: dict[str, Any]) -> str:
    found = next((kind for kind in ("bucket", "key", "secret") if kind in entry), None)
    return f"{found} `{entry[found]}`" if found else "the folder"


def _settings(project: Project) -> Iterator[tuple[str, ...]]:
    for local, outputs in OUTPUTS.items():
        for name, text in local_texts(project, PLATFORM, local).items():
            yield f"`{name}`", outputs, f"`{text}`"
    for name, reason in ELSEWHERE.items():
        yield f"`ANTIFRAUD_{name}`", "none", reason


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(cells)} |" for cells in (head, ("---",) * len(head), *rows)]
    return "\n".join(lines) + "\n"

"""Write the documents that are generated from code: `python -m docs.generate`.

`tests/docs/test_generated.py` fails while one of them is stale.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from antifraud import errors
from antifraud.api.openapi import openapi_text
from antifraud.api.problems import KINDS, TYPE_PREFIX
from antifraud.compute import errors as of_clusters
from antifraud.features.registry import FEATURE_NAMES, REGISTRY, feature_set_hash
from antifraud.lake.raw_defects import DEFECTS
from antifraud.lake.schemas import RAW, TABLES
from antifraud.lake.table_format import Table
from antifraud.policy import errors as of_policies
from docs.cloud_page import cloud_page
from docs.costs.page import cost_page
from docs.settings_page import NOTICE, example_file, settings_page

ROOT: Final = Path(__file__).resolve().parents[1]


def table_page() -> str:
    """Return docs/tables.md, from `antifraud.lake.schemas`."""
    parts = [
        "# Tables\n\n"
        + NOTICE
        + "Apache Iceberg tables in the namespace `antifraud`, and the raw files that they are made from, as "
        "`antifraud/lake/schemas.py` declares them.\n"
    ]
    return "\n".join([*parts, _raw_files(), *(_table(table) for table in TABLES)])


def _raw_files() -> str:
    rows = "\n".join(
        f"| `{c.name}` | `{c.type}` | {c.meaning} | {c.unit} | `{c.shape}` | {_defects(c.name)} | {c.sensitivity} |"
        for c in RAW.all_columns
    )
    head = ("column", "type", "meaning", "unit", "text", "quarantined as", "class")
    return (
        "## Raw files\n\nText in UTF-8: a header, then one transaction a line, with columns separated by commas. "
        "Quotes have no meaning. A byte-order mark, carriage returns before line feeds and NULs at the end of the file "
        f"are accepted. A file with another header is refused, {_defects_of_lines()}. The header is\n\n"
        f"    {RAW.header}\n\n{_optional()}\n\n| {' | '.join(head)} |\n|{' --- |' * len(head)}\n{rows}\n"
    )


def _optional() -> str:
    names = ", ".join(f"`{column.name}`" for column in RAW.optional)
    return f"A source that has more to tell adds ` | ` and the name of the further column to the header: {names}."


def _defects(column: str) -> str:
    return "; ".join(f"`{defect.reason}`: {defect.meaning}" for defect in DEFECTS if defect.column == column)


def _defects_of_lines() -> str:
    return ", ".join(f"{defect.meaning} is `{defect.reason}`" for defect in DEFECTS if defect.column is None)


def _table(table: Table) -> str:
    rows = "\n".join(
        f"| `{c.name}` | {_short_type(c.type)} | {c.meaning} | {c.unit} | {c.null or 'never'} | {c.sensitivity} |"
        for c in table.columns
    )
    by = ", ".join(f"`{name}`" for name in table.partition_by) or "nothing"
    head = "| column | type | meaning | unit | null means | class |\n| --- | --- | --- | --- | --- | --- |"
    return f"## {table.name}\n\n{table.meaning} Partitioned by {by}.\n\n{head}\n{rows}\n"


def _short_type(text: str) -> str:
    return f"`{text.partition('<')[0]}`" + (" of buckets" if "tx_count" in text else "")


def feature_page() -> str:
    """Return docs/features.md, from `antifraud.features.registry`."""
    rows = "\n".join(
        f"| `{f.name}` | {f.entity} | {f.window or ''} | {f.unit} | {f.null or 'never'} | {f.meaning} |"
        for f in REGISTRY
    )
    return (
        f"# Features\n\n{NOTICE}Feature set `{feature_set_hash()}`, {len(FEATURE_NAMES)} features in the order of the "
        "vector, from `antifraud/features/registry.py`.\n\n"
        "| name | entity | window, days | unit | null means | meaning |\n"
        f"| --- | --- | --- | --- | --- | --- |\n{rows}\n"
    )


def error_page() -> str:
    """Return docs/errors.md, from the classes of `antifraud.errors` and of the errors of clusters and policies."""
    rows = "\n".join(
        f"| {error.exit_code} | `{error.__name__}` | {kind} | {' '.join((error.__doc__ or '').split())} |"
        for error, kind in sorted(_kinds(errors.AntifraudError), key=lambda found: found[0].exit_code)
    )
    return (
        f"# Exit codes\n\n{NOTICE}Every expected failure ends a process with a code of its own and one line that says "
        "what was found, what was expected and what to do next. Codes 63 to 67 and 83 are caught by scorer and guard, "
        "71 to 74 by callers of the SDK, so they end no process of the platform. Anything else is a defect and shows "
        "its traceback. The [runbook](runbook.md) has the remedies.\n\n"
        f"| code | error | kind of | meaning |\n| --- | --- | --- | --- |\n{rows}\n"
    )


def _kinds(error: type[errors.AntifraudError]) -> Iterator[tuple[type[errors.AntifraudError], str]]:
    """Yield each class of the three modules below `error` with the name of what it is a kind of."""
    for kind in error.__subclasses__():
        if kind.__module__ in {errors.__name__, of_clusters.__name__, of_policies.__name__}:
            yield kind, "" if error is errors.AntifraudError else f"`{error.__name__}`"
            yield from _kinds(kind)


def problem_page() -> str:
    """Return docs/problems.md, from `antifraud.api.problems`."""
    rows = "\n".join(
        f"| `{TYPE_PREFIX}{name}` | {kind.status} | {kind.title} | {kind.meaning} | {kind.remedy} |"
        for name, kind in KINDS.items()
    )
    return (
        f"# Problems\n\n{NOTICE}Every refusal of the scorer is a document of RFC 9457 with the content type "
        "`application/problem+json`. Its `type` is one of these, and keeps its meaning for ever. `detail` says more, "
        "`field` names the part of the request at fault, and `request_id` finds the request in the log.\n\n"
        f"| type | status | title | meaning | what a client does |\n| --- | --- | --- | --- | --- |\n{rows}\n"
    )


def dag_page() -> str:
    """Return docs/dags.md, from the docstrings of the DAG files, which operators also see in Airflow."""
    pages = [ast.get_docstring(ast.parse(path.read_text())) or "" for path in sorted((ROOT / "dags").glob("*.py"))]
    found = [_demoted(page) for page in pages if page.startswith("# ")]
    return "# DAGs\n\n" + NOTICE + "\n\n".join(found) + "\n"


def _demoted(page: str) -> str:
    return "\n".join("#" + line if line.startswith("#") else line for line in page.splitlines())


PAGES: Final = {
    "docs/tables.md": table_page,
    "docs/features.md": feature_page,
    "docs/dags.md": dag_page,
    "docs/errors.md": error_page,
    "docs/problems.md": problem_page,
    "docs/openapi.json": openapi_text,
    "docs/settings.md": settings_page,
    "docs/cloud.md": cloud_page,
    "docs/cost.md": cost_page,
    ".env.example": example_file,
}
"""Generators by the path of their page in the project."""


def main() -> None:
    """Write every generated page."""
    for name, page in PAGES.items():
        (ROOT / name).write_text(page())


if __name__ == "__main__":
    main()

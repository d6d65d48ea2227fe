"""Keep measured figures: one entry each in `bench/results.json`, and the page `bench/RESULTS.md` made from it."""

import datetime as dt
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

RESULTS: Final = Path(__file__).parent / "results.json"
PAGE: Final = Path(__file__).parent / "RESULTS.md"
KIB_IN_GIB: Final = 1 << 20
HEAD: Final = """# Results

Each command measures its figures and writes them here. Never edit this page by hand.

| figure | value | spread | beside | command | machine | date |
| --- | --- | --- | --- | --- | --- | --- |
"""


def record(
    name: str,
    value: float,
    unit: str,
    command: str,
    baseline: str | None = None,
    spread: Sequence[float] | None = None,
    commit: str | None = None,
) -> None:
    """Merge one figure into the results and write the page anew.

    Args:
        name: Dotted name, such as ``gate.np_violations``; an entry of this name is replaced.
        value: What was measured, in `unit`.
        unit: Unit of `value` and `spread`; "1" for a share or ratio.
        command: What a reader runs to measure it again.
        baseline: What it is compared with, if anything.
        spread: Lowest and highest of the repetitions, if there were any.
        commit: Full hash of the commit that was measured, where a reader needs to know.
    """
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    entry = {
        "name": name,
        "value": value,
        "unit": unit,
        "command": command,
        "baseline": baseline,
        "spread": list(spread) if spread is not None else None,
        "machine": machine(),
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
    } | ({"commit": commit} if commit else {})
    entries = sorted([*(old for old in known if old["name"] != name), entry], key=lambda each: each["name"])
    _replace(RESULTS, json.dumps(entries, indent=2, ensure_ascii=False) + "\n")
    _replace(PAGE, HEAD + "".join(_row(each) for each in entries))
    print(f"{name} = {value:.6g} {unit}")


def machine() -> str:
    """Return cores and memory of this machine."""
    kib = int(Path("/proc/meminfo").read_text().split()[1])
    return f"{os.cpu_count()} cores, {kib / KIB_IN_GIB:.0f} GB"


def _row(entry: dict[str, Any]) -> str:
    spread = "-" if entry["spread"] is None else " to ".join(f"{value:.4g}" for value in entry["spread"])
    unit = "" if entry["unit"] == "1" else f" {entry['unit']}"
    return (
        f"| {entry['name']} | {entry['value']:.6g}{unit} | {spread} | {entry['baseline'] or '-'} "
        f"| `{entry['command']}` | {entry['machine']} | {entry['date']} |\n"
    )


def _replace(path: Path, text: str) -> None:
    fresh = path.with_suffix(path.suffix + ".new")
    fresh.write_text(text)
    fresh.replace(path)

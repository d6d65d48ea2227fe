"""Summarise a run: `summary.json` for programs, one screen for people."""

import datetime as dt
import json
from collections import Counter
from pathlib import Path
from typing import Any, Final

from antifraud.files import replace_file
from antifraud.lake import catalog as lake
from antifraud.settings.core import JobSettings
from infra.local.progress import clock_face
from infra.local.verdict import verdict_lines
from jobs.leak.report import Unsearchable

MEGABYTE: Final = 1 << 20


def lake_counts(settings: JobSettings, first: dt.date, last: dt.date) -> dict[str, Any]:
    """Return the rows of every published day, as ingest counted them, and their sums."""
    days = {str(day): counts for day, counts in lake.ingested(lake.open_catalog(settings), first, last).items()}
    quarantined: Counter[str] = Counter()
    for counts in days.values():
        quarantined.update(counts["quarantined"])
    return {
        "rows_in": sum(counts["rows_in"] for counts in days.values()),
        "clean": sum(counts["clean"] for counts in days.values()),
        "quarantined": dict(sorted(quarantined.items())),
        "days": days,
    }


def leak_report(home: Path, day: dt.date) -> dict[str, Any]:
    """Return the leak scan's report of `day`: searched identifiers, findings, and what could not be searched."""
    report: dict[str, Any] = json.loads((home / "reports" / str(day) / "leaks.json").read_text())
    return report


def save_summary(home: Path, summary: dict[str, Any]) -> None:
    """Write ``<home>/summary.json``, the gate's report in the form of `report.json`."""
    report = summary["verdict"]
    replace_file(home / "summary.json", json.dumps({**summary, "verdict": report and report.to_dict()}, indent=2))


def render(summary: dict[str, Any]) -> str:
    """Return the summary as text for people."""
    blocks = (_lake, _model, _live, _recovery, _monitor, _parts, _addresses)
    return "\n".join(line for block in blocks for line in block(summary))


def _lake(summary: dict[str, Any]) -> list[str]:
    counts = summary["lake"]
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in counts["quarantined"].items())
    quarantined = sum(counts["quarantined"].values())
    return [
        "",
        "LAKE",
        f"  {len(counts['days'])} days, rows in {counts['rows_in']:,} = clean {counts['clean']:,} + {quarantined:,}",
        f"  quarantined by reason: {reasons}",
    ]


def _model(summary: dict[str, Any]) -> list[str]:
    lines = verdict_lines(summary["verdict"])
    return ["MODEL", *(f"  {line}" for line in lines), f"  release {summary['release'] or 'none'}"]


def _live(summary: dict[str, Any]) -> list[str]:
    if not summary["release"]:
        return ["LIVE", "  nothing was sent: without a release the scorer refuses every request"]
    calm, trip = summary["ordinary_day"], summary["guard"]
    return [
        "LIVE",
        f"  an ordinary day: {_decisions(calm)}, the guard stayed quiet",
        f"  after the change: {_decisions(trip)}, suspended by {trip['by']} after {trip['labels']:,} labels",
        f"  refused while suspended: {_yes(trip['refused_while_suspended'])}",
        _webhook(trip),
        *_store(summary["store"]),
    ]


def _webhook(part: dict[str, Any]) -> str:
    event = part["webhook"]
    return f"  webhook {event['type']}, signature verified: {_yes(event['signature_verified'])}"


def _recovery(summary: dict[str, Any]) -> list[str]:
    """Return how the service came back: without a person, or resumed by an admin."""
    found, resume, new = (summary[name] for name in ("recover", "resume", "new_release"))
    if not resume:
        return []
    if not found:
        return ["RECOVERY", _by_admin(resume)]
    early = found["first_training"]
    lines = [
        "RECOVERY",
        *(f"  {release} may not serve: {reason}" for release, reason in found["why_none"].items()),
        f"  first training: {early['certify_days_after_onset']} certify days after the onset, too few to resume",
    ]
    if not new:
        return [*lines, f"  training as of {resume['as_of']}: {resume['why']}", _by_admin(resume)]
    passed = f"{resume['verdict']} with {resume['certify_days_after_onset']} such days, resumed by {resume['by']}"
    return [
        *lines,
        f"  training as of {resume['as_of']}: {passed}",
        _webhook(resume),
        f"  {resume['release']} serves: {_decisions(new)}",
        f"  time line: {summary['timeline']}",
    ]


def _by_admin(resume: dict[str, Any]) -> str:
    return f"  resumed by an admin, decided since then: {resume['decided']:,}"


def _store(store: dict[str, Any]) -> list[str]:
    used, limit = store["used_bytes"] / MEGABYTE, store["limit_bytes"] / MEGABYTE
    return [
        f"  decision store: {used:,.0f} of {limit:,.0f} MB",
    ]


def _decisions(part: dict[str, Any]) -> str:
    latency = f"p50 {part['p50_ms']} ms, p99 {part['p99_ms']} ms"
    return f"{part['decided']:,} decisions, {latency}, false-positive rate {part['false_positive_rate']:.1%}"


def _monitor(summary: dict[str, Any]) -> list[str]:
    leaks = summary["leaks"]
    if not leaks["identifiers"]:
        return [
            "MONITOR",
            "  leak scan: identifiers are too short to be distinguished from counts; only columns were audited",
            *_unsearchable(leaks),
        ]
    found = len(leaks["findings"])
    return [
        "MONITOR",
        f"  leak scan: {leaks['identifiers']:,} raw identifiers, {found} found outside the raw zone",
        *_unsearchable(leaks),
    ]


def _unsearchable(leaks: dict[str, Any]) -> list[str]:
    """Return what could not be searched, one file a line; version 0.1.0 did not report it."""
    return [f"  not searched: {Unsearchable(**each)}" for each in leaks.get("unsearchable", ())]


def _parts(summary: dict[str, Any]) -> list[str]:
    lines = [f"  {clock_face(seconds):>6}  {title}" for title, seconds in summary["parts"].items()]
    return ["TIME", *lines, f"  {clock_face(summary['seconds']):>6}  in all"]


def _addresses(summary: dict[str, Any]) -> list[str]:
    return ["OPEN", *(f"  {name:<8} {address}" for name, address in summary["addresses"].items())]


def _yes(value: bool) -> str:  # noqa: FBT001  # a word for a flag
    return "yes" if value else "NO"

"""The gate's report: everything that `report.json` holds about a judged candidate or a replayed release.

`GateReport` is what page, chart, model card, promotion, DAG and terminal read. `read_report` is the only way from the
file to the object, `GateReport.to_json` the only way back.
"""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from antifraud.clock import Span
from antifraud.errors import ReportError
from antifraud.gate.codec import decode, encode
from antifraud.gate.findings import Findings, Judgement, Verdict
from antifraud.killswitch.detectors.noise import Noise
from antifraud.stats.comparison import Comparison
from antifraud.stats.loss import LossBound

VERSION: Final = 4
"""Version of `report.json`. Raise it whenever a field is added, renamed or removed, a nested one too."""
REPLAY: Final = "replay"
"""The only window of a replay: past days of a release that served."""
DERIVED: Final = {
    Findings: ("fpr_bound", "loss_limit_informative", "warnings"),
    Comparison: ("fpr_difference_bound", "fpr_binding", "non_inferior"),
}
"""Properties that are written for readers of the file, and ignored when it is read."""


@dataclass(frozen=True, slots=True)
class CurvePoints:
    """Loss (RUB a month) against false-positive rate at some hundred thresholds (ppm), for the chart."""

    threshold: tuple[int, ...]
    fpr: tuple[float, ...]
    loss: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeoffRow:
    """Consequences of one threshold (ppm). Losses (minor units a month) and alerts are at the judged volume."""

    threshold: int
    fpr: float
    fpr_bound: float
    """The widest bound."""
    false_positives_share: float
    """False positives over all labelled rows."""
    precision: float | None
    """None where nothing is flagged."""
    alerts_a_day: float
    recall: float
    value_recall: float
    loss: float
    loss_bound: float
    beta: float | None
    """The largest beta with an optimum on this window at the threshold or above; None: all optima are below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceRates:
    """Counts of one value of a slice, and its rates; a rate of nothing is None. Amounts are minor units."""

    slice: str
    value: str
    legitimate: int
    false_positives: int
    frauds: int
    caught: int
    fraud_amount: int
    caught_amount: int
    fpr: float | None
    recall: float | None
    value_recall: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Champion:
    """The release that served, judged on the candidate's rows. Figures are None if it was not judged there."""

    release: str
    note: str = ""
    """Why it was not judged or not compared; empty if it was."""
    threshold: int | None = None
    verdict: Verdict | None = None
    reasons: tuple[str, ...] | None = None
    action: str | None = None
    fpr: float | None = None
    fpr_bound: float | None = None
    loss: LossBound | None = None
    days: Span | None = None
    """Days of the certify window that neither model had seen."""
    comparison: Comparison | None = None
    """Candidate minus champion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReport(Judgement):
    """A judgement at the judged volume, with everything that people need to trust it."""

    candidate: str
    """Id of the candidate, or of the replayed release."""
    as_of: dt.date
    """Only labels known at the end of this day count."""
    windows: Mapping[str, Span]
    """Train, select, certify, and history if there is any; or `REPLAY` alone."""
    at_full_volume: Judgement
    """The same threshold at the full service's volume."""
    curve: CurvePoints
    tradeoff: tuple[TradeoffRow, ...] = ()
    """Ascending thresholds."""
    champion: Champion | None = None
    """None where nothing served."""
    promotable: bool | None = None
    """Whether the candidate may replace what serves; None for a replay, which promotes nothing."""
    promotable_reason: str = ""
    pointer_sequence: int | None = None
    """The change of the release pointer that the candidate was judged at."""
    looks: int | None = None
    """Candidates that the certify window has judged."""
    evaluator_difference_ppm: int | None = None
    """Largest difference of the evaluator that serves from CatBoost, on any row."""
    counts: Mapping[str, Mapping[str, int]] | None = None
    """Certify rows by status."""
    slices: tuple[SliceRates, ...] = ()
    baselines: Mapping[str, Mapping[str, float]] | None = None
    """Metrics of simpler models on the select window, by the name of the model."""
    baseline_rows: int | None = None
    train_rows: int | None = None
    noise: Noise | None = None
    """How much the certify days vary; None for a replay, or if the window could not tell."""
    known_shares: tuple[float, ...] = ()
    """Share of a day's frauds that is known when the day is 0, 1, 2, … days old."""
    source: str = ""
    """Where the rows of a replay come from."""
    seen_in_training: tuple[dt.date, ...] = ()
    """Days of a replay that the release was trained on or chosen by."""

    @property
    def is_replay(self) -> bool:
        """Whether the report is about past days of a release instead of a candidate."""
        return REPLAY in self.windows

    @property
    def judged_days(self) -> Span:
        """The days that the verdict rests on."""
        return self.windows[REPLAY if self.is_replay else "certify"]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, with their version."""
        return {"version": VERSION, **encode(self, DERIVED)}

    def to_json(self) -> str:
        """Return the content of `report.json`."""
        return json.dumps(self.to_dict(), indent=2, sort_keys=True) + "\n"

    def why_not_promotable(self) -> str | None:
        """Return why the report forbids a promotion; None if it allows one."""
        if self.verdict is not Verdict.PASS:
            return f"{self.verdict}, so it does not serve. {' '.join([*self.reasons, self.action])}"
        if self.promotable is False:
            return f"PASS, but it does not replace the champion. {self.promotable_reason}".rstrip()
        return None


def read_report(path: Path) -> GateReport:
    """Return the report in a file.

    Raises:
        ReportError: The file is missing or damaged, or another version of the platform wrote it.
    """
    try:
        values = json.loads(path.read_text())
        _require_version(values, path)
        return decode(GateReport, values)
    except FileNotFoundError as error:
        raise ReportError(f"there is no gate report {path}: run jobs/validate.py for its day first") from error
    except ValueError as error:
        raise ReportError(
            f"the gate report {path} is damaged ({error}), expected what jobs/validate.py writes: run it again"
        ) from error


def _require_version(values: Any, path: Path) -> None:
    found = values.get("version") if isinstance(values, dict) else None
    if found != VERSION:
        said = "no version" if found is None else f"version {found}"
        raise ReportError(
            f"the gate report {path} has {said}, expected version {VERSION}: run jobs/validate.py for its day again, "
            "or read it with the code that wrote it"
        )

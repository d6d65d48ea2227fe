"""Draw the way back after a trip as SVG: the false-positive rate by day, what the service did, and the events."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final

from antifraud.clock import DAY_SECONDS, day_number
from antifraud.files import replace_file
from antifraud.gate.limits import Limits
from jobs.reporting.chart import ticks

FILE: Final = "recovery.svg"
WIDTH: Final = 860
LEFT: Final = 64
RIGHT: Final = 24
TOP: Final = 56
PLOT: Final = 220
"""Height of the plot."""
ROW: Final = 22
"""Height of one event below the plot."""
BAND: Final = 22
STATE_WIDTH: Final = 72
"""Width of the longer names of a state, so that the last one does not leave the plot."""
WEEK: Final = 7
LIMIT: Final = Limits().fpr_limit
"""Share of legitimate payments that may be flagged."""
ACCESSIBLE: Final = 'role="img" aria-labelledby="title desc"'
STYLE: Final = """<style>
.recovery { font: 13px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; background: #fff }
.recovery text { fill: #424a53 } .recovery .head { font-size: 16px; font-weight: 600; fill: #1f2328 }
.recovery .axis { stroke: #8c959f } .recovery .grid { stroke: #eaeef2 }
.recovery .serving { fill: #e6f4ea } .recovery .suspended { fill: #fdecea } .recovery .state { font-weight: 600 }
.recovery .limit { stroke: #b42318; stroke-width: 1.5; stroke-dasharray: 6 4 } .recovery .limit-name { fill: #b42318 }
.recovery .closed { fill: #1f5fa8; stroke: #1f5fa8; stroke-width: 2 }
.recovery .open { fill: #fff; stroke: #1f5fa8; stroke-width: 2 }
.recovery .rate { paint-order: stroke; stroke: #fff; stroke-width: 4px }
.recovery .event { fill: #1f2328 } .recovery .lead { stroke: #8c959f; stroke-dasharray: 2 3 }
</style>"""


@dataclass(frozen=True, slots=True)
class _Rate:
    """The false-positive rate of a day; if the day is not closed yet, by the labels that will come."""

    day: dt.date
    rate: float
    is_closed: bool


@dataclass(frozen=True, slots=True)
class _Event:
    at: float
    """Days since 1970-01-01."""
    words: str


@dataclass(frozen=True, slots=True)
class _Frame:
    first: float
    last: float
    highest: float

    def x(self, at: float) -> float:
        return LEFT + (at - self.first) / (self.last - self.first) * (WIDTH - LEFT - RIGHT)

    def y(self, rate: float) -> float:
        return TOP + PLOT - rate / self.highest * PLOT


def write_timeline(folder: Path, results: Mapping[str, Any]) -> Path:
    """Write the picture of the results of a run and return its path."""
    path = folder / str(results["guard"]["trip"]["onset"]) / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, draw_timeline(results))
    return path


def draw_timeline(results: Mapping[str, Any]) -> str:
    """Return SVG text; `results` are those of `infra.local.story` and `infra.local.recovery`."""
    rates, events = _rates(results), _events(results)
    trip, resume = (results[name]["at"] / DAY_SECONDS for name in ("guard", "resume"))
    first, last = _middle(rates[0].day) - 1, _middle(rates[-1].day) + 2
    frame = _Frame(first, last, 1.15 * max(LIMIT, *(each.rate for each in rates)))
    height = TOP + PLOT + 64 + ROW * len(events)
    title = "The way back after a trip"
    described = f"{title}. " + " ".join(f"{each.words}." for each in events)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="recovery" viewBox="0 0 {WIDTH} {height}" {ACCESSIBLE}>',
            f'<title id="title">{title}</title>',
            f'<desc id="desc">{escape(described)}</desc>',
            STYLE,
            _text(LEFT, 20, "start", "False-positive rate of legitimate payments, by day", "head"),
            *_state(frame, frame.first, trip, "SERVING"),
            *_state(frame, trip, resume, "SUSPENDED"),
            *_state(frame, resume, frame.last, "SERVING"),
            *_axes(frame),
            *(part for row, event in enumerate(events) for part in _mark(frame, event, row)),
            *(part for each in rates for part in _dot(frame, each)),
            *_legend(height),
            "</svg>",
        ]
    )


def _rates(results: Mapping[str, Any]) -> list[_Rate]:
    names = ("ordinary_day", "guard", "new_release")
    parts = [(results[name], name != "new_release") for name in names]
    return [
        _Rate(dt.date.fromisoformat(part["day"]), part["false_positive_rate"], is_closed) for part, is_closed in parts
    ]


def _events(results: Mapping[str, Any]) -> list[_Event]:
    trip, found, resume = (results[name] for name in ("guard", "recover", "resume"))
    onset = dt.date.fromisoformat(trip["trip"]["onset"])
    early = found["first_training"]
    tripped, resumed = (each["at"] / DAY_SECONDS for each in (trip, resume))
    return [
        _Event(day_number(onset), f"{onset}: prices double, so customers begin to spend more"),
        _Event(tripped, f"{_date(tripped)}: its labels have come; the guard suspends the service"),
        _Event(tripped, f"judged with the days up to {found['judged']}: no release may serve"),
        _Event(
            tripped,
            f"first training: {early['certify_days_after_onset']} certify days after the onset, too few to resume",
        ),
        _Event(
            resumed,
            f"{_date(resumed)}: a training passes with {resume['certify_days_after_onset']} such days and resumes it",
        ),
    ]


def _state(frame: _Frame, first: float, last: float, name: str) -> list[str]:
    """Return the coloured band of a state, with its name on top."""
    left, right = frame.x(first), frame.x(last)
    width, height = right - left, PLOT + BAND
    middle = min((left + right) / 2, WIDTH - RIGHT - STATE_WIDTH / 2)
    return [
        f'<rect class="{name.lower()}" x="{left:.1f}" y="{TOP - BAND}" width="{width:.1f}" height="{height}"/>',
        _text(middle, TOP - 7, "middle", name, "state"),
    ]


def _axes(frame: _Frame) -> list[str]:
    floor, end = TOP + PLOT, WIDTH - RIGHT
    parts = []
    for rate in ticks(frame.highest):
        parts.append(_line(LEFT, frame.y(rate), end, frame.y(rate), "grid"))
        parts.append(_text(LEFT - 8, frame.y(rate) + 4, "end", f"{100 * rate:.4g} %"))
    for day in range(int(frame.first) + 1, int(frame.last) + 1, WEEK):
        parts.append(_line(frame.x(day), floor, frame.x(day), floor + 5, "axis"))
        parts.append(_text(frame.x(day), floor + 20, "middle", f"{_date(day):%d %b}"))
    parts += [_line(LEFT, floor, end, floor, "axis"), _line(LEFT, TOP - BAND, LEFT, floor, "axis")]
    parts.append(_line(LEFT, frame.y(LIMIT), end, frame.y(LIMIT), "limit"))
    parts.append(_text((LEFT + end) / 2, frame.y(LIMIT) - 6, "middle", f"limit {100 * LIMIT:.4g} %", "limit-name"))
    return parts


def _mark(frame: _Frame, event: _Event, row: int) -> list[str]:
    """Return an event in a row below the plot; its text lies on the side that has more room."""
    x, y = frame.x(event.at), TOP + PLOT + 44 + ROW * row
    is_left = x < (LEFT + WIDTH - RIGHT) / 2
    return [
        _line(x, TOP, x, y, "lead"),
        f'<circle class="event" cx="{x:.1f}" cy="{y}" r="4"/>',
        _text(x + (10 if is_left else -10), y + 4, "start" if is_left else "end", event.words),
    ]


def _dot(frame: _Frame, each: _Rate) -> list[str]:
    x, y = frame.x(_middle(each.day)), frame.y(each.rate)
    kind = "closed" if each.is_closed else "open"
    return [
        f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="5"/>',
        _text(x + 10, y + 4, "start", f"{100 * each.rate:.1f} %", "rate"),
    ]


def _legend(height: int) -> list[str]:
    y = height - 10
    return [
        f'<circle class="closed" cx="{LEFT}" cy="{y - 4}" r="5"/>',
        _text(LEFT + 12, y, "start", "a closed day: its labels have come"),
        f'<circle class="open" cx="{LEFT + 260}" cy="{y - 4}" r="5"/>',
        _text(LEFT + 272, y, "start", "first payments of the new release, with the labels to come"),
    ]


def _middle(day: dt.date) -> float:
    return day_number(day) + 0.5


def _date(at: float) -> dt.date:
    return dt.date(1970, 1, 1) + dt.timedelta(days=int(at))


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, anchor: str, text: str, kind: str = "label") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'

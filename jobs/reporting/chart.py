"""The trade-off of a report as SVG: loss a month against false-positive rate, the limits drawn in."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Final

from antifraud.figures import MINOR_UNITS
from antifraud.gate.report import GateReport

CHART_FILE: Final = "tradeoff.svg"
WIDTH: Final = 640
HEIGHT: Final = 360
LEFT: Final = 84
RIGHT: Final = 20
TOP: Final = 34
BOTTOM: Final = 46
TICKS: Final = 6
MILLIONS_FROM: Final = 1e8
"""RUB a month from which the axis counts millions, because longer numbers do not fit beside the axis."""
STYLE: Final = """<style>
.tradeoff { font: 12px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; background: #fff }
.tradeoff text { fill: #57606a } .tradeoff .limit-name { fill: #b42318 }
.tradeoff .axis { stroke: #8c959f } .tradeoff .grid { stroke: #eaeef2 } .tradeoff .allowed { fill: #e6f4ea }
.tradeoff .limit { stroke: #b42318; stroke-width: 1.5; stroke-dasharray: 6 4 }
.tradeoff .curve { fill: none; stroke: #1f5fa8; stroke-width: 2 }
.tradeoff .whisker { stroke: #1f5fa8; stroke-width: 1.5; stroke-dasharray: 2 3 }
.tradeoff .chosen { fill: #1f5fa8 } .tradeoff .bound { fill: #fff; stroke: #1f5fa8; stroke-width: 2 }
</style>"""


@dataclass(frozen=True, slots=True)
class Spot:
    """A false-positive rate (share of legitimate rows) and a loss (RUB a month)."""

    fpr: float
    loss: float


def report_chart(report: GateReport) -> str:
    """Return the SVG text of a report: its curve, its choice, its limits of rate and loss."""
    limits, loss, points = report.limits, report.loss, report.curve
    return tradeoff_svg(
        [Spot(fpr, lost) for fpr, lost in zip(points.fpr, points.loss, strict=True)],
        Spot(report.fpr, loss.mean / MINOR_UNITS),
        Spot(report.fpr_bound, loss.bound / MINOR_UNITS),
        Spot(limits.fpr_limit, limits.loss_limit_minor / MINOR_UNITS),
    )


def tradeoff_svg(curve: Sequence[Spot], chosen: Spot, bound: Spot, limits: Spot) -> str:
    """Return SVG text: the curve, the limits as lines, the allowed area, the choice as a dot, its bounds as a ring.

    The axes end at twice the largest of limits and choice, or a little beyond the bounds. Points of the curve beyond
    the axes are cut off.
    """
    plane = _Plane.around(chosen, bound, limits)
    inside = [spot for spot in curve if spot.fpr <= plane.x_max and spot.loss <= plane.y_max]
    points = " ".join(f"{plane.x(spot.fpr):.1f},{plane.y(spot.loss):.1f}" for spot in inside)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="tradeoff" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
            "<title>loss a month against false-positive rate</title>",
            STYLE,
            *_ground(plane, limits),
            *_limits(plane, limits),
            f'<polyline class="curve" points="{points}"/>',
            *_choice(plane, chosen, bound),
            *_legend(),
            "</svg>",
        ]
    )


@dataclass(frozen=True, slots=True)
class _Plane:
    x_max: float
    y_max: float

    @property
    def unit(self) -> float:
        """RUB in one unit of the loss axis."""
        return 1e6 if self.y_max >= MILLIONS_FROM else 1.0

    @classmethod
    def around(cls, chosen: Spot, bound: Spot, limits: Spot) -> "_Plane":
        return cls(
            max(2 * limits.fpr, 2 * chosen.fpr, 1.1 * bound.fpr, 0.001),
            max(2 * limits.loss, 2 * chosen.loss, 1.1 * bound.loss, 1.0),
        )

    def x(self, value: float) -> float:
        return LEFT + value / self.x_max * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - value / self.y_max * (HEIGHT - TOP - BOTTOM)


def _ground(plane: _Plane, limits: Spot) -> list[str]:
    """Return axes, grid, and the area that both limits allow."""
    x, y = plane.x(limits.fpr), plane.y(limits.loss)
    floor_y, end = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = [f'<rect class="allowed" x="{LEFT}" y="{y:.1f}" width="{x - LEFT:.1f}" height="{floor_y - y:.1f}"/>']
    for value in ticks(plane.x_max):
        parts.append(_line(plane.x(value), TOP, plane.x(value), floor_y, "grid"))
        parts.append(_text(plane.x(value), floor_y + 16, "middle", f"{100 * value:.4g} %"))
    for value in ticks(plane.y_max):
        parts.append(_line(LEFT, plane.y(value), end, plane.y(value), "grid"))
        parts.append(_text(LEFT - 6, plane.y(value) + 4, "end", f"{value / plane.unit:,.0f}"))
    parts += [_line(LEFT, floor_y, end, floor_y, "axis"), _line(LEFT, TOP, LEFT, floor_y, "axis")]
    parts.append(_text((LEFT + end) / 2, HEIGHT - 8, "middle", "false-positive rate"))
    parts.append(_text(6, 14, "start", "loss, RUB a month" if plane.unit == 1 else "loss, million RUB a month"))
    return parts


def ticks(largest: float) -> list[float]:
    """Return round values from 0 to at most `largest`, in at most `TICKS` steps.

    >>> ticks(0.1)
    [0.0, 0.02, 0.04, 0.06, 0.08, 0.1]
    >>> ticks(1_234_567)
    [0.0, 500000.0, 1000000.0]
    """
    size = 10.0 ** floor(log10(largest))
    step = next(size * part for part in (0.1, 0.2, 0.5, 1.0, 2.0) if largest / (size * part) <= TICKS)
    count = floor(largest / step * (1 + 1e-9))
    digits = max(0, 2 - ceil(log10(step)))
    return [round(step * number, digits) for number in range(count + 1)]


def _limits(plane: _Plane, limits: Spot) -> list[str]:
    x, y, end = plane.x(limits.fpr), plane.y(limits.loss), WIDTH - RIGHT
    loss = f"{limits.loss:,.0f}" if plane.unit == 1 else f"{limits.loss / plane.unit:,.4g}"
    return [
        _line(x, TOP, x, HEIGHT - BOTTOM, "limit"),
        _line(LEFT, y, end, y, "limit"),
        _text(x, TOP - 6, "middle", f"limit {100 * limits.fpr:.4g} %", "limit-name"),
        _text(end, y - 6, "end", f"limit {loss}", "limit-name"),
    ]


def _choice(plane: _Plane, chosen: Spot, bound: Spot) -> list[str]:
    x, y, at_x, at_y = plane.x(chosen.fpr), plane.y(chosen.loss), plane.x(bound.fpr), plane.y(bound.loss)
    return [
        _line(x, y, at_x, at_y, "whisker"),
        f'<circle class="bound" cx="{at_x:.1f}" cy="{at_y:.1f}" r="5"/>',
        f'<circle class="chosen" cx="{x:.1f}" cy="{y:.1f}" r="5"/>',
    ]


def _legend() -> list[str]:
    """Return the legend, in the corner that a falling curve leaves free."""
    x, y = WIDTH - RIGHT - 184, TOP + 18
    return [
        f'<circle class="chosen" cx="{x}" cy="{y - 4}" r="5"/>',
        _text(x + 14, y, "start", "chosen threshold, measured"),
        f'<circle class="bound" cx="{x}" cy="{y + 14}" r="5"/>',
        _text(x + 14, y + 18, "start", "the same, upper bounds"),
        _line(x - 7, y + 32, x + 7, y + 32, "curve"),
        _text(x + 14, y + 36, "start", "all thresholds, measured"),
    ]


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, anchor: str, text: str, kind: str = "label") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'

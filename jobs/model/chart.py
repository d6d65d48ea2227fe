"""The trade-off curve of a report as inline SVG: loss a month against false-positive rate, limits drawn in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 640
HEIGHT: Final = 320
LEFT: Final = 90
RIGHT: Final = 20
TOP: Final = 20
BOTTOM: Final = 45
TICKS: Final = 5


@dataclass(frozen=True, slots=True)
class Limits:
    """Where the limits lie: a share of legitimate rows, and RUB a month."""

    fpr: float
    loss: float


def tradeoff_svg(fpr: Sequence[float], loss: Sequence[float], chosen: tuple[float, float], limits: Limits) -> str:
    """SVG text of the curve through (`fpr`, `loss`), the limits as lines and the chosen threshold as a dot.

    `fpr` are shares, `loss` RUB a month; points beyond twice the larger of limit and choice are cut off.
    """
    plane = _Plane(2 * max(limits.fpr, chosen[0]), 2 * max(limits.loss, chosen[1]))
    inside = [(x, y) for x, y in zip(fpr, loss, strict=True) if x <= plane.x_max and y <= plane.y_max]
    points = " ".join(f"{plane.x(x):.1f},{plane.y(y):.1f}" for x, y in inside)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="loss a month against false-positive rate">',
        *_axes(plane),
        _line(plane.x(limits.fpr), TOP, plane.x(limits.fpr), HEIGHT - BOTTOM, "limit"),
        _line(LEFT, plane.y(limits.loss), WIDTH - RIGHT, plane.y(limits.loss), "limit"),
        f'<polyline class="curve" points="{points}"/>',
        f'<circle class="chosen" cx="{plane.x(chosen[0]):.1f}" cy="{plane.y(chosen[1]):.1f}" r="5"/>',
        "</svg>",
    ]
    return "\n".join(parts)


@dataclass(frozen=True, slots=True)
class _Plane:
    x_max: float
    y_max: float

    def x(self, value: float) -> float:
        return LEFT + value / self.x_max * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - value / self.y_max * (HEIGHT - TOP - BOTTOM)


def _axes(plane: _Plane) -> list[str]:
    parts = [
        _line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, "axis"),
        _line(LEFT, TOP, LEFT, HEIGHT - BOTTOM, "axis"),
    ]
    for step in range(TICKS + 1):
        x, y = plane.x_max * step / TICKS, plane.y_max * step / TICKS
        parts.append(_text(plane.x(x), HEIGHT - BOTTOM + 16, "middle", f"{100 * x:.1f} %"))
        parts.append(_text(LEFT - 6, plane.y(y) + 4, "end", f"{y:,.0f}"))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, "middle", "false-positive rate"))
    parts.append(_text(LEFT, TOP - 6, "end", "RUB a month"))
    return parts


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, anchor: str, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'

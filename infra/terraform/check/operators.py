"""Check what operators, conditions and functions are given."""

from collections.abc import Callable, Iterator
from typing import Final

from infra.terraform.check.kinds import ANY, BOOL, NUMBER, PRIMITIVES, Kind, misfits

Report = Callable[[str], None]
OF_NUMBERS: Final = ("+", "-", "*", "/", "%", "<", ">", "<=", ">=")
OF_TRUTHS: Final = ("&&", "||")
_OF_ONE: Final = (
    "abspath alltrue anytrue base64decode base64encode base64gzip basename can ceil chomp compact dirname distinct "
    "flatten floor jsondecode jsonencode keys length lower nonsensitive one reverse sensitive sum title tolist "
    "tonumber toset tostring trimspace upper values yamldecode yamlencode"
)
_OF_TWO: Final = "contains element endswith index indent pow regex split startswith templatefile trimprefix trimsuffix"
_OF_THREE: Final = "cidrsubnet replace slice substr"
COUNTS: Final = {
    **dict.fromkeys(_OF_ONE.split(), (1, 1)),
    **dict.fromkeys(_OF_TWO.split(), (2, 2)),
    **dict.fromkeys(_OF_THREE.split(), (3, 3)),
    "lookup": (2, 3),
}
"""Least and most arguments of functions with a fixed number of them."""
OF_MAPS: Final = ("keys", "values", "lookup")


def check_operands(operator: str, operands: list[Kind], report: Report) -> None:
    """Report operands of the wrong kind; numbers may be spelled as texts."""
    expected = {**dict.fromkeys(OF_NUMBERS, NUMBER), **dict.fromkeys(OF_TRUTHS, BOOL)}.get(operator, ANY)
    for operand in operands:
        for text in misfits(operand, expected, f"an operand of {operator}"):
            report(text)


def check_branches(condition: Kind, branches: list[Kind], report: Report) -> None:
    """Report a condition that is no truth value, and branches that no kind holds."""
    for text in misfits(condition, BOOL, "a condition"):
        report(text)
    simple = {branch.name in PRIMITIVES for branch in branches if branch.name != "any"}
    if len(simple) > 1:
        report(f"the branches of a condition are a {branches[0]} and a {branches[1]}")


def argument_problems(name: str, arguments: list[Kind]) -> Iterator[str]:
    """Yield what is wrong with the arguments of a function."""
    least, most = COUNTS.get(name, (0, len(arguments)))
    if not least <= len(arguments) <= most:
        yield f"{name} takes {least if least == most else f'{least} or {most}'} arguments, but got {len(arguments)}"
    elif name in OF_MAPS and arguments[0].name not in {"any", "map", "object"}:
        yield f"{name} takes a map, but got a {arguments[0]}"

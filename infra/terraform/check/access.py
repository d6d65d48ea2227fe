"""Follow one step into a value: a name after a dot, an index in brackets, a splat."""

from collections.abc import Callable

from infra.terraform.check.kinds import ANY, PRIMITIVES, SEQUENCES, Kind, element_of

Report = Callable[[str], None]


def apply_name(base: Kind, name: str, report: Report) -> Kind:
    """Return the kind of ``base.name``."""
    if base.name == "object":
        if name in base.fields:
            return base.fields[name]
        report(f"{base.what} has no {name}")
    elif base.name == "map":
        return element_of(base)
    elif base.name != "any":
        report(f".{name} follows a {base.name}, which has no names")
    return ANY


def apply_index(base: Kind, index: Kind, report: Report) -> Kind:
    """Return the kind of ``base[index]``."""
    if base.name == "object" and index.text is not None:
        return apply_name(base, index.text, report)
    if base.name in PRIMITIVES or base.name == "set":
        report(f"an index follows a {base.name}, which has none")
        return ANY
    if base.name == "list" and index.name in {"string", "bool"}:
        report("a list has numbers as indices")
    return element_of(base)


def apply_splat(base: Kind, report: Report) -> Kind:
    """Return the kind of each element that a splat visits; a single value counts as a list of one."""
    if base.name == "map":
        report("a splat follows a map: loop over it instead")
        return ANY
    return element_of(base) if base.name in SEQUENCES else base

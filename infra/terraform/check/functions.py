"""Functions of Terraform, and what they return as far as that helps to check where the result is used."""

from collections.abc import Callable
from typing import Final

from infra.terraform.check.kinds import ANY, BOOL, NUMBER, STRING, Kind, common, element_of, list_of, map_of, object_of

_OF_TEXT: Final = (
    "abspath base64decode base64encode base64gzip base64sha256 basename bcrypt chomp cidrhost cidrnetmask cidrsubnet "
    "dirname file filebase64 filebase64sha256 filemd5 filesha1 filesha256 filesha512 format formatdate indent join "
    "jsonencode lower md5 pathexpand plantimestamp replace sha1 sha256 sha512 strrev substr "
    "templatefile templatestring textencodebase64 textdecodebase64 timeadd timestamp title tostring trim trimprefix "
    "trimspace trimsuffix upper urlencode uuid uuidv5 yamlencode"
)
_OF_NUMBER: Final = "abs ceil floor length log max min parseint pow signum sum timecmp tonumber index"
_OF_TRUTH: Final = "alltrue anytrue can contains endswith fileexists issensitive startswith strcontains tobool"
_OF_TEXTS: Final = "cidrsubnets fileset formatlist matchkeys regexall sort split"
_OTHERS: Final = (
    "chunklist coalesce coalescelist compact concat csvdecode distinct element ephemeralasnull flatten jsondecode "
    "keys lookup merge nonsensitive one range regex reverse rsadecrypt sensitive setintersection setproduct "
    "setsubtract setunion slice tolist tomap toset transpose try type values yamldecode zipmap"
)


def _merge(kinds: list[Kind]) -> Kind:
    if all(kind.name == "object" for kind in kinds):
        return object_of({name: kind for each in kinds for name, kind in each.fields.items()})
    return map_of(common([element_of(kind) for kind in kinds]))


def _flatten(kinds: list[Kind]) -> Kind:
    inner = element_of(kinds[0])
    return list_of(element_of(inner) if inner.name in {"list", "set"} else inner)


_SPECIAL: Final[dict[str, Callable[[list[Kind]], Kind]]] = {
    "coalesce": common,
    "compact": lambda kinds: kinds[0],
    "concat": lambda kinds: list_of(common([element_of(kind) for kind in kinds])),
    "distinct": lambda kinds: kinds[0],
    "element": lambda kinds: element_of(kinds[0]),
    "flatten": _flatten,
    "keys": lambda _: list_of(STRING),
    "lookup": lambda kinds: element_of(kinds[0]),
    "merge": _merge,
    "nonsensitive": lambda kinds: kinds[0],
    "one": lambda kinds: element_of(kinds[0]),
    "reverse": lambda kinds: kinds[0],
    "sensitive": lambda kinds: kinds[0],
    "slice": lambda kinds: kinds[0],
    "tolist": lambda kinds: list_of(element_of(kinds[0])),
    "toset": lambda kinds: Kind("set", element_of(kinds[0]), items=kinds[0].items),
    "values": lambda kinds: list_of(element_of(kinds[0])),
}
_SIMPLE: Final = {
    **dict.fromkeys(_OF_TEXT.split(), STRING),
    **dict.fromkeys(_OF_NUMBER.split(), NUMBER),
    **dict.fromkeys(_OF_TRUTH.split(), BOOL),
    **dict.fromkeys(_OF_TEXTS.split(), list_of(STRING)),
    **dict.fromkeys(_OTHERS.split(), ANY),
}


def result_of(name: str, arguments: list[Kind]) -> Kind | None:
    """Return the kind of a function's result; None if Terraform has no such function."""
    if name in _SPECIAL and arguments:
        return _SPECIAL[name](arguments)
    return _SIMPLE.get(name)

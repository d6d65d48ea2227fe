"""Check the blocks at the top of files: each is known, has its labels, and declares a new name."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from infra.terraform.check.arguments import check_body, given_names, report_repeated
from infra.terraform.check.expressions import infer
from infra.terraform.check.kinds import ANY, BOOL, STRING, misfits, object_of
from infra.terraform.check.meta import OF_RESOURCES, check_meta, looped
from infra.terraform.check.module import Module
from infra.terraform.check.schema import resources
from infra.terraform.check.scope import Scope
from infra.terraform.check.syntax import Block

LABELS: Final = {
    "terraform": 0,
    "locals": 0,
    "provider": 1,
    "variable": 1,
    "output": 1,
    "module": 1,
    "resource": 2,
    "data": 2,
}
PARTS: Final = {
    "variable": {
        "description": True,
        "type": True,
        "default": False,
        "sensitive": False,
        "ephemeral": False,
        "nullable": False,
        "validation": False,
    },
    "output": {"description": True, "value": True, "sensitive": False, "ephemeral": False, "depends_on": False},
    "validation": {"condition": True, "error_message": True},
    "provider": {"cloud_id": False, "folder_id": True, "zone": False, "service_account_key_file": False},
    "terraform": {"required_version": True, "required_providers": True, "backend": False},
    "required_providers": {"yandex": True},
    "backend": dict.fromkeys(("key", "region", "endpoints"), True)
    | dict.fromkeys(
        (
            "bucket",
            "dynamodb_table",
            "encrypt",
            "use_lockfile",
            "skip_credentials_validation",
            "skip_metadata_api_check",
            "skip_region_validation",
            "skip_requesting_account_id",
            "skip_s3_checksum",
        ),
        False,
    ),
}
"""Names that may stand in a block that Terraform itself reads, and whether they must."""
PROVIDER: Final = {"source": "yandex-cloud/yandex", "version": "~> 0.222.0"}
"""The provider that provider.json describes."""
BACKEND: Final = "s3"
_TEXTS: Final = (
    *("description", "error_message", "required_version", "cloud_id", "folder_id", "zone", "key", "region", "bucket"),
    *("dynamodb_table", "service_account_key_file"),
)
_TRUTHS: Final = (
    *("condition", "sensitive", "ephemeral", "nullable", "encrypt", "use_lockfile", "skip_credentials_validation"),
    *("skip_metadata_api_check", "skip_region_validation", "skip_requesting_account_id", "skip_s3_checksum"),
)
KINDS: Final = {
    **dict.fromkeys(_TEXTS, STRING),
    **dict.fromkeys(_TRUTHS, BOOL),
    "endpoints": object_of({"s3": STRING, "dynamodb": STRING}, "endpoints", frozenset({"s3"})),
}
"""Kinds of values in those blocks; values of other names may have any."""


def check_module(module: Module) -> None:
    """Check everything in a module except the arguments of the modules that it calls."""
    for path, body in module.bodies.items():
        scope = module.scope(path)
        for attribute in body.attributes:
            scope.report(attribute.line, f"{attribute.name} stands outside every block")
        for block in body.blocks:
            _check_block(block, module, scope)
    _check_names(module)
    _check_unused(module)
    _check_versions(module)


def _check_block(block: Block, module: Module, scope: Scope) -> None:
    if LABELS.get(block.kind) != len(block.labels):
        scope.report(block.line, f"{block.kind} with {len(block.labels)} labels is no block that this check knows")
    elif block.kind in {"resource", "data"}:
        _check_resource(block, scope)
    elif block.kind == "module":
        check_meta(block, scope)
    elif block.kind == "locals":
        _check_locals(block, module, scope)
    else:
        _check_parts(block, scope)
        if block.kind == "variable":
            _check_default(block, module, scope)


def _check_resource(block: Block, scope: Scope) -> None:
    described = resources().get(block.labels[0])
    if described is None or block.kind == "data":
        scope.report(block.line, f"{block.kind} {block.labels[0]} is not described in provider.json")
        return
    check_meta(block, scope)
    for inside in looped(block, scope):
        check_body(block, described, inside, OF_RESOURCES)


def _check_locals(block: Block, module: Module, scope: Scope) -> None:
    for inner in block.body.blocks:
        scope.report(inner.line, f"locals has no block {inner.kind}")
    for attribute in block.body.attributes:
        module.local_kind(attribute)


def _check_parts(block: Block, scope: Scope) -> None:
    """Check a block that Terraform itself reads, and the blocks inside it."""
    allowed = PARTS.get(block.kind, {})
    given = set(given_names(block.body))
    report_repeated(block.body, scope)
    for name in sorted(given - set(allowed)):
        scope.report(block.line, f"{block.kind} has no {name}")
    for name in sorted(name for name, needed in allowed.items() if needed and name not in given):
        scope.report(block.line, f"{block.kind} {block.name} lacks {name}")
    if block.kind == "backend" and block.name != BACKEND:
        scope.report(block.line, f"the state lies in {BACKEND}, not in {block.name}")
    for attribute in block.body.attributes:
        if attribute.name != "type":
            for text in misfits(infer(attribute.value, scope), KINDS.get(attribute.name, ANY), attribute.name):
                scope.report(attribute.line, text)
    for inner in block.body.blocks:
        _check_parts(inner, scope)


def _check_default(block: Block, module: Module, scope: Scope) -> None:
    declared = module.variables().fields[block.name]
    default = block.body.attribute("default")
    if default:
        for text in misfits(infer(default.value, scope), declared, f"default of {block.name}"):
            scope.report(default.line, text)


def _declared(module: Module) -> Iterator[tuple[tuple[str, ...], str, int]]:
    for path, body in module.bodies.items():
        for block in body.blocks:
            if block.labels:
                yield (block.kind, *block.labels), path, block.line
    for attribute in module.local_attributes():
        yield ("local", attribute.name), attribute.path, attribute.line


def _check_names(module: Module) -> None:
    declared = list(_declared(module))
    counts = Counter(names for names, _, _ in declared)
    for names, path, line in declared:
        if counts[names] > 1:
            module.problems.add(path, line, f"{' '.join(names)} is declared twice")


def _check_unused(module: Module) -> None:
    used = module.used()
    for names, path, line in _declared(module):
        if names[0] in {"variable", "local"} and (names[0].removesuffix("iable"), names[1]) not in used:
            module.problems.add(path, line, f"{' '.join(names)} is not used")


def _check_versions(module: Module) -> None:
    """Check that a module says which Terraform and which provider it was written for."""
    found = list(module.blocks("terraform"))
    path = next(iter(module.bodies))
    if len(found) != 1:
        module.problems.add(path, 1, f"{module.folder} has {len(found)} blocks terraform, but one was expected")
    for block in found:
        for inner in block.body.of_kind("required_providers"):
            _check_source(inner, module.scope(block.path))


def _check_source(block: Block, scope: Scope) -> None:
    for attribute in block.body.attributes:
        given = {name: kind.text for name, kind in infer(attribute.value, scope).fields.items()}
        if given != PROVIDER:
            wanted = ", ".join(f"{name} {text!r}" for name, text in PROVIDER.items())
            scope.report(attribute.line, f"provider {attribute.name} differs from the described one: {wanted}")

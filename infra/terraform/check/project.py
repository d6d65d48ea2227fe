"""Check all Terraform files together: modules, calls between them, values of variables, settings."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from infra.terraform.check.arguments import report_repeated
from infra.terraform.check.cycles import report_circles
from infra.terraform.check.declarations import check_module
from infra.terraform.check.expressions import infer
from infra.terraform.check.kinds import Kind, misfits
from infra.terraform.check.meta import OF_MODULES, check_meta, looped
from infra.terraform.check.module import Module
from infra.terraform.check.problems import Problem, Problems
from infra.terraform.check.scope import Scope
from infra.terraform.check.secrecy import check_ephemeral, check_passed, ephemeral_names
from infra.terraform.check.settings import settings_problems
from infra.terraform.check.syntax import Attribute, Block, Body, SyntaxProblem, parse

WHOLE: Final = "platform"
"""Name of the module that an environment calls; only an environment gives settings to processes."""
HERE: Final = Path(__file__).resolve().parents[1]
EXAMPLE: Final = ".tfvars.example"
SUFFIXES: Final = (".tf", ".tfvars", EXAMPLE, ".tftpl")


def read_files(root: Path = HERE) -> dict[str, str]:
    """Return the texts of all Terraform files, by their path below `root`; what `init` fetches is left out."""
    found = [path for suffix in SUFFIXES for path in root.rglob(f"*{suffix}") if ".terraform" not in path.parts]
    return {str(path.relative_to(root)): path.read_text() for path in sorted(found)}


class Project:
    """All modules below a folder.

    Args:
        files: Texts of the files by path.
    """

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files
        self.problems = Problems()
        self._outputs: dict[str, Kind | None] = {}
        bodies = {path: body for path in files if path.endswith(".tf") if (body := self._parsed(path)) is not None}
        folders = sorted({path.rpartition("/")[0] for path in bodies})
        self.modules = {
            folder: Module(folder, _inside(bodies, folder), files, self.problems, self.outputs_of) for folder in folders
        }

    def _parsed(self, path: str) -> Body | None:
        try:
            return parse(path, self.files[path])
        except SyntaxProblem as error:
            self.problems.add(path, error.line, str(error))
            return None

    def outputs_of(self, folder: str) -> Kind | None:
        """Return the outputs of a module; None if there is none in the folder."""
        if folder not in self._outputs:
            self._outputs[folder] = None
            module = self.modules.get(folder)
            self._outputs[folder] = module.outputs() if module else None
        return self._outputs[folder]

    def check(self, folders: Collection[str] = ()) -> list[Problem]:
        """Return all problems, or those of some folders, in the order of files and lines."""
        for module in (self.modules[folder] for folder in folders or self.modules):
            check_module(module)
            check_ephemeral(module)
            for block in module.blocks("module"):
                self._check_call(block, module)
            report_circles(self.modules, module.folder)
            if any(block.labels[:1] == (WHOLE,) for block in module.blocks("module")):
                for text in settings_problems(self, module.folder):
                    self.problems.add(f"{module.folder}/outputs.tf", 1, text)
        for path in self.files:
            if path.endswith((".tfvars", EXAMPLE)):
                self._check_values(path)
        return sorted(self.problems.found)

    def _check_call(self, block: Block, module: Module) -> None:
        """Check that a call gives a module the variables it needs, no others, and values of the right kind."""
        scope = module.scope(block.path)
        target = self.modules.get(module.source_of(block) or "")
        if target is None:
            scope.report(block.line, f"module {block.name} has no source in this project")
            return
        check_meta(block, scope)
        check_passed(block, module, target)
        report_repeated(block.body, scope)
        for inner in block.body.blocks:
            scope.report(inner.line, f"a call of a module has no block {inner.kind}")
        given = {each.name: each for each in block.body.attributes if each.name not in OF_MODULES}
        for inside in looped(block, scope):
            for attribute in given.values():
                _check_value(attribute, target, inside)
        for name in sorted(target.variables().required - set(given)):
            scope.report(block.line, f"the call of {target.folder} lacks {name}")

    def _check_values(self, path: str) -> None:
        """Check that a file of values names variables of its module, with values of their kind."""
        module = self.modules.get(path.rpartition("/")[0])
        body = self._parsed(path)
        if module is None or body is None:
            self.problems.add(path, 1, "no module reads these values")
            return
        scope = module.scope(path).alone_with({}, path)
        report_repeated(body, scope)
        for block in body.blocks:
            scope.report(block.line, f"a file of values has no block {block.kind}")
        for attribute in body.attributes:
            _check_value(attribute, module, scope)
        if path.endswith(EXAMPLE):
            given = {attribute.name for attribute in body.attributes}
            for name in sorted(module.variables().required - given - ephemeral_names(module)):
                self.problems.add(path, 1, f"the example lacks {name}")


def _check_value(attribute: Attribute, target: Module, scope: Scope) -> None:
    """Check the value that a variable of a module gets."""
    kind = infer(attribute.value, scope)
    wanted = target.variables().fields.get(attribute.name)
    if wanted is None:
        scope.report(attribute.line, f"{target.folder} has no variable {attribute.name}")
        return
    for text in misfits(kind, wanted, attribute.name):
        scope.report(attribute.line, text)


def _inside(bodies: Mapping[str, Body], folder: str) -> dict[str, Body]:
    return {path: body for path, body in bodies.items() if path.rpartition("/")[0] == folder}

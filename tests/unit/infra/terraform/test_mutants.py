"""The check of the Terraform files finds generated mutants: renamed, removed, misplaced, wrong."""

import pytest

from infra.terraform.check.project import Project, read_files
from tests.unit.infra.terraform.mutants import mutants_of

FILES = read_files()
KINDS = ("renamed", "removed", "level", "reference", "function", "kind", "twice")
SLICE = 60
LANES = 4


@pytest.fixture(scope="module")
def folders():
    """Return a function that returns the folders that a change of a file can break: its own, and its callers."""
    modules = Project(FILES).modules
    calls = {(module.source_of(block), name) for name, module in modules.items() for block in module.blocks("module")}

    def affected(path):
        found, new = set(), {path.rpartition("/")[0]}
        while new:
            found |= new
            new = {caller for called, caller in calls if called in new} - found
        return found

    return affected


@pytest.fixture(scope="module")
def mutants():
    """Return all mutants, in the order of files."""
    return list(mutants_of(FILES))


def survivors(mutants, folders):
    """Return the mutants in which the check finds nothing."""
    return [
        (mutant.kind, mutant.path, mutant.what)
        for mutant in mutants
        if not Project(mutant.applied(FILES)).check(folders(mutant.path))
    ]


def test_there_are_mutants_of_every_kind(mutants):
    """Thousands of mutants are made, hundreds of each main kind, in every folder."""
    counts = {kind: sum(mutant.kind == kind for mutant in mutants) for kind in KINDS}

    assert {mutant.path.rpartition("/")[0] for mutant in mutants} == set(Project(FILES).modules)
    assert min(counts[kind] for kind in ("renamed", "removed", "level", "reference")) > 300


def test_a_slice_of_the_mutants_is_found(mutants, folders):
    """The check finds every sixtieth mutant."""
    assert survivors(mutants[::SLICE], folders) == []


@pytest.mark.prove
@pytest.mark.parametrize("lane", range(LANES))
def test_all_mutants_are_found(mutants, folders, lane):
    """The check finds at least 95 % of all mutants, and no fewer than today: all of them."""
    assert survivors(mutants[lane::LANES], folders) == []

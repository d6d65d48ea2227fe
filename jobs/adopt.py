"""Adopt a lake that was copied or moved, or that has no identity yet: it then belongs to the settings.

    python -m jobs.adopt                 # shows what it would do
    python -m jobs.adopt --mode apply

Run it while no other job works on the lake. It needs no Spark.

A lake without an identity, made by an earlier version, gets one. A copied or moved lake gets a new identity, and
metadata with the paths of its place. Copy the catalog first, then the warehouse.

The job may not be able to tell whether somebody else still uses the warehouse or the catalog. Then it asks, and
``--mine-alone`` answers that nobody does.
"""

import argparse

from antifraud.errors import LakeNotAdopted
from antifraud.lake.catalog import check_lake, open_any_catalog
from antifraud.settings.core import JobSettings
from jobs.spark.runtime import base_parser, run_plain_job
from jobs.upkeep.adoption import Adoption, adopt, plan_adoption, tidy


def main(settings: JobSettings, arguments: argparse.Namespace) -> None:
    """Show what there is to adopt, and adopt it unless dry.

    Raises:
        LakeNotAdopted: Somebody else may use the lake, and ``--mine-alone`` is missing.
    """
    apply, adoption = arguments.mode == "apply", None
    if settings.catalog_file and not settings.catalog_file.exists():
        check_lake(settings)
    else:
        catalog = open_any_catalog(settings, make=False)
        adoption = plan_adoption(settings, catalog)
    if adoption is None:
        if apply:
            tidy(settings)
        print(f"{settings.lake_warehouse}: nothing to adopt, the lake is these settings' own or is still to be made")
        return
    _describe(adoption)
    files = adopt(settings, catalog, adoption, apply=False)
    print(f"{len(adoption.tables)} tables, {files} files of metadata to be written anew")
    doubts = " ".join(adoption.doubts if not arguments.mine_alone else ())
    if not apply:
        print(f"cannot tell: {doubts} If so, --mine-alone says it" if doubts else "nobody else uses it")
        print("dry run: nothing was changed; --mode apply does it, while no other job runs")
        return
    if doubts:
        raise LakeNotAdopted(
            f"cannot tell whether anybody else uses the lake: {doubts} Make sure that nothing else uses this warehouse "
            "or this catalog, then add --mine-alone"
        )
    adopt(settings, catalog, adoption, apply=True)
    print("done")


def _describe(adoption: Adoption) -> None:
    was = (
        " and ".join(sorted({identity.lake for identity in adoption.identities.all.values()})) or "without an identity"
    )
    print(f"lake {was}, with its tables in {adoption.old}")
    print(f"becomes a lake of its own in {adoption.identity.warehouse} and {adoption.identity.catalog}")


def parser() -> argparse.ArgumentParser:
    """Return a parser; the job is dry by default."""
    arguments = base_parser(__doc__)
    arguments.add_argument("--mode", choices=["dry-run", "apply"], default="dry-run")
    arguments.add_argument("--mine-alone", action="store_true", help="nobody else uses this warehouse or this catalog")
    return arguments


if __name__ == "__main__":
    run_plain_job(main, parser(), of_any_lake=True)

"""The bridges between the tokens of two keys, which a rotation makes from raw files: where they lie, and their pairs.

Anybody who has a bridge can follow a customer across a rotation. So it lies in the raw zone, and goes with the old key.
"""

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Final

from antifraud.files import remove_folders
from antifraud.lake.storage import raw_folder
from antifraud.settings.core import JobSettings
from antifraud.settings.locations import is_remote

if TYPE_CHECKING:
    from pathlib import Path

BRIDGE: Final = "bridge"
"""Folder next to the raw files."""
TOKENS: Final = "tokens"
"""Folder of a bridge with the files of its pairs."""


def bridge_folder(settings: JobSettings, old: str, new: str) -> "Path":
    """Return the folder of the bridge between two keys (given by id): with the raw files, under their permissions."""
    return raw_folder(settings) / BRIDGE / f"{old}-{new}"


def remove_bridges(settings: JobSettings, old: str) -> None:
    """Remove every bridge from the tokens of a key (given by id)."""
    bridges = raw_folder(settings) / BRIDGE
    for bridge in bridges.glob(f"{old}-*") if bridges.is_dir() else ():
        if is_remote(settings.raw_location):
            bridge.rmdir(recursive=True)  # type: ignore[call-arg] # of a UPath
        else:
            remove_folders([bridge], raw_folder(settings))


def bridge_files(settings: JobSettings, key_ids: Collection[str]) -> list["Path"]:
    """Return the files of all bridges between two of these keys."""
    folders = [bridge_folder(settings, old, new) / TOKENS for old in sorted(key_ids) for new in sorted(key_ids)]
    return [file for folder in folders if folder.is_dir() for file in sorted(folder.glob("*.parquet"))]


def read_pairs(files: Collection["Path"]) -> Iterator[tuple[str, str]]:
    """Yield the old and the new token of each identifier in the files of bridges."""
    import pyarrow.parquet as pq

    for file in files:
        with file.open("rb") as source:
            for batch in pq.ParquetFile(source).iter_batches(columns=["old", "new"]):
                yield from zip(batch["old"].to_pylist(), batch["new"].to_pylist(), strict=True)

"""Open the environment of the store, after it was examined if a power cut may have damaged it.

LMDB without sync can be damaged by a power cut, and does not notice. A mark in the folder says since which boot of the
machine the store is in use, and with which durability. A store that was in use without sync before the present boot is
examined once, and the mark remembers the result.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from antifraud.errors import StoreDamaged
from antifraud.files import exclusive, replace_file
from antifraud.settings.serving import Durability, StoreSettings
from serving.store import earlier
from serving.store.lmdb import DATA_FILE, DATABASES, Environment, require_store
from serving.store.soundness import require_sound

BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
MARK: Final = "boot.json"


@dataclass(frozen=True, slots=True)
class Mark:
    """A boot, the weaker of the durabilities in use since, and what was found to be damaged, if anything was."""

    boot: str
    durability: Durability
    flaw: str = ""


def open_environment(settings: StoreSettings, *, create: bool) -> Environment:
    """Open the LMDB environment of the settings; one that is made may hold a store of an earlier version.

    Raises:
        StoreForeign: There is none, and it is not to be created.
        StoreDamaged: A power cut has damaged it.
        StoreError: It cannot be opened.
    """
    if not create:
        require_store(settings.store_dir)
    require_survived(settings.store_dir, settings.store_durability)
    return Environment(
        settings.store_dir,
        settings.store_map_bytes,
        power_safe=settings.store_durability == "power",
        wait_seconds=settings.store_wait_seconds,
        databases=(*DATABASES, *earlier.EARLIER_DATABASES) if create else DATABASES,
    )


def require_survived(folder: Path, durability: Durability) -> None:
    """Refuse a store that a power cut has damaged, and note that it is in use. Others wait for the result.

    Raises:
        StoreDamaged: It is damaged, and has been examined since the present boot.
        StoreError: It could not be examined.
    """
    with exclusive(folder):
        before, boot = _read_mark(folder), BOOT_ID.read_text().strip()
        if before is not None and before.boot == boot:
            mark = _weaken(before, durability)
        else:
            mark = Mark(boot, durability, _find_flaw(folder, before))
        if mark != before:
            replace_file(folder / MARK, json.dumps(asdict(mark)))
        if mark.flaw:
            raise StoreDamaged(mark.flaw)


def _read_mark(folder: Path) -> Mark | None:
    try:
        return Mark(**json.loads((folder / MARK).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        # The store is new, or a copy without the mark, which is examined.
        return None


def _weaken(mark: Mark, durability: Durability) -> Mark:
    # What was written without sync may be on its way to the disk for as long as the machine runs.
    return Mark(mark.boot, "process" if "process" in (mark.durability, durability) else "power", mark.flaw)


def _find_flaw(folder: Path, before: Mark | None) -> str:
    if not (folder / DATA_FILE).exists() or (before is not None and before.durability == "power"):
        return ""
    try:
        require_sound(folder)
    except StoreDamaged as error:
        return str(error)
    return ""

"""Which days the raw feed has, judged by the names of its files alone."""

import datetime as dt
from pathlib import Path

from antifraud.feed import Covered, covered


def files(folder: Path) -> list[Covered]:
    """What the raw files of `folder` cover; nothing while the folder does not exist."""
    return covered(path.name for path in folder.iterdir()) if folder.is_dir() else []


def has_day(folder: Path, day: dt.date) -> bool:
    """Whether the raw feed in `folder` covers `day`."""
    return any(file.first <= day < file.end for file in files(folder))

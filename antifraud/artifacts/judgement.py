"""The file of the standing judgement: ``releases/judgement.json``, beside the release pointer.

The job `publish_judgement` replaces it atomically, and the guard reads it. A judgement that cannot be trusted counts
as none, because a trip must then suspend instead of going back to a release that nobody has judged.
"""

import json
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

from antifraud.artifacts.bundle import MANIFEST
from antifraud.files import exclusive, replace_file
from antifraud.killswitch.judgement import Judgement, UnknownVersion

JUDGEMENT: Final = "judgement.json"


class Trouble(StrEnum):
    """Why there is no judgement to use."""

    MISSING = "missing"
    UNREADABLE = "unreadable"
    DAMAGED = "damaged"
    UNKNOWN_VERSION = "unknown_version"
    OLDER = "older"
    UNKNOWN_RELEASE = "unknown_release"


class JudgementRead(NamedTuple):
    """The judgement in the file, or None with the kind of trouble and a sentence about it."""

    judgement: Judgement | None
    trouble: Trouble | None = None
    words: str = ""


def stand(releases: Path, judgement: Judgement) -> Judgement:
    """Let a judgement be the standing one; return the judgement that is there afterwards.

    A judgement that was made later stays, so that a repeated night does not take back a newer one.
    """
    with exclusive(releases):
        now = read_judgement(releases).judgement
        if now and now.made_at > judgement.made_at:
            return now
        write_judgement(releases, judgement)
    return judgement


def write_judgement(folder: Path, judgement: Judgement) -> None:
    """Replace the file of a folder atomically and durably."""
    whole = {"judgement": judgement.to_dict(), "sha256": judgement.sha256}
    replace_file(folder / JUDGEMENT, json.dumps(whole, indent=2, sort_keys=True) + "\n")


def read_judgement(releases: Path, *, seen: int = 0) -> JudgementRead:
    """Return the standing judgement, or why there is none; nothing about the file raises.

    `seen` is the `made_at` of the newest judgement that the reader knows. An older file was put back by somebody.
    """
    found = read_any_judgement(releases)
    return _checked(found.judgement, releases, seen) if found.judgement else found


def read_any_judgement(folder: Path) -> JudgementRead:
    """Return the judgement in a folder, such as that of a night's reports, whatever releases are there."""
    try:
        content = (folder / JUDGEMENT).read_text()
    except FileNotFoundError:
        return JudgementRead(None, Trouble.MISSING, f"there is no {JUDGEMENT}: run the DAG monitor")
    except (OSError, UnicodeDecodeError) as error:
        return _none(Trouble.UNREADABLE, f"cannot be read ({type(error).__name__})")
    try:
        return JudgementRead(_decoded(content))
    except UnknownVersion as error:
        return _none(Trouble.UNKNOWN_VERSION, f"was written by another version of the platform: {error}")
    except ValueError as error:
        return _none(Trouble.DAMAGED, f"is damaged ({error})")


def _decoded(content: str) -> Judgement:
    whole = json.loads(content)
    if not (isinstance(whole, dict) and isinstance(whole.get("judgement"), dict)):
        raise ValueError("it holds no judgement")  # noqa: TRY004 - the file is wrong, not an argument
    judgement = Judgement.from_dict(whole["judgement"])
    if whole.get("sha256") != judgement.sha256:
        raise ValueError("its content has another checksum")
    return judgement


def _checked(judgement: Judgement, releases: Path, seen: int) -> JudgementRead:
    if judgement.made_at < seen:
        return _none(Trouble.OLDER, f"was made at {judgement.made_at}, one of {seen} was already seen")
    # A bundle that could not be read when it was judged passes nothing, so it may be gone.
    names = [each.release for each in judgement.releases if each.trained]
    if unknown := [name for name in names if not _is_there(releases, name)]:
        return _none(Trouble.UNKNOWN_RELEASE, f"names releases that are not there: {', '.join(unknown)}")
    return JudgementRead(judgement)


def _is_there(releases: Path, name: str) -> bool:
    # A name with a folder in it would lead out of the releases.
    return Path(name).name == name and (releases / name / MANIFEST).exists()


def _none(trouble: Trouble, words: str) -> JudgementRead:
    return JudgementRead(
        None, trouble, f"{JUDGEMENT} {words}: it counts as none until the DAG monitor writes a new one"
    )

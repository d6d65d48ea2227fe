"""The number of candidates that a certify window has judged: each may pass wrongly with probability delta."""

import json
from pathlib import Path
from typing import Final

from antifraud.errors import DataError
from antifraud.figures import share_text
from antifraud.files import replace_file

LOOKS_FILE: Final = "looks.json"


def look(folder: Path, candidate: str) -> int:
    """Note in the folder of a day's reports that its window judges `candidate`; return how many it has judged.

    A candidate that is validated again is still one look. A look counts from the start, because somebody may have read
    the output of a process that died later.

    Raises:
        DataError: The list of earlier candidates cannot be read.
    """
    file = folder / LOOKS_FILE
    seen = {*_earlier(file), candidate}
    replace_file(file, json.dumps(sorted(seen)) + "\n")
    return len(seen)


def _earlier(file: Path) -> list[str]:
    try:
        names = json.loads(file.read_text())
    except FileNotFoundError:
        return []
    except ValueError as error:
        raise _unreadable(file) from error
    if not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        raise _unreadable(file)
    return names


def _unreadable(file: Path) -> DataError:
    return DataError(
        f"{file} is no list of candidate ids: correct it, or remove it to count the looks at this window from one again"
    )


def warning(looks: int, delta: float) -> list[str]:
    """Return a sentence about what further looks do to the gate's promise; nothing after the first look.

    >>> warning(1, 0.01), warning(20, 0.01)[0][-22:]
    ([], 'up to 20.0%, not 1.0%.')
    """
    if looks == 1:
        return []
    any_wrong, one_wrong = (share_text(min(1.0, share)) for share in (looks * delta, delta))
    said = (
        f"The certify window has now judged {looks} candidates, so the probability that one of them passes wrongly is "
        f"up to {any_wrong}, not {one_wrong}."
    )
    return [said]

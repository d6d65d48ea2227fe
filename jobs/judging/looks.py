"""How often a certify window was looked at: every candidate that it judges may pass wrongly with probability delta."""

import json
from pathlib import Path
from typing import Final

from antifraud.errors import DataError
from antifraud.figures import share_text
from antifraud.files import replace_file

LOOKS_FILE: Final = "looks.json"


def look(folder: Path, candidate: str) -> int:
    """Note in the folder of a day's reports that its window judges `candidate`; returns how many it has judged.

    The same candidate is one look however often it is validated. A look counts from its beginning: a process that dies
    later may have been read.

    Raises:
        DataError: The list of earlier ones cannot be read.
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
        f"{file} is no list of candidate ids: put it right, or remove it, and the looks at this window count from one"
    )


def warning(looks: int, delta: float) -> list[str]:
    """What more than one look does to the gate's promise, in a sentence; nothing after the first.

    >>> warning(1, 0.01), warning(20, 0.01)[0][-37:]
    ([], 'probability of up to 20.0%, not 1.0%.')
    """
    if looks == 1:
        return []
    any_wrong, one_wrong = (share_text(min(1.0, share)) for share in (looks * delta, delta))
    said = (
        f"The certify window has judged {looks} candidates by now: that one of them passes wrongly has a probability "
        f"of up to {any_wrong}, not {one_wrong}."
    )
    return [said]

"""How often a certify window was looked at: every candidate that it judges may pass wrongly with probability delta."""

import json
from pathlib import Path
from typing import Final

from antifraud.gate_report import share_text
from antifraud.release import replace_file

LOOKS_FILE: Final = "looks.json"


def look(folder: Path, candidate: str) -> int:
    """Note in the folder of a day's reports that its window judges `candidate`; returns how many it has judged.

    The same candidate is one look however often it is validated. A look counts from its beginning: a process that dies
    later may have been read.
    """
    file = folder / LOOKS_FILE
    seen = {*(json.loads(file.read_text()) if file.exists() else ()), candidate}
    replace_file(file, json.dumps(sorted(seen)) + "\n")
    return len(seen)


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

"""Whether a store that a power cut may have damaged is sound: its pages, its digest, and what its records say together.

    python -m serving.store.soundness FOLDER

It runs as a process of its own: LMDB can crash on a damaged file, and must not take the scorer with it.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import lmdb
from lmdb.verify import VerifyError, verify

from antifraud.errors import StoreDamaged, StoreError
from antifraud.exit_codes import returns_exit_code
from serving.store.counting import COUNTED, CURSOR
from serving.store.databases import ADDED, DATABASES
from serving.store.decisions import ARRIVAL, IDENTITY, SHIPPED
from serving.store.keys import NUMBER_BYTES, integer_of
from serving.store.labels import SEQUENCE
from serving.store.labels import SHIPPED as LABELS_SHIPPED
from serving.store.lmdb import HELP
from serving.store.outcomes import OUTCOMES, TIMES
from serving.store.outcomes import SEQUENCE as OUTCOME_SEQUENCE
from serving.store.stubs import context_number_of, place_key_of
from serving.store.view import DIGEST, META, View

PROJECT: Final = Path(__file__).parents[2]


def require_sound(folder: Path) -> None:
    """Refuse a damaged store.

    Raises:
        StoreDamaged: Something is wrong; the message says what was found first.
        StoreError: It could not be examined.
    """
    command = [sys.executable, "-m", "serving.store.soundness", str(folder.absolute())]
    path = os.pathsep.join([str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])])
    ended = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path}, check=False, capture_output=True, text=True
    )  # fmt: skip
    if ended.returncode < 0:
        raise StoreDamaged(f"the decision store is damaged (reading it ended with signal {-ended.returncode}): {HELP}")
    if ended.returncode == StoreDamaged.exit_code:
        raise StoreDamaged(ended.stderr.strip().removeprefix("error: "))
    if ended.returncode:
        raise StoreError(f"the decision store could not be examined (exit code {ended.returncode}): try again")


@contextmanager
def examine(folder: Path) -> Iterator[View]:
    """Open a view of a store that may be damaged, after its file was found sound page by page.

    It is for a process of its own, because LMDB can crash on a damaged file.

    Raises:
        StoreDamaged: A page is wrong.
    """
    try:
        with (
            lmdb.open(str(folder), max_dbs=len(DATABASES), readonly=True, create=False) as environment,
            environment.begin() as transaction,
        ):
            if flaws := verify(str(folder)):  # type: ignore[no-untyped-call]
                raise StoreDamaged(f"the file of the decision store is damaged ({flaws[0]}): {HELP}")
            # The main database has the names of the others as keys.
            names = [name for name in DATABASES if transaction.get(name.encode()) is not None]
            yield View(
                transaction, {name: environment.open_db(name.encode(), transaction, create=False) for name in names}
            )
    except (lmdb.Error, VerifyError) as error:
        raise StoreDamaged(f"the file of the decision store is damaged ({error}): {HELP}") from None


@returns_exit_code
def main(arguments: Sequence[str]) -> None:
    """Examine the store in a folder."""
    (folder,) = arguments
    with examine(Path(folder)) as view:
        # A store of an earlier version has no identity and no digest.
        if view.has(META) and view.get(META, IDENTITY) is not None:
            for flaw in find_flaws(view):
                raise StoreDamaged(f"the decision store is damaged ({flaw}): {HELP}")


def find_flaws(view: View) -> Iterator[str]:
    """Yield what is wrong with the records of a store."""
    present = [name for name in DATABASES if view.has(name)]
    if missing := [name for name in DATABASES if name not in {*present, *ADDED}]:
        yield f"without {missing[0]}"
        return
    if view.keeps_digest and view.compute_digest(present) != view.number(DIGEST):
        yield "records of different times"
    yield from _find_flaws_of_decisions(view)
    yield from _find_flaws_of_entries(view)
    yield from _find_flaws_of_labels(view)
    if view.has(OUTCOMES) and view.has(TIMES):
        yield from _find_flaws_of_outcomes(view)


def _find_flaws_of_decisions(view: View) -> Iterator[str]:
    newest, contexts, expected = view.number(ARRIVAL), view.count("contexts"), None
    for key, stub in view.items("stubs"):
        arrival = integer_of(key)
        if expected not in (None, arrival):
            yield f"decision {expected} is missing"
        if view.get("ids", place_key_of(stub)) != key:
            yield f"decision {arrival} cannot be found by its id"
        if context_number_of(stub) >= contexts:
            yield f"decision {arrival} has no context"
        expected = arrival + 1
    # Only shipped decisions go.
    if (expected or view.number(SHIPPED) + 1) != newest + 1:
        yield f"decisions end with {(expected or 1) - 1}, but {newest} were made"
    if view.number(COUNTED) > newest:
        yield f"the guard has counted decision {view.number(COUNTED)}, but {newest} were made"
    if view.count("ids") != view.count("stubs"):
        yield f"{view.count('ids')} ids for {view.count('stubs')} decisions"


def _find_flaws_of_entries(view: View) -> Iterator[str]:
    shipped, newest = view.number(SHIPPED), view.number(ARRIVAL)
    for number, (key, _) in enumerate(view.items("entries"), shipped + 1):
        if integer_of(key) != number or view.get("stubs", key) is None:
            yield f"the entry of decision {number} is missing"
            return
    if shipped + view.count("entries") != newest:
        yield f"{view.count('entries')} entries for decisions {shipped + 1} to {newest}"


def _find_flaws_of_labels(view: View) -> Iterator[str]:
    newest, last = view.number(SEQUENCE), view.last_key("labels")
    if last is not None and integer_of(last) > newest:
        yield f"label {integer_of(last)}, but {newest} have arrived"
    if view.number(CURSOR) > newest:
        yield f"the guard has taken in label {view.number(CURSOR)}, but {newest} have arrived"
    if view.number(LABELS_SHIPPED) > newest:
        yield f"label {view.number(LABELS_SHIPPED)} is shipped, but {newest} have arrived"


def _find_flaws_of_outcomes(view: View) -> Iterator[str]:
    newest, last = view.number(OUTCOME_SEQUENCE), view.last_key(OUTCOMES)
    if last is not None and integer_of(last) > newest:
        yield f"outcome {integer_of(last)}, but {newest} have arrived"
    latest = view.last_key(TIMES)
    if latest is not None and integer_of(latest[:NUMBER_BYTES]) > view.number(ARRIVAL):
        yield f"an outcome of decision {integer_of(latest[:NUMBER_BYTES])}, but {view.number(ARRIVAL)} were made"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

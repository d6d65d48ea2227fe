"""Releases to compare a candidate with, if the pass that scores the candidate can score them too."""

from dataclasses import dataclass
from typing import Final

from antifraud.artifacts.bundle import Bundle, open_release
from antifraud.artifacts.pointer import read_pointer
from antifraud.clock import ONE_DAY, Span
from antifraud.errors import ReleaseError
from antifraud.features.registry import feature_set_hash
from antifraud.model.evaluator import load_evaluator
from antifraud.settings.core import JobSettings
from antifraud.stats.comparison import MIN_PAIRED_DAYS
from jobs.rows.inputs import Inputs
from jobs.rows.windows import Windows

CHAMPION: Final = "champion"


@dataclass(frozen=True, slots=True)
class Rival:
    """The release in a role: champion (it serves), previous or anchor (kept to go back to).

    `bundle` and `days` are None if it cannot be scored on the certify rows; `note` says why. `days` are the days of the
    certify window that neither model had seen when it was frozen.
    """

    role: str
    release: str
    note: str = ""
    bundle: Bundle | None = None
    days: Span | None = None


def find_rivals(settings: JobSettings, inputs: Inputs, candidate: str) -> list[Rival]:
    """Return the champion first, even if it cannot be scored, then previous and anchor.

    Previous and anchor are left out unless they can be scored on every certify day. The list is empty if nothing
    serves. The candidate is no rival of its own, and no release appears twice.
    """
    pointer = read_pointer(settings.releases_dir)
    if pointer is None:
        return []
    roles = {CHAMPION: pointer.release, "previous": pointer.previous, "anchor": pointer.anchor}
    known, found = {candidate, None}, []
    for role, release in roles.items():
        if release is None or release in known:
            continue
        known.add(release)
        rival = _rival(settings, inputs, role, release)
        if role == CHAMPION or rival.days == inputs.spans["certify"]:
            found.append(rival)
    return found


def _rival(settings: JobSettings, inputs: Inputs, role: str, release: str) -> Rival:
    try:
        bundle = open_release(settings, release)
        load_evaluator(bundle)  # an unreadable model must fail here, not in the pass that scores the candidate
    except ReleaseError as error:
        return Rival(role, release, f"It does not verify ({error}).")
    if (theirs := bundle.manifest["feature_set"]) != (ours := feature_set_hash()):
        differs = f"Its feature set differs from today's ({theirs}, not {ours}), so it cannot score today's rows."
        return Rival(role, release, f"{differs} It is replaced only if it is named: --replace-unjudged {release}.")
    days = unseen_days(Windows.from_dict(bundle.manifest["windows"]), inputs.spans["certify"])
    if days is None or len(days.days) < MIN_PAIRED_DAYS:
        return Rival(role, release, f"Fewer than {MIN_PAIRED_DAYS} days lie after both models were frozen.")
    return Rival(role, release, "", bundle, days)


def unseen_days(earlier: Windows, certify: Span) -> Span | None:
    """Return the days of a certify window after another model's select window; None if there are none."""
    first = max(certify.first, earlier.select.last + ONE_DAY)
    return Span(first, certify.last) if first <= certify.last else None

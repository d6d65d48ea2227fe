"""The bets about the terminals of a closed day; they only warn."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from antifraud.killswitch.detectors.bets import BUDGET, BetEvidence, bet, can_bet
from serving.store.guard_port import StoredTerminal
from serving.store.port import EvidenceKey

TERMINALS: Final = ":terminals"
"""The name of the subject; no release has a colon in its name."""


def close_terminals(
    evidence: Mapping[EvidenceKey, Mapping[str, Any]], terminals: Iterable[StoredTerminal], day: int, limit: float
) -> dict[EvidenceKey, Mapping[str, Any]]:
    """Return the bets of each era after a closed day; nothing where no stake can test the limit."""
    blocks: dict[int, Counter[tuple[int, int]]] = defaultdict(Counter)
    for era, counts in terminals:
        blocks[era][counts.lower.rows, counts.lower.flagged] += 1
    return {
        (era, TERMINALS): _describe(era, bet(_read(evidence.get((era, TERMINALS))), found, limit), day, found.total())
        for era, found in blocks.items()
        if can_bet(limit)
    }


def _read(said: Mapping[str, Any] | None) -> BetEvidence:
    return BetEvidence.from_dict(said["detector"]) if said else BetEvidence()


def _describe(era: int, evidence: BetEvidence, day: int, terminals: int) -> dict[str, Any]:
    return {
        "subject": "terminals",
        "release": None,
        "epoch": era,
        "budget": BUDGET,
        "warns": evidence.warns,
        "detector": evidence.to_dict(),
        "recent": [[day, terminals]],
    }

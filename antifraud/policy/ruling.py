"""The ruling on a payment: the effect of score and rules, the hits, and the draw of the control share."""

import hashlib
from typing import Final, NamedTuple

from antifraud.policy.rules import EFFECTS, Effect

_WORD: Final = 64
_EFFECT, _DRAWN, _LET_THROUGH = 3, 4, 8
"""Bits of a packed ruling's first byte."""
_HEAD: Final = 2


class Ruling(NamedTuple):
    """A ruling.

    Attributes:
        effect: What score and rules make of the payment, before the control share.
        hits: Places of the rules that were hit, in the order of the policy; a byte each.
        drawn: Whether the payment was flagged and had a chance to be let through.
        let_through: Whether it was.
    """

    effect: Effect
    hits: bytes = b""
    drawn: bool = False
    let_through: bool = False

    @property
    def said(self) -> Effect:
        """The effect that the client is told."""
        return "approve" if self.let_through else self.effect

    def propensity(self, control_share: float) -> float:
        """Return the chance that the payment was not blocked, so that its label can become known.

        >>> Ruling("flag", drawn=True).propensity(0.02), Ruling("flag").propensity(0.02), Ruling("review").propensity(0)
        (0.02, 0.0, 1.0)
        """
        if self.drawn:
            return control_share
        return 0.0 if self.effect == "flag" else 1.0


def is_let_through(seed: str, control_share: float) -> bool:
    """Draw whether a would-be flag is let through; the same seed always gives the same draw.

    >>> [is_let_through("a1b2", share) for share in (0.0, 0.5, 1.0)]
    [False, False, True]
    """
    # A seed that is known before the commit: an attempt that is repeated after a race must not draw anew.
    digest = hashlib.blake2b(seed.encode(), digest_size=_WORD // 8, person=b"control share").digest()
    return int.from_bytes(digest, "big") < control_share * (1 << _WORD)


def pack_ruling(ruling: Ruling) -> bytes:
    """Pack a ruling: two bytes, and one for each hit.

    >>> ruling = Ruling("review", bytes([3, 8]))
    >>> unpack_ruling(pack_ruling(ruling) + b"more") == (ruling, 4)
    True
    """
    marks = EFFECTS.index(ruling.effect) | _DRAWN * ruling.drawn | _LET_THROUGH * ruling.let_through
    return bytes((marks, len(ruling.hits))) + ruling.hits


def unpack_ruling(packed: bytes) -> tuple[Ruling, int]:
    """Return the ruling at the beginning of `packed`, and its size."""
    marks, end = packed[0], _HEAD + packed[1]
    effect = EFFECTS[marks & _EFFECT]
    return Ruling(effect, packed[_HEAD:end], bool(marks & _DRAWN), bool(marks & _LET_THROUGH)), end

"""Eras of evidence begin with trips only, and a decision's epoch says which era it is of."""

import pytest

from antifraud.killswitch.eras import FIRST, Eras


def test_an_epoch_belongs_to_the_era_that_began_last():
    """Trips began epochs 3 and 8; other changes in between began no era."""
    eras = FIRST.begin(3).begin(8)

    assert eras == Eras((0, 3, 8))
    assert [eras.era_of(epoch) for epoch in (0, 2, 3, 7, 8, 20)] == [0, 0, 3, 3, 8, 8]
    assert (FIRST.present, eras.present) == (0, 8)


def test_an_era_begins_once_and_never_in_the_past():
    """A repeated trip of the same epoch changes nothing."""
    assert Eras((0, 3)).begin(3) == Eras((0, 3))
    with pytest.raises(ValueError, match="era 3 has begun"):
        Eras((0, 3)).begin(2)

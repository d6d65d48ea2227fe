"""The switch allows only the drawn transitions, and only from its present epoch."""

import itertools

import pytest

from antifraud.errors import StaleEpoch, TransitionRefused
from antifraud.killswitch.machine import INITIAL, Mode, Switch, change

DRAWN = {
    ("OBSERVE", "SERVING"),
    ("OBSERVE", "SUSPENDED"),
    ("SERVING", "ROLLED_BACK"),
    ("SERVING", "SUSPENDED"),
    ("ROLLED_BACK", "SERVING"),
    ("ROLLED_BACK", "SUSPENDED"),
    ("SUSPENDED", "SERVING"),
    ("SUSPENDED", "ROLLED_BACK"),
}


@pytest.mark.parametrize(("start", "end"), list(itertools.product(Mode, Mode)))
def test_only_the_drawn_transitions_exist(start, end):
    """Each pair of modes is either drawn and raises the epoch by one, or refused."""
    before = Switch(start, 4, "old", "somebody", 1)
    if (start, end) not in DRAWN:
        with pytest.raises(TransitionRefused, match=f"{start} cannot become {end}"):
            change(before, end, expected_epoch=4, reason="new", by="boss", at=2)
    else:
        after = change(before, end, expected_epoch=4, reason="new", by="boss", at=2)
        assert after == Switch(end, 5, "new", "boss", 2)


@pytest.mark.parametrize("read", [-1, 1, 99])
def test_another_epoch_is_refused(read):
    """A change that was decided on an old reading is refused."""
    with pytest.raises(StaleEpoch, match=f"at epoch 0, the change was decided at {read}"):
        change(INITIAL, Mode.SUSPENDED, expected_epoch=read, reason="drill", by="boss", at=1)

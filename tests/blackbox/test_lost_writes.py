"""A power cut may drop any page that was not synced: a damaged store is found when it is opened."""

import numpy as np
import pytest

from tests.blackbox.traffic import decide_all

PAGE = 4_096
META_PAGES = 2


def drop_pages(data, earlier, share, seed):
    """Put back the earlier contents of some pages that have changed since; the two meta pages stay as they are."""
    draw, now = np.random.default_rng(seed), bytearray(data.read_bytes())
    earlier = earlier.ljust(len(now), b"\0")
    places = range(META_PAGES * PAGE, len(now), PAGE)
    for place in places:
        page = slice(place, place + PAGE)
        if now[page] != earlier[page] and draw.random() < share:
            now[page] = earlier[page]
    data.write_bytes(now)


@pytest.mark.parametrize("share", [0.02, 0.3, 1.0])
def test_dropped_pages_are_found(build, scorer_of, share):
    """With pages missing, either all is refused, or every decision is still there: none is made anew or altered."""
    home = build()
    data = home / "store" / "data.mdb"
    with scorer_of(home) as scorer:
        decide_all(scorer, range(100))
        earlier = data.read_bytes()
        first = decide_all(scorer, range(400))
    drop_pages(data, earlier, share, seed=3)

    with scorer_of(home, ready=False) as scorer:
        decide_all(scorer, range(20))
        again = decide_all(scorer, range(400))

    statuses = {answer.status for answer in again}
    assert statuses in ({200}, {503})
    if statuses == {200}:
        assert [answer.body for answer in again] == [answer.body for answer in first]

"""A power cut may drop any page that was not synced: a damaged store is found when it is opened."""

import time

import numpy as np
import pytest

from tests.blackbox.traffic import decide_all

PAGE = 4_096
META_PAGES = 2
SETTLED_SECONDS = 2


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
    """With pages missing no decision is made anew or altered, and damage that was met once stops all decisions."""
    home = build()
    data = home / "store" / "data.mdb"
    with scorer_of(home) as scorer:
        decide_all(scorer, range(100))
        earlier = data.read_bytes()
        first = decide_all(scorer, range(400))
    drop_pages(data, earlier, share, seed=3)

    with scorer_of(home, ready=False) as scorer:
        met = decide_all(scorer, range(400))
        time.sleep(SETTLED_SECONDS)
        again = decide_all(scorer, range(400))

    for answers in (met, again):
        assert all(b.body == a.body for a, b in zip(first, answers, strict=True) if b.status == 200)
        assert {answer.status for answer in answers} <= {200, 503}
    assert {answer.status for answer in again} in ({200}, {503})

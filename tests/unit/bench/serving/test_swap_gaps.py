"""The longest gap of a swap is taken from the answers around it."""

import pytest

from bench.serving.swap import Span, gaps_in


@pytest.mark.parametrize(
    ("answered", "gaps"),
    [
        ([1.0, 1.5, 2.25, 2.5, 4.0, 4.5], [0.75, 0.25, 1.5]),
        ([4.0, 2.25, 1.5], [0.75, 1.75]),
        ([1.0, 5.0], [4.0]),
        ([0.0, 1.0], []),
    ],
)
def test_gaps_touch_the_span(answered, gaps):
    """A gap counts if it overlaps the span from 2 to 3, whatever the order of the answers."""
    assert gaps_in(Span(2.0, 3.0), answered) == gaps

"""Parameters that only `make prove` tries."""

import pytest


def for_proofs(*values):
    """Return the values as parameters that `make test` leaves out."""
    return [pytest.param(value, marks=pytest.mark.prove) for value in values]

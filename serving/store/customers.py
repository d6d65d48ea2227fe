"""Customers of decisions that are shipped, so that missed frauds of one stolen card make one episode.

The entry of a decision names its customer, and goes when the decision is shipped; a label comes days later. So shipping
leaves a digest of the token behind, for as long as there is a stub: 16 bytes a decision, in the shipper's transaction.
"""

import hashlib
from typing import Final

from serving.store.stubs import unpack_entry
from serving.store.view import View

CUSTOMERS: Final = "customers"
_DIGEST_BYTES: Final = 8


def digest_of(token: str) -> bytes:
    """Return a short digest of a token, which stands for it in counts.

    >>> len(digest_of("k1.a")), digest_of("k1.a") == digest_of("k1.b")
    (8, False)
    """
    return hashlib.blake2b(token.encode(), digest_size=_DIGEST_BYTES).digest()


def keep_customer(view: View, arrival: bytes, entry: bytes) -> None:
    """Keep the customer of a decision whose entry goes."""
    view.put(CUSTOMERS, arrival, digest_of(unpack_entry(entry).customer))


def customer_of(view: View, arrival: bytes) -> bytes:
    """Return the digest of a decision's customer.

    A decision that an earlier version has shipped is its own customer: its arrival number stands for the digest.
    """
    if (entry := view.get("entries", arrival)) is not None:
        return digest_of(unpack_entry(entry).customer)
    return view.get(CUSTOMERS, arrival) or arrival

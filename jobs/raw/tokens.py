"""Tokens by native Spark expressions: the same function as `antifraud.pseudonym.tokenise`, without Python workers.

HMAC (RFC 2104) spelled out: ``H(key ^ opad, H(key ^ ipad, message))`` with the key padded to a block of SHA-256.
"""

from typing import Final

from pyspark.sql import Column
from pyspark.sql import functions as F

from antifraud.pseudonym import DIGEST_BYTES, Key, Kind

BLOCK_BYTES: Final = 64
INNER, OUTER = 0x36, 0x5C
TOKEN_CHARACTERS: Final = 22
HEX_CHARACTERS: Final = 2 * DIGEST_BYTES
SHA256_BITS: Final = 256


def token(key: Key, kind: Kind, identifier: Column) -> Column:
    """Token of an integer column; null for null."""
    inner, outer = (F.lit(_padded(key.secret, pad)) for pad in (INNER, OUTER))
    message = F.concat(F.lit(f"{kind}:"), identifier.cast("string")).cast("binary")
    digest = F.sha2(F.concat(outer, F.unhex(F.sha2(F.concat(inner, message), SHA256_BITS))), SHA256_BITS)
    encoded = F.base64(F.unhex(F.substring(digest, 1, HEX_CHARACTERS)))
    return F.concat(F.lit(f"{key.key_id}."), F.translate(F.substring(encoded, 1, TOKEN_CHARACTERS), "+/", "-_"))


def _padded(secret: bytes, pad: int) -> bytearray:
    """A key of at most one block, xor the pad."""
    return bytearray(byte ^ pad for byte in secret.ljust(BLOCK_BYTES, b"\0"))

r"""The values in requests and answers, each with its limits: ids, tokens, times, amounts, metadata.

A pattern begins with ``\A`` and ends with ``\Z``: in Python, ``$`` would also match before a line feed at the end.
The OpenAPI document has ``^`` and ``$`` instead, as JavaScript knows them.
"""

from typing import Annotated, Any, Final, Literal

from msgspec import Meta

from antifraud.keys.pseudonym import TOKEN_PATTERN
from antifraud.transaction_id import LONGEST, TRANSACTION_ID_PATTERN, is_transaction_id

MAX_ID: Final = (1 << 63) - 1
MAX_TIME: Final = 1 << 40
MAX_AMOUNT: Final = 10**9
MAX_REASON: Final = 500
MAX_METADATA, MAX_METADATA_NAME, MAX_METADATA_TEXT = 20, 32, 64
"""Metadata of one decision: so many texts, with so many characters in a name and in a text."""

Time = Annotated[int, Meta(ge=0, le=MAX_TIME, description="UTC seconds")]
Token = Annotated[
    str, Meta(pattern=rf"\A{TOKEN_PATTERN}\Z", max_length=40, description="token of a customer or a terminal")
]
Amount = Annotated[int, Meta(ge=1, le=MAX_AMOUNT, description="amount in minor units")]
Score = Annotated[int, Meta(ge=0, le=1_000_000, description="parts per million")]
ReleaseName = Annotated[
    str, Meta(pattern=r"\A[0-9A-Za-z][0-9A-Za-z._-]{0,99}\Z", max_length=100, description="id of a release")
]
LabelStatus = Literal["fraud", "legitimate", "unknown"]
OutcomeKind = Literal["authorised", "declined", "challenge_passed", "challenge_failed"]
Propensity = Annotated[
    float, Meta(ge=0.001, le=1, description="probability that the transaction got a label; 1 unless drawn at random")
]
MetadataName = Annotated[str, Meta(pattern=rf"\A[A-Za-z0-9._-]{{1,{MAX_METADATA_NAME}}}\Z")]
MetadataText = Annotated[str, Meta(max_length=MAX_METADATA_TEXT)]
Metadata = Annotated[
    dict[MetadataName, MetadataText],
    Meta(max_length=MAX_METADATA, description="texts of the client, kept and echoed; never identifiers or secrets"),
]


class TransactionId(str):
    """The id of a transaction in a request."""

    __slots__ = ()


def decode_transaction_id(_: type[TransactionId], value: Any) -> TransactionId:
    """Return a JSON value as an id; an integer stands for its decimal text.

    Raises:
        ValueError: The value is no id; msgspec adds the path of the field.
    """
    # In Python, true and false are integers, too.
    is_number = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if not (is_number or isinstance(value, str)) or not is_transaction_id(text := str(value)):
        raise ValueError("no transaction id")
    return TransactionId(text)


def encode_transaction_id(value: Any) -> str:
    """Return an id as the text that it is: msgspec encodes no kinds of text.

    Raises:
        TypeError: The value is something else, which no request has.
    """
    if not isinstance(value, TransactionId):
        raise TypeError("a request has texts, integers and nothing else")
    return str(value)


def schema_of(kind: type) -> dict[str, Any]:
    """Return the JSON schema of `TransactionId`, the one type that msgspec does not know.

    Raises:
        NotImplementedError: It is another type; msgspec expects this error.
    """
    if kind is not TransactionId:
        raise NotImplementedError
    text = {"type": "string", "pattern": rf"\A{TRANSACTION_ID_PATTERN}\Z"}
    number = {"type": "integer", "minimum": 0, "maximum": 10**LONGEST - 1}
    return {"anyOf": [text, number], "description": "id of the transaction; an integer stands for its decimal text"}

"""Reasons why a file, or a part of it, could not be searched: never its content."""

import gzip
import lzma
import os
import zlib
from typing import Final

from jobs.spark.troubles import comes_from_s3

REASONS: Final[tuple[tuple[tuple[type[Exception], ...], str], ...]] = (
    ((PermissionError,), "permission denied"),
    ((EOFError,), "it ends early"),
    ((zlib.error, lzma.LZMAError, gzip.BadGzipFile), "its compressed data is damaged"),
    ((NotImplementedError,), "its compression or one of its types is not supported"),
    ((MemoryError,), "it needs more memory than there is"),
)


class Damage(Exception):
    """Why something could not be searched: a piece of its file, and raised only inside the file's reader."""


def damage_of(error: Exception, kind: str) -> Damage:
    """Return an exception of a reader of `kind` as damage of the file.

    The text of the exception is left out, because libraries quote what they read. A file that is gone and a storage
    in trouble are no damage, so their exceptions are raised again.
    """
    if isinstance(error, Damage):
        return error
    if not isinstance(error, PermissionError) and (isinstance(error, FileNotFoundError) or comes_from_s3(error)):
        raise error
    for types, reason in REASONS:
        if isinstance(error, types):
            return Damage(f"{kind}: {reason}")
    if isinstance(error, OSError) and error.errno:
        return Damage(f"{kind}: {os.strerror(error.errno).lower()}")
    return Damage(f"{kind}: damaged or incomplete ({type(error).__name__})")

"""The answer of a reading process: frames of a kind, a length and a payload."""

from __future__ import annotations

import struct
from enum import Enum, IntEnum

HEADER = struct.Struct(">cI")
"""Kind and length of the payload that follows."""

MAX_ROW_CHARACTERS = 1_000_000
"""Text of one row; far more than any list has, and little enough to hold a thousand times."""

MAX_PHOTO_BYTES = 32_000_000
MAX_NAME_CHARACTERS = 255
"""Of a photo; part of a key of the store."""

_MAX_SMALL_BYTES = 65_536
_MAX_LARGE_BYTES = (
    10 * MAX_ROW_CHARACTERS
)  # JSON needs up to six bytes for a character, and marks between cells


class Kind(Enum):
    """What a frame says; JSON unless told otherwise."""

    READY = b"R"
    """The process has confined itself: a list of what it could not give up, in English."""
    FORMAT = b"F"
    """Value of `Format`."""
    SHEET = b"S"
    """Fields of `Sheet`, without its rows; rows follow until END."""
    ROWS = b"W"
    """[row numbers, cells of each row]; blank rows are left out."""
    END = b"E"
    """How many blank rows were left out of the sheet."""
    PHOTO = b"P"
    """{file_name, refused_because}, a line feed, and the bytes of the picture."""
    REFUSED = b"X"
    """Why the file is refused, in Dutch; the last frame."""
    DONE = b"D"
    """null; the last frame of a file that is read to its end."""


MAX_PAYLOAD_BYTES = dict.fromkeys(Kind, _MAX_SMALL_BYTES) | {
    Kind.SHEET: _MAX_LARGE_BYTES,
    Kind.ROWS: _MAX_LARGE_BYTES,
    Kind.PHOTO: MAX_PHOTO_BYTES + _MAX_SMALL_BYTES,
}


class Exit(IntEnum):
    """How a reading process ends that has no last frame to send."""

    OUT_OF_MEMORY = 71
    NOT_INSTALLED = 72
    """A module that it needs is missing: not the file's fault."""

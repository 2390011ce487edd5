"""Where the bytes of a file come from: a landed file, or an entry of a zip, never unpacked to disk."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Protocol


class Source(Protocol):
    """The bytes of one file, to be read from the start as often as a reader likes."""

    @property
    def size(self) -> int:
        """Its length in bytes."""

    def open(self) -> IO[bytes]:
        """A stream to read forwards, in flat memory."""

    def open_seekable(self) -> IO[bytes]:
        """A stream to jump about in; of an entry of a zip that is a copy in memory."""


class File:
    """A file on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def size(self) -> int:
        """Its length in bytes."""
        return self.path.stat().st_size

    def open(self) -> IO[bytes]:
        """A stream to read forwards."""
        return self.path.open("rb")

    def open_seekable(self) -> IO[bytes]:
        """A stream to jump about in."""
        return self.path.open("rb")

"""What can happen to a sound file: mutations of its bytes, its tokens, its parts and its tables.

The `repr` of each says what it does, so that a failure can be read and done again.
"""

from __future__ import annotations

import io
import json
import re
import sqlite3
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from typing import NamedTuple, Self
from xml.sax.saxutils import escape

_TOKENS = {
    "csv": re.compile(rb"[^;\r\n]+|[;\r\n]"),
    "json": re.compile(rb'"(?:[^"\\]|\\.)*"|[-+.0-9A-Za-z]+|[{}\[\],:]'),
    "xml": re.compile(rb"<[^>]*>|[^<]+"),
}


_VALUES = {
    "csv": re.compile(rb"(?P<value>[^;\r\n]+)"),
    "json": re.compile(rb'(?P<value>"(?:[^"\\]|\\.)*"(?!\s*:)|-?[0-9][-+.0-9eE]*|null)'),
    "xml": re.compile(rb">(?P<value>[^<>]+)<"),
    "attribute": re.compile(rb'="(?P<value>[^"]*)"'),
}


class Named(bytes):
    """Bytes that are too long to show, shown by name."""

    name: str

    def __new__(cls, content: bytes, name: str) -> Self:
        """The content under a name."""
        self = super().__new__(cls, content)
        self.name = name
        return self

    def __repr__(self) -> str:
        return self.name


class OnBytes(NamedTuple):
    """Something done to bytes: flip, insert, delete, double, cut, splice or fill."""

    what: str
    at: int
    count: int = 0
    piece: bytes = b""

    def __call__(self, content: bytes) -> bytes:
        """The bytes after it."""
        at = self.at % (len(content) + 1)
        before, after = content[:at], content[at:]
        match self.what:
            case "flip" if after:
                return before + bytes([after[0] ^ (1 << self.count % 8)]) + after[1:]
            case "insert":
                return before + self.piece + after
            case "delete":
                return before + after[self.count :]
            case "double":
                return before + after[: self.count] + after
            case "cut":
                return before
            case "splice":
                return before + self.piece[self.count % (len(self.piece) + 1) :]
            case "fill":
                return before + self.piece[:1] * min(self.count, len(after)) + after[self.count :]
        return content


class OnTokens(NamedTuple):
    """Something done to the tokens of a text: replace, remove, repeat or swap."""

    grammar: str
    what: str
    at: int
    other: int = 0
    piece: bytes = b""

    def __call__(self, content: bytes) -> bytes:
        """The text after it."""
        found = list(_TOKENS[self.grammar].finditer(content))
        if not found:
            return content
        token, other = found[self.at % len(found)], found[self.other % len(found)]
        start, end = token.span()
        match self.what:
            case "replace":
                new = self.piece
            case "quote":
                new = b'"' + self.piece + b'"'
            case "remove":
                new = b""
            case "repeat":
                new = token[0] * (2 + self.other % 50)
            case _:
                new = other[0]
        return content[:start] + new + content[end:]


class OnValues(NamedTuple):
    """A value that says something else, in sound writing: so that it is read, and has to be judged."""

    grammar: str
    at: int
    piece: bytes

    def __call__(self, content: bytes) -> bytes:
        """The text after it."""
        found = list(_VALUES[self.grammar].finditer(content))
        if not found:
            return content
        start, end = found[self.at % len(found)].span("value")
        return content[:start] + self._written() + content[end:]

    def _written(self) -> bytes:
        text = self.piece.decode("utf-8", errors="replace")
        match self.grammar:
            case "csv":
                written = text.replace('"', '""')
                return f'"{written}"'.encode()
            case "json":
                return self.piece if _is_json(self.piece) else json.dumps(text).encode()
            case _:
                return escape(text, {'"': "&quot;"}).encode()


def _is_json(piece: bytes) -> bool:
    try:
        json.loads(piece)
    except (ValueError, RecursionError):
        return False
    return True


class Recoded(NamedTuple):
    """A text in another encoding."""

    encoding: str

    def __call__(self, content: bytes) -> bytes:
        """The text after it."""
        return content.decode("utf-8-sig", errors="replace").encode(self.encoding, errors="replace")


class OnPart(NamedTuple):
    """Something done to one part of a zip: its content, its name, or whether it is there."""

    what: str
    part: int
    inside: tuple[Callable[[bytes], bytes], ...] = ()
    name: str = ""

    def __call__(self, content: bytes) -> bytes:
        """The zip after it; what is no zip any more stays as it is."""
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                parts = [(name, archive.read(name)) for name in archive.namelist()]
        except (zipfile.BadZipFile, zlib.error, OSError, ValueError, RuntimeError, NotImplementedError):
            return content
        if not parts:
            return content
        at = self.part % len(parts)
        name, text = parts[at]
        match self.what:
            case "change":
                for change in self.inside:
                    text = change(text)
                parts[at] = (name, text)
            case "rename":
                parts[at] = (self.name, text)
            case "drop":
                del parts[at]
            case "add":
                parts.append((self.name, text))
        return _zip(parts)


def _zip(parts: list[tuple[str, bytes]]) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # of names that come twice, as they may here
        for name, text in parts:
            archive.writestr(zipfile.ZipInfo(name), text)
    return stream.getvalue()


class OnRecords(NamedTuple):
    """Something done to a record of the old Excel format: its kind, its body, its length, or its presence."""

    what: str
    at: int
    number: int = 0
    inside: tuple[Callable[[bytes], bytes], ...] = ()

    def __call__(self, stream: bytes) -> bytes:
        """The stream after it."""
        starts, position = [], 0
        while position + 4 <= len(stream):
            starts.append(position)
            position += 4 + struct.unpack_from("<H", stream, position + 2)[0]
        start = starts[self.at % len(starts)]
        kind, size = struct.unpack_from("<HH", stream, start)
        body, after = stream[start + 4 : start + 4 + size], stream[start + 4 + size :]
        match self.what:
            case "kind":
                kind = self.number
            case "length":
                size = self.number
            case "drop":
                return stream[:start] + after
            case "double":
                after = stream[start:]
            case "body":
                for change in self.inside:
                    body = change(body)[: 2**16 - 1]
                size = len(body)
        return stream[:start] + struct.pack("<HH", kind, size) + body + after


class OnTables(NamedTuple):
    """A statement carried out in a GeoPackage."""

    sql: str

    def __call__(self, content: bytes) -> bytes:
        """The GeoPackage after it; where the statement is refused, as it was."""
        connection = sqlite3.connect(":memory:")
        try:
            connection.deserialize(content)
            connection.executescript(f"PRAGMA writable_schema = ON; {self.sql}; ")
            return connection.serialize()
        except sqlite3.Error:
            return content
        finally:
            connection.close()

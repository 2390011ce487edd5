"""A JSON object whose one long array is walked element by element: only one is in memory at a time."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import Any

MAX_VALUE_CHARACTERS = 32_000_000
"""Of one element; it is held in memory as a whole."""

_CHUNK_CHARACTERS = 262_144
_SPACE = re.compile(r"[ \t\r\n]*")
_LONGEST_LITERAL = len("-Infinity")


class Number(str):
    """A number as it is written."""

    __slots__ = ()


_DECODE = json.JSONDecoder(parse_int=Number, parse_float=Number, parse_constant=Number).raw_decode


class Malformed(ValueError):
    """The text is no JSON.

    Args:
        line: on which it goes wrong, from 1.
    """

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line}")
        self.line = line


class TooLong(Malformed):
    """One value is longer than MAX_VALUE_CHARACTERS."""


def walk(text: io.TextIOBase, array: str, members: dict[str, Any]) -> Iterator[Any]:
    """Yield the elements of one array of the object in a text; numbers stay the text they were written
    as, in a type of its own.

    Args:
        array: name of the member that holds the array.
        members: is filled with the other members, and with `array` itself: True, or what it is instead.

    Raises:
        Malformed: at the first character that JSON does not allow there.
        UnicodeDecodeError, RecursionError: if the text is not in its encoding, or nested too deep.
    """
    cursor = _Cursor(text)
    for _ in _items(cursor, "{", "}"):
        if cursor.peek() != '"':
            raise cursor.malformed()
        name = cursor.value()
        cursor.skip(":")
        if name == array and array in members:
            raise cursor.malformed()
        if name == array and cursor.peek() == "[":
            members[array] = True
            for _ in _items(cursor, "[", "]"):
                yield cursor.value()
        else:
            members[name] = cursor.value()
    if cursor.peek():
        raise cursor.malformed()


def _items(cursor: _Cursor, opening: str, closing: str) -> Iterator[None]:
    """Stop before each item between two brackets, for the caller to take it."""
    cursor.skip(opening)
    if cursor.peek() != closing:
        yield
        while cursor.peek() == ",":
            cursor.skip(",")
            yield
    cursor.skip(closing)


class _Cursor:
    """A place in a text of which only the piece around it is in memory."""

    def __init__(self, text: io.TextIOBase) -> None:
        self._text = text
        self._buffer, self._at, self._is_all = "", 0, False
        self._lines_before = 0

    def peek(self) -> str:
        """The next sign that is no white space; nothing at the end."""
        while True:
            self._at = _SPACE.match(self._buffer, self._at).end()  # type: ignore[union-attr]  # it matches nothing too
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if self._is_all:
                return ""
            self._read_on()

    def skip(self, sign: str) -> None:
        """Go past a sign that has to be there."""
        if self.peek() != sign:
            raise self.malformed()
        self._at += 1

    def value(self) -> Any:
        """The value that starts here."""
        self.peek()
        while True:
            try:
                value, end = _DECODE(self._buffer, self._at)
            except json.JSONDecodeError as error:
                if self._is_all or self._is_certain(error):
                    raise self.malformed(error.pos) from error
            else:
                is_closed = self._buffer[self._at] in '"[{'
                if is_closed or self._is_all or end + _LONGEST_LITERAL < len(self._buffer):
                    self._at = end
                    return value
            self._read_on()

    def _is_certain(self, error: json.JSONDecodeError) -> bool:
        """Whether more text cannot mend it; what breaks off with the buffer fails at its end."""
        return not error.msg.startswith("Unterminated") and error.pos + _LONGEST_LITERAL < len(self._buffer)

    def _read_on(self) -> None:
        self._lines_before += self._buffer.count("\n", 0, self._at)
        rest = self._buffer[self._at :]
        if len(rest) > MAX_VALUE_CHARACTERS:
            raise TooLong(self._lines_before + 1)
        more = self._text.read(max(_CHUNK_CHARACTERS, len(rest)))  # doubling: a long value is not read often
        self._buffer, self._at, self._is_all = rest + more, 0, not more

    def malformed(self, at: int | None = None) -> Malformed:
        """The error of a place in the buffer, by default of the next sign."""
        return Malformed(self._lines_before + 1 + self._buffer.count("\n", 0, self._at if at is None else at))

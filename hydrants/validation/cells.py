"""The cells of one column become values; equal texts are parsed once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from hydrants.formats.cells import NUL_SIGN, UNCALCULATED
from hydrants.validation import reasons
from hydrants.validation.reasons import Refusal, Remarked
from hydrants.validation.values import MAX_TEXT_CHARACTERS, Parser, PlainParser, parse_text

_REMEMBERED_TEXTS = 50_000
_REMEMBERED_CHARACTERS = 200
_ODD = re.compile(r"[^ -~\n]|^ | $", re.MULTILINE)  # not plain ASCII, or spaces around a text


class ColumnParser(dict[str | None, Any]):
    """Parses a column's texts, chunk by chunk; a mapping from text to value that fills itself.

    Args:
        name: column of `record` that it fills.
        index: of the sender's column.
        title: the sender's heading.
        parse: from a text without spaces around it to a value.
        parse_plain: the same for many plain texts at once, where they are mostly different.
        is_verbatim: whether spaces around the text belong to it.
    """

    def __init__(
        self,
        name: str,
        index: int,
        title: str,
        parse: Parser,
        parse_plain: PlainParser | None = None,
        is_verbatim: bool = False,
    ) -> None:
        self.name = name
        self.index = index
        self.title = title
        self._parse = parse
        self._parse_plain = parse_plain
        self._is_verbatim = is_verbatim
        self._has_exceptions = False
        self[None] = self[""] = None

    def parsed(self, texts: Sequence[str | None]) -> tuple[list[Any], dict[int, Refusal], dict[int, Refusal]]:
        """What the texts say, None where there is nothing or nothing usable.

        Returns:
            The values; what is refused, by position; what is remarked, by position.
        """
        plain = self._plain(texts)
        if plain is not None:
            return plain, {}, {}
        if len(self) > _REMEMBERED_TEXTS:
            self.clear()
            self._has_exceptions = False
            self[None] = self[""] = None
        found = list(map(self.__getitem__, texts))
        refused: dict[int, Refusal] = {}
        remarked: dict[int, Refusal] = {}
        if self._has_exceptions:
            for position, value in enumerate(found):
                if type(value) is Refusal:
                    refused[position] = value
                    found[position] = None
                elif type(value) is Remarked:
                    remarked[position] = value.remark
                    found[position] = value.value
        return found, refused, remarked

    def _plain(self, texts: Sequence[str | None]) -> list[Any] | None:
        """The values where nothing about the texts is out of the ordinary, else None."""
        if self._parse_plain is None:
            return None
        filled = [text for text in texts if text]
        joined = "\n".join(filled)
        is_odd = _ODD.search(joined) or UNCALCULATED in joined or joined.count("\n") >= max(1, len(filled))
        found = None if is_odd else self._parse_plain(filled, joined)
        if found is None or len(filled) == len(texts):
            return found
        following = iter(found)
        return [next(following) if text else None for text in texts]

    def __missing__(self, verbatim: str) -> Any:
        text = verbatim.strip()
        value = self._value(text, verbatim) if text else None
        if len(verbatim) <= _REMEMBERED_CHARACTERS:
            self[verbatim] = value
        if type(value) is Refusal or type(value) is Remarked:
            self._has_exceptions = True
        return value

    def _value(self, text: str, verbatim: str) -> Any:
        if NUL_SIGN in text:
            return reasons.DAMAGED_TEXT
        if text == UNCALCULATED:
            return reasons.UNCALCULATED_FORMULA
        if len(text) > MAX_TEXT_CHARACTERS:
            return parse_text(text, MAX_TEXT_CHARACTERS)
        return self._parse(verbatim if self._is_verbatim else text)

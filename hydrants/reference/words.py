"""Words as people write them, and what they mean."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

Value = TypeVar("Value")

_NEAR_ENOUGH = 60.0  # of 100: "goedgekeurt" is near "goedgekeurd", "blauw" is near nothing


def fold(text: str) -> str:
    """A text without accents, case, spaces and punctuation, to compare headings and words by.

    What consists of signs only ("-", "✓") is kept as it is.
    """
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(filter(str.isalnum, decomposed)) or text.strip()


class Vocabulary(Generic[Value]):
    """Words, compared folded, that each mean one value.

    Args:
        words_by_value: the words of each value, as people write them.

    Raises:
        ValueError: if a word means two values.
    """

    def __init__(self, words_by_value: Mapping[Value, Iterable[str]]) -> None:
        self._value_by_word: dict[str, Value] = {}
        self._spelling: dict[str, str] = {}
        for value, spellings in words_by_value.items():
            for spelling in spellings:
                word = fold(spelling)
                if self._value_by_word.setdefault(word, value) != value:
                    other = self._value_by_word[word]
                    raise ValueError(f"{spelling!r} means both {other!r} and {value!r}")
                self._spelling.setdefault(word, spelling)

    def get(self, text: str) -> Value | None:
        """What a text means, or None."""
        return self._value_by_word.get(fold(text))

    def nearest(self, text: str) -> str | None:
        """The known word that looks most like a text, or None when none comes near."""
        from rapidfuzz import fuzz, process  # lazy: only a refused row needs it

        found = process.extractOne(
            fold(text), sorted(self._spelling), scorer=fuzz.ratio, score_cutoff=_NEAR_ENOUGH
        )
        return self._spelling[found[0]] if found else None

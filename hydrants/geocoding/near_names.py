"""The names within a slip of the pen or two of one that was written."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rapidfuzz import process
from rapidfuzz.distance import OSA

ONE_TYPO_FROM, TWO_TYPOS_FROM = 5, 11  # letters of the key: a shorter name is too easily another's
_NOT_DIGITS = re.compile(r"\D+")

_Bucket = tuple[str, str, int]


class NearNames:
    """Names by `street_key`, to be asked for the ones close to another.

    Another number in a name is another street, not a typo. Most slips leave the first letter alone, so that
    only the names with that letter are compared; one slip that does not leaves all letters behind it alone.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self._position: dict[str, int] = {}
        self._buckets: dict[_Bucket, list[str]] = {}
        self._by_tail: dict[str, list[str]] = {}
        for position, key in enumerate(keys):
            self._position[key] = position
            self._buckets.setdefault((_digits(key), key[:1], len(key)), []).append(key)
            self._by_tail.setdefault(key[1:], []).append(key)

    def within(self, key: str, most: int) -> list[tuple[int, str]]:
        """(typos, name) of every name that is as close as the length of a name allows, the closest first.

        Args:
            most: typos, one or two. Two, one of them in the first letter, make it another name: Oosthoek,
                Westhoek.
        """
        allowed = min(most, (len(key) >= ONE_TYPO_FROM) + (len(key) >= TWO_TYPOS_FROM))
        if not allowed:
            return []
        digits = _digits(key)
        choices: list[str] = []
        for length in range(len(key) - allowed, len(key) + allowed + 1):
            choices += self._buckets.get((digits, key[0], length), ())
        if most == 1:
            choices += self._with_another_first_letter(key, digits)
        if not choices:
            return []
        found = process.extract(key, choices, scorer=OSA.distance, score_cutoff=allowed, limit=None)
        close = [(int(typos), other) for other, typos, _ in found]
        if len(close) > 1:
            close.sort(key=lambda one: (one[0], len(one[1]), self._position[one[1]]))
        return close

    def _with_another_first_letter(self, key: str, digits: str) -> list[str]:
        """Names of another first letter that may be one typo away: that letter is other, missing or added."""
        shorter, swapped = key[1:], key[1] + key[0] + key[2:]
        found = [*self._by_tail.get(shorter, ()), *self._by_tail.get(key, ())]
        found += [other for other in (shorter, swapped) if other in self._position]
        return [other for other in found if other[0] != key[0] and _digits(other) == digits]


def _digits(key: str) -> str:
    return "" if key.isalpha() else _NOT_DIGITS.sub("", key)

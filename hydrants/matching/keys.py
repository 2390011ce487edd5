"""Numbers as keys of 64 bits, so that millions are looked up without a look at Python's scattered strings.

A key is a polynomial in `BASE` modulo 2**64 with the characters of a number as coefficients:
what a slip adds to it, or takes from it, follows from the characters that the slip touches.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

Texts = npt.NDArray[np.bytes_]
Keys = npt.NDArray[np.uint64]
_Positions = npt.NDArray[np.int64]

BASE = 0x9E3779B97F4A7C15


def signs(texts: Texts, width: int) -> npt.NDArray[np.uint8]:
    """The characters of each number, a column per place, 0 past its end; cut to `width` places."""
    return texts.astype(f"S{width}").view(np.uint8).reshape(len(texts), width)


def powers(count: int) -> Keys:
    """What the character of each place is multiplied by."""
    return np.array([pow(BASE, place, 2**64) for place in range(count)], np.uint64)


def keys(texts: Texts) -> Keys:
    """The key of each number."""
    key = np.zeros(len(texts), np.uint64)
    for column, power in zip(signs(texts, texts.itemsize).T, powers(texts.itemsize), strict=True):
        key += column * power
    return key


class NumberIndex:
    """Registered numbers, to look up written ones; a number may occur more than once.

    Attributes:
        texts: the numbers, none missing.
    """

    def __init__(self, texts: Texts) -> None:
        self.texts = texts
        key = keys(texts)
        self._names, self._places = pd.Index(key), None
        if not self._names.is_unique:
            name, names = pd.factorize(key)
            self._names, self._places = pd.Index(names), np.argsort(name, kind="stable")
            self._count = np.bincount(name, minlength=len(names))
            self._first = np.cumsum(self._count) - self._count

    @property
    def longest(self) -> int:
        """Characters of the longest number."""
        return self.texts.itemsize

    @cached_property
    def alphabet(self) -> Keys:
        """The characters that occur, as numbers."""
        occurs = np.zeros(256, bool)
        occurs[signs(self.texts, self.longest)] = True
        occurs[0] = False
        return np.flatnonzero(occurs).astype(np.uint64)

    def pairs(self, written: Keys) -> tuple[_Positions, _Positions]:
        """Positions in `written` and in `texts` of every pair of equal numbers, ordered by the first."""
        name = self._names.get_indexer(pd.Index(written))
        at = np.flatnonzero(name >= 0)
        name = name[at]
        if self._places is None:
            return at, name
        times = self._count[name]
        nth = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
        return np.repeat(at, times), self._places[np.repeat(self._first[name], times) + nth]

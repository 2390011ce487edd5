"""Hydrant numbers as crews write them, compared with the register's."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd
from rapidfuzz import process
from rapidfuzz.distance import OSA

from hydrants.matching.frames import IntArray, ObjectArray, distinct

_Keys = npt.NDArray[np.uint64]

SAME, UNLIKE, NO_NUMBER = 0, 3, -1
"""Slips between numbers that are equal, that have more than two between them, or of which one is missing."""

_NOT_ALPHANUMERIC = re.compile(r"[^0-9A-Z]+")
_LETTERS_THEN_DIGITS = re.compile(r"^[A-Z]{1,5}(?=\d{3,}$)")
_BASE = 0x9E3779B97F4A7C15


def fold(reference: str | None) -> str | None:
    """A number reduced to what identifies it: no spaces, signs, prefix letters or leading zeros.

    >>> fold(" dwg-0123 4567 "), fold("99 A"), fold("-")
    ('1234567', '99A', None)
    """
    if reference is None:
        return None
    kept = _NOT_ALPHANUMERIC.sub("", reference.upper())
    return _LETTERS_THEN_DIGITS.sub("", kept).lstrip("0") or None


def slips_between(written: ObjectArray, registered: ObjectArray) -> IntArray:
    """Slips (substitution, insertion, omission, swap of neighbours) between pairs of numbers; 3 is "more".

    Args:
        written, registered: folded numbers, pairwise, none missing.
    """
    if written.size == 0:
        return np.empty(0, np.int64)
    return process.cpdist(
        written.tolist(), registered.tolist(), scorer=OSA.distance, score_cutoff=2, dtype=np.int64
    )


def pairs_with_equal_number(written: ObjectArray, registered: ObjectArray) -> tuple[IntArray, IntArray]:
    """Positions in the two arrays of every pair of equal numbers, ordered by the first; none is missing."""
    left, right = (pd.util.hash_array(numbers, categorize=False) for numbers in (written, registered))
    return _equal(left, right)


def pairs_within_one_slip(written: ObjectArray, registered: ObjectArray) -> tuple[IntArray, IntArray]:
    """Positions in the two arrays of every pair of numbers that are equal or one slip apart.

    Whatever one slip can make of each written number is looked up among the registered ones: meant
    for few written numbers and a large register.

    Args:
        written, registered: folded numbers, none missing.

    Returns:
        Distinct pairs, ordered by both.
    """
    if not (written.size and registered.size):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    target = _signs(registered)
    # what is longer than any number of the register by more than a slip is like none
    short = np.flatnonzero([len(number) <= target.shape[1] for number in written])
    if not short.size:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    signs = _signs(written[short])
    alphabet = np.flatnonzero(np.bincount(target.ravel(), minlength=2)[1:]) + 1
    keys = np.concatenate([*_after_one_slip(signs.astype(np.uint64), alphabet.astype(np.uint64))])
    # a place past the end of a shorter number makes a key that is no number's, or the same once more
    at, hydrant = _equal(keys, _key(target.astype(np.uint64)))
    pairs = distinct(short[at % len(short)] * len(registered) + hydrant)
    return pairs // len(registered), pairs % len(registered)


def _equal(left: _Keys, right: _Keys) -> tuple[IntArray, IntArray]:
    """Positions of every pair of equal keys of 64 bits, ordered by the left one."""
    of_right, names = pd.factorize(right)
    wanted = pd.Index(names).get_indexer(pd.Index(left))
    at_left = np.flatnonzero(wanted >= 0)
    wanted = wanted[at_left]
    count = np.bincount(of_right, minlength=len(names))
    first, by_name = np.cumsum(count) - count, np.argsort(of_right, kind="stable")
    times = count[wanted]
    nth = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
    return np.repeat(at_left, times), by_name[np.repeat(first[wanted], times) + nth]


def _signs(numbers: ObjectArray) -> npt.NDArray[np.uint8]:
    """The characters of each number, a column per place, 0 past its end; room for one more."""
    texts = np.array(numbers.tolist(), dtype=np.bytes_)
    signs = texts.view(np.uint8).reshape(len(texts), -1)
    return np.hstack([signs, np.zeros((len(texts), 1), np.uint8)])


def _powers(count: int) -> _Keys:
    return np.array([pow(_BASE, place, 2**64) for place in range(count)], np.uint64)


def _key(signs: _Keys) -> _Keys:
    """A polynomial in `_BASE` modulo 2**64 with the characters as coefficients."""
    return signs @ _powers(signs.shape[1])


def _after_one_slip(signs: _Keys, alphabet: _Keys) -> Iterator[_Keys]:
    """The keys of all that no slip or one slip can make of each number, one array after another.

    What a slip adds to the sum that is the key, or takes from it, follows from the characters it touches.
    """
    # arrays of one, not scalars: numpy warns of the overflow that is meant here for scalars only
    powers = np.split(_powers(signs.shape[1] + 1), signs.shape[1] + 1)
    up_to = np.cumsum(signs * np.concatenate(powers[:-1]), axis=1)
    whole = up_to[:, -1]
    inverse = np.array([pow(_BASE, -1, 2**64)], np.uint64)
    yield whole
    for place in range(signs.shape[1]):
        here = signs[:, place]
        before = up_to[:, place] - here * powers[place]
        moved_on = before + (whole - before) * powers[1]
        yield before + (whole - up_to[:, place]) * inverse  # omitted
        for sign in np.split(alphabet, len(alphabet)):
            yield whole + (sign - here) * powers[place]  # another in its stead
            yield moved_on + sign * powers[place]  # one put in before it
        if place + 1 < signs.shape[1]:
            after = signs[:, place + 1]
            yield whole + (after - here) * powers[place] + (here - after) * powers[place + 1]  # swapped

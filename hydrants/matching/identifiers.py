"""Hydrant numbers as crews write them, compared with the register's."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import OSA

from hydrants.matching.frames import IntArray, distinct
from hydrants.matching.keys import BASE, Keys, NumberIndex, Texts, keys, powers, signs

SAME, UNLIKE, NO_NUMBER = 0, 3, -1
"""Slips between numbers that are equal, that have more than two between them, or of which one is missing."""

_NOT_ALPHANUMERIC = re.compile(r"[^0-9A-Z]+")
_LETTERS_THEN_DIGITS = re.compile(r"^[A-Z]{1,5}(?=\d{3,}$)")


def fold(reference: str | None) -> str | None:
    """A number reduced to what identifies it: no spaces, signs, prefix letters or leading zeros.

    >>> fold(" dwg-0123 4567 "), fold("99 A"), fold("-")
    ('1234567', '99A', None)
    """
    if reference is None:
        return None
    kept = _NOT_ALPHANUMERIC.sub("", reference.upper())
    return _LETTERS_THEN_DIGITS.sub("", kept).lstrip("0") or None


def slips_between(written: Texts, registered: Texts) -> IntArray:
    """Slips (substitution, insertion, omission, swap of neighbours) between pairs of numbers; 3 is "more".

    Args:
        written, registered: folded numbers, pairwise, none missing.
    """
    if written.size == 0:
        return np.empty(0, np.int64)
    return process.cpdist(
        written.tolist(), registered.tolist(), scorer=OSA.distance, score_cutoff=2, dtype=np.int64
    )


def pairs_with_equal_number(written: Texts, registered: NumberIndex) -> tuple[IntArray, IntArray]:
    """Positions in the two of every pair of equal numbers, ordered by the first; none is missing."""
    return registered.pairs(keys(written))


def pairs_within_one_slip(written: Texts, registered: NumberIndex) -> tuple[IntArray, IntArray]:
    """Positions in the two of every pair of numbers that are equal or one slip apart.

    Whatever one slip can make of each written number is looked up among the registered ones: meant
    for few written numbers and a large register.

    Args:
        written, registered: folded numbers, none missing.

    Returns:
        Distinct pairs, ordered by both.
    """
    if not (written.size and registered.texts.size):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    # what is longer than any number of the register by more than a slip is like none
    padded = signs(written, registered.longest + 2)
    short = np.flatnonzero(padded[:, -1] == 0)
    if not short.size:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    slipped = np.concatenate([*_after_one_slip(padded[short].astype(np.uint64), registered.alphabet)])
    # a place past the end of a shorter number makes a key that is no number's, or the same once more
    at, hydrant = registered.pairs(slipped)
    pairs = distinct(short[at % len(short)] * len(registered.texts) + hydrant)
    return pairs // len(registered.texts), pairs % len(registered.texts)


def _after_one_slip(written: Keys, alphabet: Keys) -> Iterator[Keys]:
    """The keys of all that no slip or one slip can make of each number, one array after another.

    What a slip adds to the sum that is the key, or takes from it, follows from the characters it touches.
    """
    # arrays of one, not scalars: numpy warns of the overflow that is meant here for scalars only
    power = np.split(powers(written.shape[1] + 1), written.shape[1] + 1)
    up_to = np.cumsum(written * np.concatenate(power[:-1]), axis=1)
    whole = up_to[:, -1]
    inverse = np.array([pow(BASE, -1, 2**64)], np.uint64)
    sign = alphabet[:, None]  # one row of keys for each
    yield whole
    for place in range(written.shape[1]):
        here = written[:, place]
        before = up_to[:, place] - here * power[place]
        yield before + (whole - up_to[:, place]) * inverse  # omitted
        yield (whole + (sign - here) * power[place]).ravel()  # another in its stead
        yield (before + (whole - before) * power[1] + sign * power[place]).ravel()  # one put in before it
        if place + 1 < written.shape[1]:
            after = written[:, place + 1]
            yield whole + (after - here) * power[place] + (here - after) * power[place + 1]  # swapped

"""Hydrant numbers as crews write them, compared with the register's."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pandas as pd
from rapidfuzz import process
from rapidfuzz.distance import OSA

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


def slips_between(
    written: npt.NDArray[np.object_], registered: npt.NDArray[np.object_]
) -> npt.NDArray[np.int64]:
    """Slips (substitution, insertion, omission, swap of neighbours) between pairs of numbers; 3 is "more".

    Args:
        written, registered: folded numbers, pairwise, none missing.
    """
    if written.size == 0:
        return np.empty(0, np.int64)
    return process.cpdist(
        written.tolist(), registered.tolist(), scorer=OSA.distance, score_cutoff=2, dtype=np.int64
    )


def pairs_within_one_slip(written: pd.Series, registered: pd.Series) -> pd.DataFrame:
    """Every pair of a written and a registered number that are equal or one slip apart.

    Two numbers one slip apart become equal when each loses at most one character (a swap of
    neighbours too), so an equi-join over all such shortenings finds every pair without comparing
    each with each.

    Args:
        written: folded numbers by record label; missing ones are left out.
        registered: folded numbers by hydrant label.

    Returns:
        Columns `record`, `hydrant`, distinct; a superset of the pairs meant (some are two slips apart).
    """
    left = _shortenings(written, "record")
    right = _shortenings(registered, "hydrant")
    return left.merge(right, on="key", how="inner")[["record", "hydrant"]].drop_duplicates(ignore_index=True)


def _shortenings(numbers: pd.Series, label: str) -> pd.DataFrame:
    known = numbers.dropna()
    keys: list[str] = []
    labels: list[object] = []
    for name, number in known.items():
        variants = {number, *(number[:i] + number[i + 1 :] for i in range(len(number)))}
        keys.extend(variants)
        labels.extend([name] * len(variants))
    return pd.DataFrame(
        {"key": pd.Series(keys, dtype=object), label: pd.Series(labels, dtype=known.index.dtype)}
    )

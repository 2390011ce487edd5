"""What records that want the same hydrants, and those hydrants, tell each other pass after pass."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from hydrants.matching.frames import BoolArray, FloatArray, IntArray
from hydrants.matching.parameters import Parameters

_SETTLED = 1e-4
_MOST_CLAIM = 1e5
_MOST_EXPONENT = 600.0
_OUT_OF_THE_QUESTION = 1e-7


class Claims:
    """Some entangled pairs, and how far the talk between their records and their hydrants has come.

    k claims on a hydrant on one day weigh s**(k-1) and d days with claims a**(d-1), with s and a the rates of
    `Parameters`; no claim at all weighs the odds of not being inspected (1 / `needed`). Summed over every set
    of claims this has a closed form, by day and then by hydrant.

    Attributes:
        pair: which they are: first those with rivals, then the other choices of the same records.
        left: what the claims of the others leave of each pair.
        count: how many have rivals.
    """

    def __init__(
        self,
        pair: IntArray,
        odds: FloatArray,
        left: FloatArray,
        record: IntArray,
        visit: IntArray,
        hydrant: IntArray,
        needed: FloatArray,
        p: Parameters,
    ) -> None:
        """Take them.

        Args:
            odds, left, record: of each pair.
            visit, hydrant, needed: of each that has rivals; in order, and so are the visits of a hydrant.
        """
        self.pair, self.left, self.count = pair, left, len(visit)
        self._odds, self._needed, self._p = odds, needed, p
        self._record = renumbered(record)
        self._visit, first = _numbered_in_order(visit)
        self._hydrant, _ = _numbered_in_order(hydrant)
        self._hydrant_of_visit = self._hydrant[first]
        of_record = entangled(self._record[: self.count], self._hydrant, int(self._record.max()) + 1)
        self._group = of_record[self._record]

    def only(self, keep: BoolArray) -> Claims:
        """Those to keep."""
        of_rivalled = keep[: self.count]
        return Claims(
            self.pair[keep],
            self._odds[keep],
            self.left[keep],
            self._record[keep],
            self._visit[of_rivalled],
            self._hydrant[of_rivalled],
            self._needed[of_rivalled],
            self._p,
        )

    def is_likely(self) -> BoolArray:
        """Per pair whether it is a real possibility by now, so that the others must hear of it."""
        return is_likely(self._odds * self.left, self._record, self._record.max() + 1)

    def exchange(self, damping: float) -> BoolArray:
        """One pass: records claim, hydrants answer; per pair whether its group has not settled yet."""
        rivalled = slice(self.count)
        weight = self._odds * self.left
        total = 1 + np.bincount(self._record, weight)
        others = total[self._record[rivalled]] - weight[rivalled]
        claim = np.minimum(self._odds[rivalled] / others, _MOST_CLAIM)
        before = self.left[rivalled].copy()
        answer = (1 - damping) * self._answer(claim) + damping * before
        self.left[rivalled] = answer
        change = np.abs(answer - before) > _SETTLED * before
        is_restless = np.zeros(self._group.max() + 1, bool)
        is_restless[self._group[rivalled][change]] = True
        return is_restless[self._group]

    def _answer(self, claim: FloatArray) -> FloatArray:
        """Per claim, how much likelier "this hydrant, too" is than "another", given the others.

        In logarithms: hundreds of claims on one hydrant multiply to more than a number can hold.
        """
        again, same_day = self._p.again_rate, self._p.again_same_day_rate
        one = np.log1p(same_day * claim)
        of_visit = np.bincount(self._visit, one).astype(float)
        by_day = _log_share(again / same_day, of_visit)
        of_hydrant = np.bincount(self._hydrant_of_visit, by_day).astype(float)
        other_days = (of_hydrant[self._hydrant_of_visit] - by_day)[self._visit]
        others = of_visit[self._visit] - one
        without = other_days + _log_share(again / same_day, others)
        return self._needed * np.exp(others + other_days - _log_share(self._needed / again, without))


def is_likely(weight: FloatArray, record: IntArray, n_records: int) -> BoolArray:
    """Per pair whether it is a real possibility for its record: by its weight, that of "none" being 1."""
    return weight > _OUT_OF_THE_QUESTION * (1 + np.bincount(record, weight, n_records))[record]


def _log_share(factor: FloatArray | float, exponent: FloatArray) -> FloatArray:
    """log(1 + factor * (exp(x) - 1)) for x >= 0, without overflow."""
    bounded = np.clip(exponent, 0.0, _MOST_EXPONENT)
    return np.log1p(factor * np.expm1(bounded)) + (exponent - bounded)


def _numbered_in_order(values: IntArray) -> tuple[IntArray, IntArray]:
    """Values that are in order, counted from 0; and the position of the first of each."""
    is_first = np.append(np.ones(min(len(values), 1), bool), values[1:] != values[:-1])
    return is_first.cumsum() - 1, np.flatnonzero(is_first)


def renumbered(values: IntArray) -> IntArray:
    """The same, with the numbers that occur counted from 0."""
    occurs = np.zeros(values.max(initial=-1) + 1, np.int64)
    occurs[values] = 1
    return (occurs.cumsum() - 1)[values]


def entangled(record: IntArray, hydrant: IntArray, n_records: int) -> IntArray:
    """The number of the connected component that each record lies in.

    Args:
        record, hydrant: of pairs in the order of their hydrants, which are counted from 0.
    """
    of_hydrant = np.bincount(hydrant)
    n_nodes = len(of_hydrant) + n_records
    # hydrants come first: each has its records in its row of the graph, and the rows of the records are empty
    ends = np.full(n_nodes + 1, len(record))
    ends[: len(of_hydrant) + 1] = np.append(0, of_hydrant.cumsum())
    graph = csr_array((np.ones(len(record)), len(of_hydrant) + record, ends), shape=(n_nodes, n_nodes))
    label: IntArray = connected_components(graph, directed=False)[1]
    return label[len(of_hydrant) :]

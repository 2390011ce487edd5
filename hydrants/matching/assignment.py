"""Turn likelihoods into probabilities and a joint answer, knowing that a hydrant is inspected once.

Records of one campaign compete: a second conclusive record of the same hydrant, not
declared to be a re-inspection, is improbable (`again_rate`), on the same day more so.
Each record's claim on a hydrant therefore weakens the claims of the others, and a
claim that is pushed away strengthens the neighbour it is left with.

`posteriors` lets records and hydrants tell each other what they hold for probable until
they agree (belief propagation: exact where the claims form no ring, and close to it
where they do). `best_together` gives the one likeliest answer for all records jointly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components, min_weight_full_bipartite_matching

from hydrants.matching.frames import BoolArray, FloatArray, IntArray, distinct
from hydrants.matching.parameters import Parameters
from hydrants.matching.scoring import Scores

_MAX_PASSES = 100
_SETTLED = 1e-4
_WORTH_SHRINKING = 0.6
_DAMPING = 0.3
_FIRST_PASSES, _FREE_PASSES = 4, 12
_MOST_ODDS = 1e9  # surer than this is sure
_MOST_CLAIM = 1e5
_MOST_EXPONENT = 600.0
_NEGLIGIBLE = 1e-6
_OUT_OF_THE_QUESTION = 1e-7
_MOST_SEATS = 3


@dataclass(frozen=True)
class Posteriors:
    """Probabilities that sum to one per record.

    Attributes:
        pair: aligned with the pairs.
        other, unregistered: per record.
    """

    pair: FloatArray
    other: FloatArray
    unregistered: FloatArray


def posteriors(
    scores: Scores, day: IntArray, competes: BoolArray, inspected: FloatArray, p: Parameters
) -> Posteriors:
    """The probability of each explanation of each record, given the others' claims.

    Args:
        scores: log-likelihoods.
        day: per record, the day of its inspection as an integer.
        competes: per record, whether it counts as the one inspection of its hydrant.
        inspected: per hydrant, how likely it is to be inspected at all.
    """
    record, hydrant = scores.pairs.record, scores.pairs.hydrant
    rivals = np.logaddexp(scores.other, scores.unregistered)
    # a rival that is out of the question may count for a little: so two sure candidates keep their ratio
    best = np.full(len(rivals), -np.inf)
    np.maximum.at(best, record, scores.pair)
    rivals = np.maximum(rivals, best - np.log(_MOST_ODDS))
    odds = np.exp(scores.pair - rivals[record])
    left = _left_by_others(odds, record, hydrant, day, competes, inspected / (1 - inspected), p)
    weight = odds * left
    total = 1 + np.bincount(record, weight, len(rivals))
    is_other = np.exp(scores.other - np.logaddexp(scores.other, scores.unregistered))
    return Posteriors(weight / total[record], is_other / total, (1 - is_other) / total)


def _left_by_others(
    odds: FloatArray,
    record: IntArray,
    hydrant: IntArray,
    day: IntArray,
    competes: BoolArray,
    needed: FloatArray,
    p: Parameters,
) -> FloatArray:
    """What the claims of the others leave of each pair, against a hydrant that nobody needs."""
    # nobody else wants it: as likely as it is to be inspected
    left = np.where(competes[record], needed[hydrant], 1.0)
    is_claim = competes[record] & _is_likely(odds * left, record, len(day))
    wanted = np.bincount(hydrant[is_claim], minlength=hydrant.max(initial=-1) + 1)
    is_rivalled = is_claim & (wanted[hydrant] > 1)
    if not is_rivalled.any():
        return left
    has_rival = np.zeros(len(day), bool)
    has_rival[record[is_rivalled]] = True
    pair = np.flatnonzero(has_rival[record] & is_claim)
    claims = _Claims(pair, odds, left, record, hydrant, day, is_rivalled, needed, p)
    for number in range(1, _MAX_PASSES + 1):
        is_restless = claims.exchange(_DAMPING if number > _FREE_PASSES else 0.0)
        if number == _FIRST_PASSES or is_restless.mean() < _WORTH_SHRINKING:
            left[pair] = claims.left
            # what is out of the question by now, or has settled, stays as it was found
            pair = pair[is_restless & claims.is_likely()]
            if not is_rivalled[pair].any():
                return left
            claims = _Claims(pair, odds, left, record, hydrant, day, is_rivalled, needed, p)
    left[pair] = claims.left
    return left


def _is_likely(weight: FloatArray, record: IntArray, n_records: int) -> BoolArray:
    return weight > _OUT_OF_THE_QUESTION * (1 + np.bincount(record, weight, n_records))[record]


class _Claims:
    """Some entangled pairs, and how far the talk between their records and their hydrants has come.

    k claims on a hydrant on one day weigh s**(k-1) and d days with claims a**(d-1), with s and a the rates of
    `Parameters`; no claim at all weighs the odds of not being inspected (1 / `needed`). Summed over every set
    of claims this has a closed form, by day and then by hydrant.

    Attributes:
        left: what the claims of the others leave of each pair.
    """

    def __init__(
        self,
        pair: IntArray,
        odds: FloatArray,
        left: FloatArray,
        record: IntArray,
        hydrant: IntArray,
        day: IntArray,
        is_rivalled: BoolArray,
        needed: FloatArray,
        p: Parameters,
    ) -> None:
        self.left = left[pair]
        self._odds = odds[pair]
        self._record = _renumbered(record[pair])
        self._group = _entangled(self._record, _renumbered(hydrant[pair]))
        self._rivalled = np.flatnonzero(is_rivalled[pair])
        of_day = day[record[pair[self._rivalled]]]
        span = int(np.ptp(of_day)) + 1
        key = hydrant[pair[self._rivalled]] * span + (of_day - of_day.min())
        visits = distinct(key)
        self._visit = np.searchsorted(visits, key)
        self._hydrant = _renumbered(visits // span)  # of each visit
        self._again, self._same_day = p.again_rate, p.again_same_day_rate
        self._unclaimed = 1 / needed[hydrant[pair[self._rivalled]]]

    def is_likely(self) -> BoolArray:
        """Whether a pair is a real possibility for its record, so that the others must hear of it."""
        return _is_likely(self._odds * self.left, self._record, self._record.max() + 1)

    def exchange(self, damping: float) -> BoolArray:
        """One pass: records claim, hydrants answer; per pair whether its group has not settled yet."""
        weight = self._odds * self.left
        total = 1 + np.bincount(self._record, weight)
        others = total[self._record[self._rivalled]] - weight[self._rivalled]
        claim = np.minimum(self._odds[self._rivalled] / others, _MOST_CLAIM)
        before = self.left[self._rivalled]
        answer = (1 - damping) * self._answer(claim) + damping * before
        self.left[self._rivalled] = answer
        change = np.abs(answer - before) > _SETTLED * before
        is_restless = np.zeros(self._group.max() + 1, bool)
        is_restless[self._group[self._rivalled[change]]] = True
        return is_restless[self._group]

    def _answer(self, claim: FloatArray) -> FloatArray:
        """Per claim, how much likelier "this hydrant, too" is than "another", given the others.

        In logarithms: hundreds of claims on one hydrant multiply to more than a number can hold.
        """
        again, between = np.log(self._again), np.log(self._again / self._same_day)
        one = np.log1p(self._same_day * claim)
        of_visit = np.bincount(self._visit, one).astype(float)
        by_day = np.logaddexp(0.0, between + _log_expm1(of_visit))
        other_days = (np.bincount(self._hydrant, by_day)[self._hydrant] - by_day)[self._visit]
        others = np.maximum(of_visit[self._visit] - one, 0.0)
        without = other_days + np.logaddexp(0.0, between + _log_expm1(others))
        unneeded = np.logaddexp(np.log(self._unclaimed), _log_expm1(without) - again)
        return np.exp(others + other_days - unneeded)


def _log_expm1(exponent: FloatArray) -> FloatArray:
    """log(exp(x) - 1) for x >= 0, without overflow."""
    with np.errstate(divide="ignore"):
        return exponent + np.log(-np.expm1(-np.maximum(exponent, 0.0)))


def _renumbered(values: IntArray) -> IntArray:
    """The same, with the numbers that occur counted from 0."""
    occurs = np.zeros(values.max(initial=-1) + 1, np.int64)
    occurs[values] = 1
    return (occurs.cumsum() - 1)[values]


def best_together(
    scores: Scores, chances: Posteriors, competes: BoolArray, inspected: FloatArray, p: Parameters
) -> IntArray:
    """The candidate of each record in the one likeliest joint answer, as a position in the pairs.

    The first use of a hydrant gains as it is likely to be inspected, a further one costs `again_rate`.
    Where no two records want the same hydrant most, everyone gets the best of its own; the others are solved
    exactly, with all they are entangled with.

    Returns:
        Per record a position in `scores.pairs`; -1 for a record that has no candidate, or is likelier to be
        about none of them.
    """
    record, hydrant = scores.pairs.record, scores.pairs.hydrant
    best = largest_of_each(chances.pair, record, len(competes))
    none = 1 - np.bincount(record, chances.pair, len(competes))
    has_pair = np.flatnonzero(best >= 0)
    best[has_pair[chances.pair[best[has_pair]] < none[has_pair]]] = -1

    wants = np.flatnonzero((best >= 0) & competes)
    wanted = np.bincount(hydrant[best[wants]], minlength=hydrant.max(initial=-1) + 1)
    if not (wanted > 1).any():
        return best
    weighed = np.flatnonzero(competes[record] & (chances.pair > _NEGLIGIBLE))
    group = _entangled(_renumbered(record[weighed]), _renumbered(hydrant[weighed]))
    is_disputed = np.bincount(group, wanted[hydrant[weighed]] > 1) > 0
    pair = weighed[is_disputed[group]]
    rivals = np.logaddexp(scores.other, scores.unregistered)
    gain = np.clip(scores.pair[pair] - rivals[record[pair]], -_MOST_EXPONENT, _MOST_EXPONENT)
    first = np.log(inspected / (1 - inspected))[hydrant[pair]]
    chosen = optimal(record[pair], hydrant[pair], gain, first, np.log(p.again_rate))
    best[record[pair]] = -1
    best[record[pair[chosen]]] = pair[chosen]
    return best


def largest_of_each(value: FloatArray, record: IntArray, n_records: int) -> IntArray:
    """Position of the largest value of each record, the first of equals; -1 for a record without any."""
    largest = np.full(n_records, -np.inf)
    np.maximum.at(largest, record, value)
    at = np.flatnonzero(value == largest[record])[::-1]
    position = np.full(n_records, -1)
    position[record[at]] = at  # the last to be written is the first
    return position


def _entangled(record: IntArray, hydrant: IntArray) -> IntArray:
    """The number of the connected component that each pair lies in."""
    n_records = record.max() + 1
    size = n_records + hydrant.max() + 1
    graph = coo_matrix((np.ones(len(record), np.int8), (record, n_records + hydrant)), shape=(size, size))
    label: IntArray = connected_components(graph, directed=False)[1]
    return label[record].astype(np.int64)


def optimal(
    record: IntArray, hydrant: IntArray, gain: FloatArray, first: FloatArray, again: float
) -> IntArray:
    """Positions of the pairs that together gain most, each record in one pair or in none.

    Every hydrant has a seat that gains `first` (per pair, the same for a hydrant) and up to `_MOST_SEATS` - 1
    that gain `again` (a loss), and every record has a seat of its own for "none", at no gain.
    """
    row, column = _renumbered(record), _renumbered(hydrant)
    n_rows, n_columns = row.max() + 1, column.max() + 1
    seats = min(int(np.bincount(column).max()), _MOST_SEATS)
    rows, columns, gains = [np.arange(n_rows)], [seats * n_columns + np.arange(n_rows)], [np.zeros(n_rows)]
    for seat in range(seats):
        rows.append(row)
        columns.append(seat * n_columns + column)
        gains.append(gain + (again if seat else first))
    weight = np.concatenate(gains)
    weight += 1 - weight.min()  # a weight of nought would be no edge; each row is used once, so all may shift
    shape = (n_rows, seats * n_columns + n_rows)
    graph = coo_matrix((weight, (np.concatenate(rows), np.concatenate(columns))), shape=shape).tocsr()
    taken_row, taken_column = min_weight_full_bipartite_matching(graph, maximize=True)
    taken = np.full(n_rows, -1)
    taken[taken_row] = np.where(taken_column < seats * n_columns, taken_column % n_columns, -1)
    return np.flatnonzero(taken[row] == column)

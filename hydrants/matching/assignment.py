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
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from hydrants.matching.claims import Claims, entangled, is_likely, renumbered
from hydrants.matching.frames import BoolArray, FloatArray, IntArray
from hydrants.matching.parameters import Parameters
from hydrants.matching.scoring import Scores

_MAX_PASSES = 100
_WORTH_SHRINKING = 0.6
_DAMPING = 0.3
_FIRST_PASSES, _FREE_PASSES = 4, 12
_MOST_ODDS = 1e9  # surer than this is sure
_MOST_EXPONENT = 600.0
_NEGLIGIBLE = 1e-6
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
    rivals = _log_sum(scores.other, scores.unregistered)
    # a rival that is out of the question may count for a little: so two sure candidates keep their ratio
    counted = np.full(len(rivals), -np.inf)
    np.maximum.at(counted, record, scores.pair)
    counted = np.maximum(rivals, counted - np.log(_MOST_ODDS))
    odds = np.exp(scores.pair - counted[record])
    left = _left_by_others(odds, record, hydrant, day, competes, inspected / (1 - inspected), p)
    weight = odds * left
    total = 1 + np.bincount(record, weight, len(rivals))
    is_other = np.exp(scores.other - rivals)
    return Posteriors(weight / total[record], is_other / total, (1 - is_other) / total)


def _log_sum(left: FloatArray, right: FloatArray) -> FloatArray:
    """log(exp(left) + exp(right)) of finite numbers; a third of the time that `np.logaddexp` takes."""
    return np.maximum(left, right) + np.log1p(np.exp(-np.abs(left - right)))


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
    may_claim = competes[record]
    # nobody else wants it: as likely as it is to be inspected
    left = np.where(may_claim, needed[hydrant], 1.0)
    is_claim = may_claim & is_likely(odds * left, record, len(day))
    wanted = np.bincount(hydrant[is_claim], minlength=hydrant.max(initial=-1) + 1)
    is_rivalled = is_claim & (wanted[hydrant] > 1)
    if not is_rivalled.any():
        return left
    has_rival = np.zeros(len(day), bool)
    has_rival[record[is_rivalled]] = True
    rivalled = np.flatnonzero(is_rivalled)
    visit = hydrant[rivalled] * (int(np.ptp(day)) + 1) + (day[record[rivalled]] - day.min())
    by_visit = np.argsort(visit)
    rivalled, visit = rivalled[by_visit], visit[by_visit]
    pair = np.append(rivalled, np.flatnonzero(is_claim & ~is_rivalled & has_rival[record]))
    claims = Claims(
        pair, odds[pair], left[pair], record[pair], visit, hydrant[rivalled], needed[hydrant[rivalled]], p
    )
    for number in range(1, _MAX_PASSES + 1):
        is_restless = claims.exchange(_DAMPING if number > _FREE_PASSES else 0.0)
        if number == _FIRST_PASSES or is_restless.mean() < _WORTH_SHRINKING:
            left[claims.pair] = claims.left
            # what is out of the question by now, or has settled, stays as it was found
            keep = is_restless & claims.is_likely()
            if not keep[: claims.count].any():
                return left
            claims = claims.only(keep)
    left[claims.pair] = claims.left
    return left


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
    by_hydrant = weighed[np.argsort(hydrant[weighed])]
    of_record = entangled(record[by_hydrant], renumbered(hydrant[by_hydrant]), len(competes))
    group = of_record[record[weighed]]
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


def optimal(
    record: IntArray, hydrant: IntArray, gain: FloatArray, first: FloatArray, again: float
) -> IntArray:
    """Positions of the pairs that together gain most, each record in one pair or in none.

    Every hydrant has a seat that gains `first` (per pair, the same for a hydrant) and up to `_MOST_SEATS` - 1
    that gain `again` (a loss), and every record has a seat of its own for "none", at no gain.
    """
    row, column = renumbered(record), renumbered(hydrant)
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
